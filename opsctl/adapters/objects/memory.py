"""A store in memory, with versions and locks: for tests of what the rooms decide. Keeps the port's contract."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from opsctl.adapters.objects.model import (
    Listing,
    OpenUpload,
    Protections,
    Retained,
    Retention,
    StoredObject,
    StoredVersion,
    UploadedPart,
    safe_key,
)
from opsctl.core.clock import Clock, SystemClock
from opsctl.core.errors import OperationFailed
from opsctl.core.secret import Secret


@dataclass
class _Upload:
    key: str
    begun: datetime
    parts: dict[int, bytes] = field(default_factory=dict)


class MemoryObjects:
    """Keeps objects in a dictionary; `clock` is the store's own clock, `locks` what may not be removed."""

    signs = False
    place = "memory"

    def __init__(self, clock: Clock | None = None) -> None:
        self.clock = clock or SystemClock()
        self.objects: dict[str, tuple[bytes, datetime]] = {}
        self.locks: dict[str, Retention] = {}
        self.guards = Protections(public_blocked=True)
        self._uploads: dict[str, _Upload] = {}
        self._numbers = itertools.count(1)

    def list(self, prefix: str) -> Listing:
        found = (StoredObject(key, len(body), modified) for key, (body, modified) in sorted(self.objects.items())
                 if key.startswith(prefix))
        return Listing(tuple(found), self.clock.now())

    def versions(self, prefix: str) -> tuple[StoredVersion, ...]:
        return tuple(StoredVersion(key, "") for key in sorted(self.objects) if key.startswith(prefix))

    def put(self, key: str, body: bytes) -> None:
        self.objects[safe_key(key)] = (bytes(body), self.clock.now())

    def put_locked(self, key: str, body: bytes, until: datetime) -> Retention | None:
        self.put(key, body)
        if self.guards.lock_mode:
            self.locks[key] = Retention(until, self.guards.lock_mode)
        return self.retention(key)

    def get(self, key: str, start: int = 0, size: int | None = None) -> bytes:
        if key not in self.objects:
            raise OperationFailed(f"there is no {key} in {self.place}")
        body = self.objects[key][0]
        found = body[start:] if size is None else body[start:start + size]
        if size is not None and len(found) < size:
            raise OperationFailed(f"{key} in {self.place} is shorter than expected")
        return found

    def begin(self, key: str) -> str:
        upload = f"upload-{next(self._numbers)}"
        self._uploads[upload] = _Upload(safe_key(key), self.clock.now())
        return upload

    def _upload(self, key: str, upload: str) -> _Upload:
        found = self._uploads.get(upload)
        if found is None or found.key != key:
            raise OperationFailed(f"there is no such upload of {key} in {self.place}")
        return found

    def put_part(self, key: str, upload: str, number: int, body: bytes) -> UploadedPart:
        self._upload(key, upload).parts[number] = bytes(body)
        return _described(number, body)

    def sign_part(self, key: str, upload: str, number: int, seconds: int) -> Secret:
        raise OperationFailed(f"{self.place} does not sign addresses")

    def sign_get(self, key: str, seconds: int) -> Secret:
        raise OperationFailed(f"{self.place} does not sign addresses")

    def parts(self, key: str, upload: str) -> tuple[UploadedPart, ...]:
        return tuple(_described(number, body) for number, body in sorted(self._upload(key, upload).parts.items()))

    def complete(self, key: str, upload: str, parts: Sequence[UploadedPart]) -> None:
        if not parts or tuple(parts) != self.parts(key, upload):
            raise OperationFailed(f"the parts of {key} in {self.place} are not those that were sent")
        self.put(key, b"".join(body for _, body in sorted(self._uploads.pop(upload).parts.items())))

    def abort(self, key: str, upload: str) -> None:
        self._uploads.pop(upload, None)

    def uploads(self, prefix: str) -> tuple[OpenUpload, ...]:
        return tuple(OpenUpload(found.key, upload, found.begun) for upload, found in self._uploads.items()
                     if found.key.startswith(prefix))

    def delete(self, key: str) -> None:
        if key in self.locks:
            raise Retained(f"{key} in {self.place} is locked", "wait until the lock ends")
        self.objects.pop(key, None)

    def retention(self, key: str) -> Retention | None:
        return self.locks.get(key)

    def protections(self, prefix: str) -> Protections:
        return self.guards

    def open_to_all(self, key: str) -> bool:
        return not self.guards.public_blocked


def _described(number: int, body: bytes) -> UploadedPart:
    return UploadedPart(number, len(body), hashlib.md5(body, usedforsecurity=False).hexdigest())
