"""Files that an option names: tried before the work, written after it."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

from opsctl.core.errors import OperationFailed, UsageError


def require_writable(path: Path) -> None:
    """UsageError (exit 2) when no file can be written at `path`: better now than after a night's work."""
    folder = path.parent
    if path.is_dir():
        raise UsageError(f"{path} is a folder", "name a file in it")
    if not folder.is_dir():
        raise UsageError(f"the folder {folder} does not exist", "create it, or name another file")
    if not os.access(path if path.exists() else folder, os.W_OK):
        raise UsageError(f"{path} cannot be written by this account", "name another file, or give it the right")


def require_folder(path: Path) -> None:
    """UsageError (exit 2) when `path` is no folder that can be written in and none can be made of it."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"the folder {path} cannot be made: {error.strerror}", "name another folder") from None
    if not os.access(path, os.W_OK):
        raise UsageError(f"nothing can be written in {path} by this account", "name another folder")


def write(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Write `content`, the file's rights being at most `mode`. OperationFailed says why it could not be."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
        with os.fdopen(handle, "wb") as stream:
            status = os.fstat(handle)
            if stat.S_ISREG(status.st_mode) and status.st_mode & 0o777 & ~mode:
                os.fchmod(handle, status.st_mode & mode)
            stream.write(content)
    except OSError as error:
        raise OperationFailed(f"{path} cannot be written: {error.strerror}",
                              "name another file, or make room and give this account the right to write it") from None


def write_whole(path: Path, content: bytes, *, mode: int) -> None:
    """As `write`, but whoever reads a regular file meanwhile sees the old or the new one, never half of it."""
    if path.is_symlink() or (path.exists() and not path.is_file()):
        write(path, content, mode=mode)
        return
    aside = ""
    try:
        handle, aside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as stream:
            os.fchmod(handle, mode)
            stream.write(content)
        Path(aside).replace(path)
        aside = ""
    except OSError as error:
        raise OperationFailed(f"{path} cannot be written: {error.strerror}",
                              "name another file, or make room and give this account the right to write it") from None
    finally:
        if aside:
            Path(aside).unlink(missing_ok=True)
