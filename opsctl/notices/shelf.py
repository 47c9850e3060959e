"""Drafts on disk: a folder per customer, notice and revision; private, because addresses are personal data."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from opsctl.core.durable import sync_folder
from opsctl.core.errors import ConfigurationError, OperationFailed


class Found(StrEnum):
    """What lies where a draft belongs."""

    MISSING = "missing"
    INTACT = "intact"
    ALTERED = "altered"


def place(drafts: Path, customer: str, notice: str, revision: int) -> Path:
    """The folder of a draft."""
    return drafts / customer / notice / str(revision)


def look(folder: Path, content: Mapping[str, bytes]) -> Found:
    """Whether `folder` holds exactly the files of `content`; ConfigurationError when that cannot be read."""
    try:
        names = {path.name for path in folder.iterdir()}
        same = names == set(content) and all((folder / name).read_bytes() == found for name, found in content.items())
    except (FileNotFoundError, NotADirectoryError):
        return Found.MISSING
    except OSError as error:
        raise ConfigurationError(f"the draft in {folder} cannot be read: {error.strerror}",
                                 "run as the user who drafts, or give opsctl a folder of its own under `drafts` in "
                                 "opsctl.yml") from None
    return Found.INTACT if same else Found.ALTERED


def put(folder: Path, content: Mapping[str, bytes]) -> None:
    """Write `content` as `folder`, whole or not at all; what lies there that no evidence names is replaced."""
    beside = folder.with_name(f".{folder.name}.unfinished")
    try:
        for parent in reversed(folder.parents[:3]):
            parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir(mode=0o700)
        for name, found in content.items():
            _write(beside / name, found)
        sync_folder(beside)
        if folder.exists():
            shutil.rmtree(folder)
        beside.rename(folder)
        sync_folder(folder.parent)
    except OSError as error:
        raise OperationFailed(f"the draft cannot be written to {folder}: {error.strerror}",
                              "give opsctl a folder it may write to under `drafts` in opsctl.yml") from None


def _write(path: Path, content: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def keep(folder: Path, name: str, content: bytes) -> None:
    """Keep one file in `folder`, private and durable; the same bytes may be there already."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        if not (folder / name).exists():
            _write(folder / name, content)
            sync_folder(folder)
    except OSError as error:
        raise OperationFailed(f"the mail cannot be kept in {folder}: {error.strerror}",
                              "give opsctl a folder it may write to under `drafts` in opsctl.yml") from None
