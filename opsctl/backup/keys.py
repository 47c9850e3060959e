"""`backup keys`: which recipients open which backups, so that no identity is thrown away too early."""

from __future__ import annotations

from dataclasses import dataclass

from opsctl.backup.catalog import catalog
from opsctl.backup.contents import Catalog
from opsctl.backup.manifest import KeyEntry
from opsctl.backup.recipients import read_recipients
from opsctl.backup.shelves import shelves
from opsctl.profiles.model import KamstrupProfile
from opsctl.runs.workplace import Workplace


@dataclass(frozen=True)
class KeyUse:
    """One recipient. in_profile: new backups are made for it. oldest, newest: ids of the backups it opens, or ""."""

    key: str
    kept: str
    in_profile: bool
    backups: int
    oldest: str = ""
    newest: str = ""


def keys(workplace: Workplace, profile: KamstrupProfile) -> tuple[KeyUse, ...]:
    """Recipients of the profile and of every readable manifest of each store, those of the profile first."""
    own = read_recipients(profile.backup.recipients, workplace.customer_folder(profile.customer))
    return uses(own, *(catalog(workplace, profile, shelf=shelf) for shelf in shelves(profile)))


def uses(own: tuple[KeyEntry, ...], *found: Catalog) -> tuple[KeyUse, ...]:
    """The same from what was read; a backup and its copy are one. Pure."""
    opens: dict[str, list[str]] = {entry.key: [] for entry in own}
    kept = {entry.key: entry.kept for entry in own}
    for backup in {backup.place.backup_id: backup for one in found for backup in one.backups}.values():
        for entry in backup.manifest.recipients if backup.manifest else ():
            opens.setdefault(entry.key, []).append(backup.place.backup_id)
            kept.setdefault(entry.key, entry.kept)
    now = {entry.key for entry in own}
    return tuple(KeyUse(key, kept[key], key in now, len(ids), min(ids, default=""), max(ids, default=""))
                 for key, ids in opens.items())
