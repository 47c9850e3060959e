"""Secrets by reference: `env:NAME` or `file:/path`. A profile never holds the secret itself."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from opsctl.core.errors import ConfigurationError
from opsctl.core.secret import Secret


def resolve(reference: str) -> Secret:
    """The secret that `reference` names, without a trailing line break.

    ConfigurationError when it is missing, empty, or in a file that others than its owner may read.
    """
    kind, _, place = reference.partition(":")
    if kind == "env":
        text = os.environ.get(place, "")
        if not text:
            raise ConfigurationError(f"the environment variable {place} is not set", f"set {place} and run again")
        return Secret(text)
    if kind == "file":
        return _from_file(Path(place))
    raise ConfigurationError(f"a secret is referred to by {kind}:, which is not known", "write env:NAME or file:/path")


def _from_file(path: Path) -> Secret:
    try:
        # Mode and content of the same open file: a path could be swapped between two looks.
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            text = file.read(1 << 20).decode()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"the secret file {path} cannot be read ({type(error).__name__})",
                                 "create it as text, with mode 0600, owned by the user who runs opsctl") from None
    if mode & 0o077:
        raise ConfigurationError(f"the secret file {path} has mode {mode:04o}: others than its owner may use it",
                                 f"chmod 600 {path}, and replace the secret if others have read it")
    if not text.strip():
        raise ConfigurationError(f"the secret file {path} is empty", "write the secret into it")
    return Secret(text.rstrip("\r\n"))
