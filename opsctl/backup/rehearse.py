"""`backup rehearse`: a backup restored for the exercise, tried out, taken away again, and timed."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import datetime, timedelta

from opsctl.backup.catalog import CatalogBackup, catalog
from opsctl.backup.restore import REHEARSED, restore
from opsctl.core.errors import ConfigurationError
from opsctl.core.outcome import Outcome, Status
from opsctl.core.secret import Secret
from opsctl.profiles.hosted import Method
from opsctl.profiles.model import KamstrupProfile
from opsctl.runs.workplace import Workplace

FOLDER = "/var/lib"


def rehearse(workplace: Workplace, profile: KamstrupProfile, *, identity: Secret, backup_id: str = "",
             host: str = "") -> Outcome:
    """Restore `backup_id` (by default the newest good one) on `host` (by default the database's own) and check it.

    A physical one gets a new folder and a server of its own without the network, a logical one a new database;
    both are gone at the end. `data` as of `restore`. Ledger: `backup.rehearsed`.
    """
    chosen = _chosen(workplace, profile, backup_id)
    manifest = chosen.manifest
    name = f"rehearsal_{secrets.token_hex(4)}"
    logical = manifest is not None and manifest.method is Method.LOGICAL
    outcome = restore(workplace, profile, chosen.place.backup_id, host=host or (manifest.host if manifest else ""),
                      directory="" if logical else f"{FOLDER}/opsctl-{name}", database=name if logical else "",
                      identity=identity, port=20_000 + secrets.randbelow(10_000), rehearsal=True)
    if outcome.status is not Status.DONE:
        return outcome
    took = sum(outcome.data["seconds"].values())
    return replace(outcome, summary=f"{chosen.place.backup_id} was restored on {outcome.data['host']}, checked and "
                                    f"taken away again: {took:.1f} s, {sum(outcome.data['rows'].values())} rows")


def _chosen(workplace: Workplace, profile: KamstrupProfile, backup_id: str) -> CatalogBackup:
    found = catalog(workplace, profile)
    if backup_id:
        return found.find(backup_id)
    good = [backup for backup in found.backups if backup.good]
    if not good:
        raise ConfigurationError(f"{profile.customer}: there is no good backup to rehearse",
                                 f"see `opsctl backup list {profile.customer}`")
    return max(good, key=lambda backup: backup.modified)


def rehearsal_due(last: datetime | None, now: datetime, every_days: int) -> str:
    """Why a rehearsal is due, or ""; each customer every 7 days unless the profile says otherwise."""
    if last is None:
        return "no backup was ever restored for the exercise"
    if now - last >= timedelta(days=every_days):
        return f"the last one was on {last:%Y-%m-%d}, one is due every {every_days} days"
    return ""


def last_rehearsal(workplace: Workplace, customer: str) -> datetime | None:
    """When the last one succeeded."""
    entry = workplace.ledger.last(customer, REHEARSED)
    return entry.recorded_at if entry else None

