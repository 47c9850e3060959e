"""A directory of the control machine as a store: 0700 folders, 0600 files, whole or not at all.

Objects are files under their key. Uploads grow in `.uploads/ID/` on the same file system and are
renamed into place after fsync, so a crash leaves an upload and never half an object.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from opsctl.adapters.objects.model import (
    Listing,
    OpenUpload,
    Protections,
    Retention,
    StoredObject,
    StoredVersion,
    UploadedPart,
    safe_key,
)
from opsctl.core.durable import sync_folder
from opsctl.core.errors import ConfigurationError, OperationFailed
from opsctl.core.secret import Secret

UPLOADS = ".uploads"


class DirectoryObjects:
    """See the module; its clock is the file system's."""

    signs = False

    def __init__(self, root: Path) -> None:
        self._root = root

    @classmethod
    def at(cls, path: str) -> DirectoryObjects:
        """The store in `path`, which must exist: a missing one may be a disk that is not mounted."""
        root = Path(path)
        if not root.is_dir() or root.is_symlink():
            raise ConfigurationError(f"the backup directory {path} is not there",
                                     "mount its disk, or create it: install -d -m 0700 " + path)
        if root.stat().st_mode & 0o022:
            raise ConfigurationError(f"the backup directory {path} can be written by others than its owner",
                                     f"chmod go-w {path}")
        return cls(root)

    @property
    def place(self) -> str:
        return str(self._root)

    def list(self, prefix: str) -> Listing:
        objects = tuple(StoredObject(key, path.stat().st_size, _time(path.stat().st_mtime))
                        for key, path in self._files() if key.startswith(prefix))
        return Listing(objects, self._now())

    def versions(self, prefix: str) -> tuple[StoredVersion, ...]:
        return tuple(StoredVersion(key, "") for key, _ in self._files() if key.startswith(prefix))

    def put(self, key: str, body: bytes) -> None:
        target = self._path(key)
        with self._told(key):
            self._uploads.mkdir(mode=0o700, exist_ok=True)
            temporary = self._uploads / f"put-{secrets.token_hex(8)}"
            try:
                with self._new_file(temporary) as descriptor:
                    _write(descriptor, body)
                self._publish(temporary, target)
            finally:
                temporary.unlink(missing_ok=True)

    def put_locked(self, key: str, body: bytes, until: datetime) -> Retention | None:
        self.put(key, body)
        return None

    def get(self, key: str, start: int = 0, size: int | None = None) -> bytes:
        with self._told(key), self._path(key).open("rb") as file:
            file.seek(start)
            found = file.read() if size is None else file.read(size)
        if size is not None and len(found) < size:
            raise OperationFailed(f"{key} in {self.place} is shorter than expected",
                                  "the file was cut; use another backup")
        return found

    def begin(self, key: str) -> str:
        safe_key(key)
        upload = secrets.token_hex(8)
        with self._told(key):
            folder = self._uploads / upload
            self._uploads.mkdir(mode=0o700, exist_ok=True)
            folder.mkdir(mode=0o700)
            for name, text in (("data", ""), ("parts", ""), ("key", key)):
                with self._new_file(folder / name) as descriptor:
                    _write(descriptor, text.encode())
        return upload

    def put_part(self, key: str, upload: str, number: int, body: bytes) -> UploadedPart:
        have = self.parts(key, upload)
        if number != len(have) + 1:
            raise OperationFailed(f"part {number} of {key} came when {len(have) + 1} was next",
                                  "this is an error in opsctl; report it")
        part = UploadedPart(number, len(body), hashlib.md5(body, usedforsecurity=False).hexdigest())
        folder = self._folder(key, upload)
        with self._told(key):
            descriptor = os.open(folder / "data", os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW)
            try:
                _write(descriptor, body)
            finally:
                os.close(descriptor)
            with (folder / "parts").open("a") as file:
                file.write(json.dumps([part.number, part.size, part.etag]) + "\n")
        return part

    def sign_part(self, key: str, upload: str, number: int, seconds: int) -> Secret:
        raise OperationFailed(f"the directory {self.place} does not sign addresses")

    def sign_get(self, key: str, seconds: int) -> Secret:
        raise OperationFailed(f"the directory {self.place} does not sign addresses")

    def parts(self, key: str, upload: str) -> tuple[UploadedPart, ...]:
        with self._told(key):
            lines = (self._folder(key, upload) / "parts").read_text().splitlines()
        return tuple(UploadedPart(*json.loads(line)) for line in lines)

    def complete(self, key: str, upload: str, parts: Sequence[UploadedPart]) -> None:
        folder = self._folder(key, upload)
        data = folder / "data"
        total = sum(part.size for part in parts)
        if not parts or tuple(parts) != self.parts(key, upload) or data.stat().st_size != total:
            raise OperationFailed(f"the parts of {key} in {self.place} are not those that were sent",
                                  "take the backup again")
        with self._told(key):
            descriptor = os.open(data, os.O_RDONLY | os.O_NOFOLLOW)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            self._publish(data, self._path(key))
            shutil.rmtree(folder)

    def abort(self, key: str, upload: str) -> None:
        if len(upload) == 16 and upload.isalnum():
            shutil.rmtree(self._uploads / upload, ignore_errors=True)

    def uploads(self, prefix: str) -> tuple[OpenUpload, ...]:
        found = []
        for path in sorted(self._uploads.glob("*/key")):
            key = path.read_text()
            if key.startswith(prefix):
                found.append(OpenUpload(key, path.parent.name, _time(path.stat().st_mtime)))
        return tuple(found)

    def delete(self, key: str) -> None:
        path = self._path(key)
        with self._told(key):
            path.unlink(missing_ok=True)
            for folder in path.parents:
                if folder == self._root or any(folder.iterdir() if folder.is_dir() else ()):
                    break
                if folder.is_dir():
                    folder.rmdir()

    def retention(self, key: str) -> Retention | None:
        return None

    def protections(self, prefix: str) -> Protections:
        with self._told("its room"):
            return Protections(public_blocked=True, free=shutil.disk_usage(self._root).free)

    def open_to_all(self, key: str) -> bool:
        return bool(self._path(key).stat().st_mode & 0o077)

    @property
    def _uploads(self) -> Path:
        return self._root / UPLOADS

    def _path(self, key: str) -> Path:
        path = self._root / safe_key(key)
        if any(part.is_symlink() for part in (path, *path.parents) if part != self._root
               and self._root in part.parents):
            raise OperationFailed(f"{key} in {self.place} leads over a symbolic link", "remove the link")
        return path

    def _folder(self, key: str, upload: str) -> Path:
        folder = self._uploads / upload
        try:
            if len(upload) == 16 and upload.isalnum() and (folder / "key").read_text() == key:
                return folder
        except OSError:
            pass
        raise OperationFailed(f"there is no such upload of {key} in {self.place}", "take the backup again")

    def _files(self) -> Iterator[tuple[str, Path]]:
        """Keys and files in order of the keys; links and the uploads' folder are passed over."""
        found = []
        for folder, names, files in os.walk(self._root):
            names[:] = [name for name in names if not name.startswith(".")]
            for name in files:
                path = Path(folder, name)
                if not path.is_symlink():
                    found.append((path.relative_to(self._root).as_posix(), path))
        yield from sorted(found)

    def _now(self) -> datetime:
        # The file system's own clock, which on a network disk is not this machine's.
        with self._told("its clock"):
            self._uploads.mkdir(mode=0o700, exist_ok=True)
            probe = self._uploads / f"clock-{secrets.token_hex(8)}"
            try:
                probe.touch(0o600)
                return _time(probe.stat().st_mtime)
            finally:
                probe.unlink(missing_ok=True)

    @contextmanager
    def _new_file(self, path: Path) -> Iterator[int]:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        try:
            yield descriptor
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _publish(self, temporary: Path, target: Path) -> None:
        missing = [folder for folder in target.parents if not folder.exists()]
        for folder in reversed(missing):
            folder.mkdir(mode=0o700, exist_ok=True)
        temporary.replace(target)
        for folder in {target.parent, *(folder.parent for folder in missing)}:
            sync_folder(folder)

    @contextmanager
    def _told(self, what: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise OperationFailed(f"{what} in the backup directory {self.place}: {error.strerror or error}",
                                  "look at the directory's disk: is it mounted, full, or read-only?") from None


def _write(descriptor: int, body: bytes) -> None:
    view = memoryview(body)
    while view:
        view = view[os.write(descriptor, view):]


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
