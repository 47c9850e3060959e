"""Secrets by reference: `env:NAME` or `file:/path`. A profile never holds the secret itself."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from opsctl.core.errors import ConfigurationError
from opsctl.core.secret import Secret

_MOST_BYTES = 1 << 16


def resolve(reference: str) -> Secret:
    """The secret that `reference` names, without a trailing line break.

    ConfigurationError when it is missing, empty, or in a file that others than its owner may read.
    """
    kind, _, place = reference.partition(":")
    if kind == "env":
        return _usable(os.environ.get(place, ""), f"the environment variable {place} is not set or empty",
                       f"set {place} and run again")
    if kind == "file":
        return _usable(_content(Path(place)), f"the secret file {place} is empty", "write the secret into it")
    raise ConfigurationError(f"a secret is referred to by {kind}:, which is not known", "write env:NAME or file:/path")


def _usable(text: str, message: str, resolution: str) -> Secret:
    if not text.strip():
        raise ConfigurationError(message, resolution)
    return Secret(text.rstrip("\r\n"))


def _content(path: Path) -> str:
    try:
        # Not waiting: a pipe in the file's place would never answer.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            # Owner, mode and content of the same open file: a path could be swapped between two looks.
            _require_private(path, os.fstat(file.fileno()))
            content = file.read(_MOST_BYTES + 1)
            if len(content) > _MOST_BYTES:
                raise ConfigurationError(f"the secret file {path} is larger than {_MOST_BYTES} bytes",
                                         "name the file that holds the secret alone")
            return content.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"the secret file {path} cannot be read ({type(error).__name__})",
                                 "create it as text, with mode 0600, owned by the user who runs opsctl") from None


def _require_private(path: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise ConfigurationError(f"the secret file {path} is no regular file", "name the file itself")
    if found.st_uid not in {os.geteuid(), 0}:
        raise ConfigurationError(f"the secret file {path} belongs to another user (uid {found.st_uid})",
                                 "let it be owned by the user who runs opsctl")
    mode = stat.S_IMODE(found.st_mode)
    if mode & 0o077:
        raise ConfigurationError(f"the secret file {path} has mode {mode:04o}: others than its owner may use it",
                                 f"chmod 600 {path}, and replace the secret if others have read it")
