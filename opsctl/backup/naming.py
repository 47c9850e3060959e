"""Names in the store: CUSTOMER/DATABASE/BACKUP_ID/volume-0001.age ... manifest.json."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from opsctl.core.clock import require_aware

MANIFEST = "manifest.json"
DATA: Final = "data"
CONFIGURATION: Final = "configuration"
ROLES: Final = "roles"
_ID = r"\d{8}T\d{6}Z-[0-9a-f]{6}"
_KEY = re.compile(rf"(?P<customer>[a-z0-9-]+)/(?P<database>[a-z0-9-]+)/(?P<backup>{_ID})/(?P<name>[A-Za-z0-9._-]+)")
_OWN = re.compile(r"manifest\.json|volume-\d{4}\.age|configuration\.tar\.zst\.age|roles\.sql\.zst\.age")


@dataclass(frozen=True)
class Place:
    """Where one backup lies in its store."""

    customer: str
    database: str
    backup_id: str

    @property
    def prefix(self) -> str:
        """What all its keys begin with."""
        return f"{self.customer}/{self.database}/{self.backup_id}/"

    @property
    def manifest(self) -> str:
        """The manifest's key."""
        return self.prefix + MANIFEST


def new_id(at: datetime) -> str:
    """A backup's id: sorts by time, unique, for example 20261123T021500Z-ab12cd."""
    return f"{require_aware(at):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


def id_time(backup_id: str) -> datetime:
    """When a backup was begun by the control machine's clock, as its id says; ValueError for another text."""
    if not re.fullmatch(_ID, backup_id):
        raise ValueError("not the id of a backup")
    return datetime.strptime(backup_id[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


def object_name(stream: str, volume: int) -> str:
    """The object that holds volume `volume` (from 1) of a stream; only the data spans volumes."""
    if stream == DATA:
        return f"volume-{volume:04d}.age"
    if volume != 1:
        raise ValueError(f"the {stream} does not span volumes")
    return {CONFIGURATION: "configuration.tar.zst.age", ROLES: "roles.sql.zst.age"}[stream]


def parse(key: str) -> tuple[Place, str] | None:
    """Place and object name of a key that opsctl wrote; None for a file that somebody else put there."""
    found = _KEY.fullmatch(key)
    if found is None or not _OWN.fullmatch(found["name"]):
        return None
    return Place(found["customer"], found["database"], found["backup"]), found["name"]
