"""An S3-compatible bucket as a store (boto3, signature version 4, TLS only).

Traps: botocore since 1.36 sends CRC32 and no Content-MD5, and `when_required` removes the checksum
that an object lock needs; so automatic checksums are off and the manifest's are given by hand. Its
default for a private endpoint is signature version 2, which many stores refuse.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager, suppress
from datetime import UTC, datetime, timedelta
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, Any

from botocore.config import Config

from opsctl.adapters.objects.model import (
    Listing,
    OpenUpload,
    Protections,
    Retained,
    Retention,
    StoredObject,
    StoredVersion,
    Unreachable,
    UploadedPart,
    safe_key,
)
from opsctl.adapters.objects.s3_answers import ABSENT, UNKNOWN, answered_at, lock_in, strictest, told
from opsctl.adapters.secrets import resolve
from opsctl.core.errors import ConfigurationError, OperationFailed
from opsctl.core.secret import Secret

if TYPE_CHECKING:
    from boto3.session import Session
    from mypy_boto3_s3 import S3Client

    from opsctl.profiles.hosted import S3Store

_MAKING = Lock()
"""A session is not safe between threads, the clients that it makes are."""


@cache
def _session() -> Session:
    """The one session of this process, which holds no credentials: each client of its own would read and build the
    whole description of S3 anew, a tenth of a second of CPU for each store."""
    import boto3

    return boto3.session.Session()


class S3Objects:
    """One bucket, below one prefix."""

    signs = True

    def __init__(self, client: S3Client, bucket: str, prefix: str = "", endpoint: str = "",
                 ca_file: str | None = None, lock: tuple[str, int] | None = None) -> None:
        """lock: mode and days of the retention that each object gets when it is put."""
        self._client = client
        self._bucket = bucket
        self._prefix = prefix
        self._endpoint = endpoint
        self._ca_file = ca_file
        self._lock = lock

    @classmethod
    def at(cls, store: S3Store) -> S3Objects:
        """The bucket that a profile names; credentials as JSON with access_key_id and secret_access_key."""
        given = _credentials(store.credentials)
        config = Config(signature_version="s3v4", retries={"mode": "standard", "total_max_attempts": 4},
                        connect_timeout=10, read_timeout=30, max_pool_connections=8,
                        request_checksum_calculation="when_required", response_checksum_validation="when_required",
                        s3={"addressing_style": "path"} if store.endpoint else {})
        with _MAKING:
            client: S3Client = _session().client(
                "s3", region_name=store.region, endpoint_url=store.endpoint, config=config,
                aws_access_key_id=given["access_key_id"], aws_secret_access_key=given["secret_access_key"],
                aws_session_token=given.get("session_token"), verify=store.ca_file or True)
        lock = (store.lock_mode, store.lock_days) if store.lock_days else None
        return cls(client, store.bucket, store.prefix, store.endpoint or "", store.ca_file, lock)

    @property
    def place(self) -> str:
        return f"s3://{self._bucket}/{self._prefix}" + (f" at {self._endpoint}" if self._endpoint else "")

    def list(self, prefix: str) -> Listing:
        found: list[StoredObject] = []
        now: datetime | None = None
        with self._told("listing"):
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=self._prefix + prefix)
            for page in pages:
                # The first page's: an age reckoned from it is never too high.
                now = now or answered_at(page["ResponseMetadata"])
                found += [StoredObject(self._own(item["Key"]), item["Size"], item["LastModified"].astimezone(UTC))
                          for item in page.get("Contents", ())]
        if now is None:
            raise OperationFailed(f"{self.place} does not tell its time", "its answers need a Date header (RFC 9110)")
        return Listing(tuple(sorted(found, key=lambda item: item.key)), now)

    def versions(self, prefix: str) -> tuple[StoredVersion, ...]:
        found: list[StoredVersion] = []
        with self._told("listing versions", UNKNOWN):
            pages = self._client.get_paginator("list_object_versions").paginate(
                Bucket=self._bucket, Prefix=self._prefix + prefix)
            for page in pages:
                found += [StoredVersion(self._own(item["Key"]), item.get("VersionId") or "null", size=item["Size"],
                                        modified=item["LastModified"].astimezone(UTC))
                          for item in page.get("Versions", ())]
                found += [StoredVersion(self._own(item["Key"]), item.get("VersionId") or "null", marker=True,
                                        modified=item["LastModified"].astimezone(UTC))
                          for item in page.get("DeleteMarkers", ())]
            return tuple(sorted(found, key=lambda item: (item.key, item.version)))
        # A store that knows no versions has one of each object, which goes without naming it.
        return tuple(StoredVersion(entry.key, "") for entry in self.list(prefix).objects)

    def put(self, key: str, body: bytes) -> None:
        self._put(key, body, self._locked())

    def put_locked(self, key: str, body: bytes, until: datetime) -> Retention | None:
        from opsctl.adapters.objects.s3_protections import can_lock

        lock = {"ObjectLockMode": "COMPLIANCE", "ObjectLockRetainUntilDate": until.replace(microsecond=0)}
        self._put(key, body, lock if can_lock(self._client, self._bucket) else {})
        return self.retention(key)

    def _put(self, key: str, body: bytes, more: dict[str, Any]) -> None:
        md5 = hashlib.md5(body, usedforsecurity=False).digest()
        with self._told(key):
            self._client.put_object(
                Bucket=self._bucket, Key=self._full(key), Body=body, ContentMD5=base64.b64encode(md5).decode(),
                ChecksumAlgorithm="SHA256", ChecksumSHA256=base64.b64encode(hashlib.sha256(body).digest()).decode(),
                **more)

    def get(self, key: str, start: int = 0, size: int | None = None) -> bytes:
        extent = f"bytes={start}-" if size is None else f"bytes={start}-{start + size - 1}"
        given: dict[str, Any] = {"Range": extent} if start or size is not None else {}
        with self._told(key):
            answer = self._client.get_object(Bucket=self._bucket, Key=self._full(key), **given)
            found = answer["Body"].read()
        if size is not None and len(found) != size:
            raise OperationFailed(f"{key} in {self.place} is shorter than expected", "use another backup")
        return found

    def begin(self, key: str) -> str:
        with self._told(key):
            return self._client.create_multipart_upload(Bucket=self._bucket, Key=self._full(key),
                                                        **self._locked())["UploadId"]

    def put_part(self, key: str, upload: str, number: int, body: bytes) -> UploadedPart:
        md5 = hashlib.md5(body, usedforsecurity=False).digest()
        with self._told(key):
            answer = self._client.upload_part(Bucket=self._bucket, Key=self._full(key), UploadId=upload, Body=body,
                                              PartNumber=number, ContentMD5=base64.b64encode(md5).decode())
        return UploadedPart(number, len(body), answer["ETag"].strip('"'))

    def sign_part(self, key: str, upload: str, number: int, seconds: int) -> Secret:
        return Secret(self._client.generate_presigned_url(
            "upload_part", ExpiresIn=seconds, HttpMethod="PUT",
            Params={"Bucket": self._bucket, "Key": self._full(key), "UploadId": upload, "PartNumber": number}))

    def sign_get(self, key: str, seconds: int) -> Secret:
        return Secret(self._client.generate_presigned_url(
            "get_object", ExpiresIn=seconds, Params={"Bucket": self._bucket, "Key": self._full(key)}))

    def parts(self, key: str, upload: str) -> tuple[UploadedPart, ...]:
        with self._told(key):
            pages = self._client.get_paginator("list_parts").paginate(
                Bucket=self._bucket, Key=self._full(key), UploadId=upload)
            return tuple(UploadedPart(item["PartNumber"], item["Size"], item["ETag"].strip('"'))
                         for page in pages for item in page.get("Parts", ()))

    def complete(self, key: str, upload: str, parts: Sequence[UploadedPart]) -> None:
        if not parts or tuple(parts) != self.parts(key, upload):
            raise OperationFailed(f"the parts of {key} in {self.place} are not those that were sent",
                                  "take the backup again")
        with self._told(key):
            self._client.complete_multipart_upload(
                Bucket=self._bucket, Key=self._full(key), UploadId=upload,
                MultipartUpload={"Parts": [{"PartNumber": part.number, "ETag": part.etag} for part in parts]})
        if self._lock is not None and self.retention(key) is None:
            # Some stores take no lock with the begin of an upload.
            wanted = self._locked()
            with self._told(key):
                self._client.put_object_retention(
                    Bucket=self._bucket, Key=self._full(key), Retention={
                        "Mode": wanted["ObjectLockMode"], "RetainUntilDate": wanted["ObjectLockRetainUntilDate"]})

    def abort(self, key: str, upload: str) -> None:
        with self._told(key, ABSENT):
            self._client.abort_multipart_upload(Bucket=self._bucket, Key=self._full(key), UploadId=upload)

    def uploads(self, prefix: str) -> tuple[OpenUpload, ...]:
        found: list[OpenUpload] = []
        with self._told("listing uploads", ABSENT):
            pages = self._client.get_paginator("list_multipart_uploads").paginate(
                Bucket=self._bucket, Prefix=self._prefix + prefix)
            found += [OpenUpload(self._own(item["Key"]), item["UploadId"], item["Initiated"].astimezone(UTC))
                      for page in pages for item in page.get("Uploads", ())
                      if item["Key"].startswith(self._prefix + prefix)]
        return tuple(found)

    def delete(self, key: str) -> None:
        for version in self.versions(key):
            if version.key != key:
                continue
            named: Any = {"VersionId": version.version} if version.version else {}
            try:
                with told(key, self.place, ABSENT, removing=True):
                    self._client.delete_object(Bucket=self._bucket, Key=self._full(key), **named)
            except (Retained, Unreachable):
                raise
            except OperationFailed as error:
                # Not every store says that it was the lock.
                lock = None
                with suppress(OperationFailed):
                    lock = lock_in(self._head(key, version.version) or {})
                if lock is None or (lock.until is not None and lock.until <= datetime.now(UTC)):
                    raise
                raise Retained(f"{key} in {self.place} is locked", "wait until the lock ends") from error

    def retention(self, key: str) -> Retention | None:
        head = self._head(key)
        if head is not None:
            return lock_in(head)
        # Behind a delete marker its versions are locked as before.
        versions = [version for version in self.versions(key) if version.key == key]
        if not versions:
            raise OperationFailed(f"there is no {key} in {self.place}", "is it the right store?")
        return strictest(lock_in(self._head(key, version.version) or {}) for version in versions if not version.marker)

    def _head(self, key: str, version: str = "") -> Any:
        """The answer to a HEAD; None where there is no such object."""
        named: Any = {"VersionId": version} if version else {}
        with self._told(key, ABSENT):
            return self._client.head_object(Bucket=self._bucket, Key=self._full(key), **named)
        return None

    def protections(self, prefix: str) -> Protections:
        from opsctl.adapters.objects.s3_protections import protections

        return protections(self._client, self._bucket, self._prefix + prefix)

    def open_to_all(self, key: str) -> bool:
        from opsctl.adapters.objects.s3_protections import open_to_all

        return open_to_all(self.sign_get(key, 60).reveal(), self._ca_file)

    def _locked(self) -> Any:
        if self._lock is None:
            return {}
        mode, days = self._lock
        return {"ObjectLockMode": mode.upper(), "ObjectLockRetainUntilDate": datetime.now(UTC) + timedelta(days=days)}

    def _full(self, key: str) -> str:
        return self._prefix + safe_key(key)

    def _own(self, full: str) -> str:
        return full.removeprefix(self._prefix)

    def _told(self, what: str, fine: Collection[str] = ()) -> AbstractContextManager[None]:
        return told(what, self.place, fine)


def _credentials(reference: str) -> dict[str, str]:
    try:
        given = json.loads(resolve(reference).reveal())
        if isinstance(given, dict) and {"access_key_id", "secret_access_key"} <= given.keys():
            return {str(name): str(value) for name, value in given.items()}
    except json.JSONDecodeError:
        pass
    raise ConfigurationError(f"the credentials in {reference} are not what S3 needs",
                             'write {"access_key_id": "...", "secret_access_key": "..."}')
