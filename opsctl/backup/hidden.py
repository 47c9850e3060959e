"""What lies in a versioned store behind delete markers: it takes space, and it could come back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime

from opsctl.adapters.objects import ObjectStore, StoredVersion

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Hidden:
    """An object that a listing does not show. versions: so many are behind the marker, 0 for a marker alone.

    size: bytes of them all. modified: when the marker was set, or the last version written.
    """

    key: str
    versions: int
    size: int
    modified: datetime

    @property
    def what(self) -> str:
        """How people call it."""
        return "object behind a delete marker" if self.versions else "delete marker"


def hidden(store: ObjectStore, prefix: str, shown: Collection[str]) -> tuple[Hidden, ...]:
    """In order of their keys. shown: the keys of a listing made before.

    A key without a marker is none: it may have come since that listing.
    """
    found: dict[str, list[StoredVersion]] = defaultdict(list)
    for version in store.versions(prefix):
        if version.key not in shown:
            found[version.key].append(version)
    return tuple(Hidden(key, sum(not version.marker for version in versions), sum(version.size for version in versions),
                        max(version.modified or _LONG_AGO for version in versions))
                 for key, versions in sorted(found.items()) if any(version.marker for version in versions))
