"""The customer's API key on this machine: the file that the profile names, and two beside it while it is replaced.

`FILE.next` is a key that is not in use yet, `FILE.previous` one that is still accepted. All are 0600 and put in place
in one step each, so that a crash leaves one of the states that `stage` tells apart:

| next | previous | |
|---|---|---|
| no | no | nothing under way |
| yes | any | a new key was made; whether hosts accept it is not known yet |
| no | yes | the new key is in use; the old one is not proven dead |
"""

from __future__ import annotations

import hashlib
import os
import secrets
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from opsctl.adapters.secrets import resolve
from opsctl.core.durable import sync_folder
from opsctl.core.errors import ConfigurationError, OperationFailed
from opsctl.core.secret import Secret

KEY_BYTES = 32


class Stage(StrEnum):
    """How far the replacement of a key is."""

    SETTLED = "settled"
    PREPARED = "prepared"
    OVERLAPPING = "overlapping"


@dataclass(frozen=True)
class KeyFiles:
    """The files of one key; `current` is the one that the profile names."""

    current: Path

    @property
    def next(self) -> Path:
        return self.current.with_name(f"{self.current.name}.next")

    @property
    def previous(self) -> Path:
        return self.current.with_name(f"{self.current.name}.previous")

    def stage(self) -> Stage:
        """How far the replacement is, by the files that are there."""
        if self.next.exists():
            return Stage.PREPARED
        return Stage.OVERLAPPING if self.previous.exists() else Stage.SETTLED

    def prepare(self) -> Secret:
        """The key that comes next, made when there is none: 256 random bits, safe in a header."""
        if not self.next.exists():
            _put(self.next, secrets.token_urlsafe(KEY_BYTES))
        return resolve(f"file:{self.next}")

    def switch(self) -> None:
        """Put the next key in use and keep the one it replaces."""
        old = resolve(f"file:{self.current}")
        _put(self.previous, old.reveal())
        _rename(self.next, self.current)

    def forget_previous(self) -> None:
        """Remove the key that was replaced."""
        self.previous.unlink(missing_ok=True)
        sync_folder(self.current.parent)


def key_files(reference: str) -> KeyFiles:
    """The files of the key that `reference` names; ConfigurationError for one that is not in a file."""
    kind, _, place = reference.partition(":")
    if kind != "file":
        raise ConfigurationError("the API's key is in an environment variable, which opsctl cannot replace",
                                 "keep it in a file of mode 0600 and name that in the profile: "
                                 "`api: {credentials: file:/path}`")
    # A link stays a link: the file behind it is replaced.
    return KeyFiles(Path(place).resolve())


def fingerprint(key: Secret) -> str:
    """The first 12 hexadecimal digits of the key's SHA-256: tells keys apart and gives nothing away."""
    return hashlib.sha256(key.reveal().encode()).hexdigest()[:12]


def _put(path: Path, text: str) -> None:
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(f"{text}\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise _unwritable(path, error) from None
    _rename(beside, path)


def _rename(source: Path, target: Path) -> None:
    try:
        source.replace(target)
        sync_folder(target.parent)
    except OSError as error:
        raise _unwritable(target, error) from None


def _unwritable(path: Path, error: OSError) -> OperationFailed:
    return OperationFailed(f"the key's file {path} cannot be written: {error.strerror}",
                           "give the account that runs opsctl the right to write in its folder, and run it again")
