"""Object stores for backups: one port, kept by a bucket, by a directory, and by memory in tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsctl.adapters.objects.model import (
    Listing,
    ObjectStore,
    OpenUpload,
    Protections,
    Retained,
    Retention,
    StoredObject,
    StoredVersion,
    Unreachable,
    UploadedPart,
)

if TYPE_CHECKING:
    from opsctl.profiles.hosted import DirectoryStore, S3Store

__all__ = ["Listing", "ObjectStore", "OpenUpload", "Protections", "Retained", "Retention", "StoredObject",
           "StoredVersion", "Unreachable", "UploadedPart", "open_store"]


def open_store(store: S3Store | DirectoryStore) -> ObjectStore:
    """The store that a profile names; ConfigurationError when its credentials or directory are not usable."""
    if store.kind == "directory":
        from opsctl.adapters.objects.directory import DirectoryObjects

        return DirectoryObjects.at(store.path)
    from opsctl.adapters.objects.s3 import S3Objects

    return S3Objects.at(store)
