"""The port of an object store. `tests/contracts/test_object_store.py` is what every implementation keeps."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from opsctl.core.errors import ConfigurationError, OperationFailed
from opsctl.core.secret import Secret

_KEY = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")


@dataclass(frozen=True)
class StoredObject:
    """An object as a listing shows it. modified: by the store's clock."""

    key: str
    size: int
    modified: datetime


@dataclass(frozen=True)
class Listing:
    """Objects in order of their keys, and the store's own clock at the time of the answer."""

    objects: tuple[StoredObject, ...]
    now: datetime


@dataclass(frozen=True)
class StoredVersion:
    """One version of an object, or a marker that hides older ones; a store without versions shows its objects.

    modified: by the store's clock; None where only the listing tells it.
    """

    key: str
    version: str
    marker: bool = False
    size: int = 0
    modified: datetime | None = None


@dataclass(frozen=True)
class UploadedPart:
    """A part of an upload under way, as the store has it."""

    number: int
    size: int
    etag: str


@dataclass(frozen=True)
class OpenUpload:
    """An upload that was begun and neither completed nor aborted."""

    key: str
    upload: str
    begun: datetime


@dataclass(frozen=True)
class Retention:
    """Why an object cannot be removed yet. until is None under a legal hold without an end."""

    until: datetime | None
    mode: str


@dataclass(frozen=True)
class Protections:
    """How a store guards what is in it. lock_mode is "" and lock_days 0 without a lock for new objects.

    expires_days, expires_on: the store itself removes objects after so many, or from that day on. archives_days,
    archives_on: it moves them to where they cannot be read at once. unknown: what it does not tell. free: bytes that
    are left, None where there is no limit to see.
    """

    versioning: bool = False
    lock_mode: str = ""
    lock_days: int = 0
    encryption: str = ""
    expires_days: int | None = None
    public_blocked: bool = False
    unknown: tuple[str, ...] = ()
    free: int | None = None
    expires_on: date | None = None
    archives_days: int | None = None
    archives_on: date | None = None


class Retained(OperationFailed):
    """The store refuses to remove an object that is locked; not an error of the run."""


class Unreachable(OperationFailed):
    """The store does not answer at all; asking again at once would only take as long again."""


class ObjectStore(Protocol):
    """What backups need of a store. All methods raise OperationFailed, naming store and key, when refused.

    signs: True when hosts put and get by signed addresses; otherwise bytes go through `put_part` and `get`.
    """

    signs: bool

    @property
    def place(self) -> str:
        """The store's name for people, without credentials."""

    def list(self, prefix: str) -> Listing:
        """All objects whose key begins with `prefix`."""

    def versions(self, prefix: str) -> tuple[StoredVersion, ...]:
        """Everything under `prefix` that still takes space or could come back."""

    def put(self, key: str, body: bytes) -> None:
        """Store a whole object at once; it is there completely or not at all."""

    def put_locked(self, key: str, body: bytes, until: datetime) -> Retention | None:
        """Store a whole object that nobody can remove before `until`; its lock, None where the store has none."""

    def get(self, key: str, start: int = 0, size: int | None = None) -> bytes:
        """`size` bytes from `start`, or all; OperationFailed when there are fewer."""

    def begin(self, key: str) -> str:
        """Begin an upload in parts; returns its id. Nothing shows under `key` before `complete`."""

    def put_part(self, key: str, upload: str, number: int, body: bytes) -> UploadedPart:
        """Store one part; numbers ascend from 1 without a gap."""

    def sign_part(self, key: str, upload: str, number: int, seconds: int) -> Secret:
        """An address to which anyone may PUT this one part for `seconds`."""

    def sign_get(self, key: str, seconds: int) -> Secret:
        """An address from which anyone may GET this object for `seconds`."""

    def parts(self, key: str, upload: str) -> tuple[UploadedPart, ...]:
        """The parts the store has, in order of their numbers."""

    def complete(self, key: str, upload: str, parts: Sequence[UploadedPart]) -> None:
        """Make the parts one object; refused when one is missing or differs."""

    def abort(self, key: str, upload: str) -> None:
        """Throw an upload away; one that is not there is no error."""

    def uploads(self, prefix: str) -> tuple[OpenUpload, ...]:
        """Uploads under way whose key begins with `prefix`."""

    def delete(self, key: str) -> None:
        """Remove every version of an object; one that is not there is no error. Retained when it is locked."""

    def retention(self, key: str) -> Retention | None:
        """The lock on an object, or None; of one behind a delete marker the strictest of its versions."""

    def protections(self, prefix: str) -> Protections:
        """How the store guards what is under `prefix`."""

    def open_to_all(self, key: str) -> bool:
        """Whether the object can be read without credentials."""


def safe_key(key: str) -> str:
    """Return `key` when it is plain names between slashes; no empty, hidden or climbing part."""
    if not _KEY.fullmatch(key) or len(key) > 900:
        raise ConfigurationError(f"{key[:80]!r} is not a key that opsctl writes",
                                 "use letters, digits, dots, dashes and underscores between slashes")
    return key
