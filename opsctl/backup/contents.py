"""What a store has of one customer: backups, lost ones, leftovers, foreign files. Values alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from opsctl.backup.manifest import Manifest
from opsctl.backup.naming import Place
from opsctl.core.errors import ConfigurationError


class State(StrEnum):
    """What can be said of a backup without reading all of it.

    UNREADABLE: what the store gave is no manifest. UNREAD: the store did not give it, so nothing is known.
    """

    GOOD = "good"
    UNREADABLE = "unreadable"
    UNREAD = "not read"
    INCOMPLETE = "incomplete"
    LOST = "without its manifest"


class Evidence(StrEnum):
    """What the ledger says of a manifest."""

    RECORDED = "recorded"
    UNRECORDED = "not in the ledger"
    DIFFERS = "not the one in the ledger"


@dataclass(frozen=True)
class CatalogBackup:
    """A backup: a manifest and what lies beside it. modified: the manifest's time by the store's clock.

    size: bytes of all its objects as stored. manifest is None when it cannot be read; reason says why
    a backup is not good.
    """

    place: Place
    state: State
    evidence: Evidence
    modified: datetime
    size: int
    sha256: str
    manifest: Manifest | None = None
    reason: str = ""

    @property
    def good(self) -> bool:
        """Whole as far as a listing shows, and the one that was recorded."""
        return self.state is State.GOOD and self.evidence is Evidence.RECORDED

    @property
    def known(self) -> Manifest:
        """The manifest of a good backup, which always has one; ValueError for one that could not be read."""
        if self.manifest is None:
            raise ValueError(f"the manifest of {self.place.backup_id} could not be read")
        return self.manifest


@dataclass(frozen=True)
class Leftover:
    """Objects of a backup without a manifest, shown or behind a delete marker, or an upload neither completed nor
    aborted."""

    what: str
    key: str
    since: datetime
    size: int = 0
    upload: str = ""


@dataclass(frozen=True)
class Catalog:
    """Everything of one customer in its store. Backups are in order of database and id.

    foreign: keys that opsctl did not write and never removes. missing: backups that the ledger has as
    completed and not as removed, and the store no longer has. lost: of these, those of which the store has all but
    the manifest, or part of it; no removal was begun, so they are no leftovers.
    """

    customer: str
    store: str
    now: datetime
    backups: tuple[CatalogBackup, ...]
    leftovers: tuple[Leftover, ...]
    foreign: tuple[str, ...]
    missing: tuple[str, ...] = ()
    lost: tuple[CatalogBackup, ...] = ()

    @property
    def known(self) -> tuple[CatalogBackup, ...]:
        """Backups and lost ones together, in the same order."""
        return tuple(sorted((*self.backups, *self.lost), key=lambda backup: backup.place.prefix))

    def of(self, database: str) -> tuple[CatalogBackup, ...]:
        """The backups of one database, oldest first."""
        return tuple(backup for backup in self.backups if backup.place.database == database)

    def find(self, backup_id: str) -> CatalogBackup:
        """The backup called `backup_id`, lost or not; ConfigurationError (exit 3) when there is none."""
        found = [backup for backup in self.known if backup.place.backup_id == backup_id]
        if len(found) != 1:
            raise ConfigurationError(f"{self.customer}: there is no backup {backup_id} in {self.store}",
                                     f"see what there is: opsctl backup list {self.customer}")
        return found[0]
