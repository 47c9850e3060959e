"""`backup rehearse`: a backup restored for the exercise, tried out, taken away again, and timed."""

from __future__ import annotations

import secrets
from dataclasses import replace

from opsctl.backup.catalog import catalog, damaged_copies
from opsctl.backup.contents import CatalogBackup
from opsctl.backup.rehearsals import KINDS, REHEARSAL_FAILED, RehearsalState, rehearsal_states, took
from opsctl.backup.remains import new_place
from opsctl.backup.restore import restore
from opsctl.backup.shelves import shelf_of
from opsctl.core.clock import local_day
from opsctl.core.errors import ConfigurationError
from opsctl.core.outcome import Outcome, Status
from opsctl.core.secret import Secret
from opsctl.profiles.hosted import Method
from opsctl.profiles.model import KamstrupProfile
from opsctl.runs.workplace import Workplace


def rehearse(workplace: Workplace, profile: KamstrupProfile, *, identity: Secret, backup_id: str = "",
             database: str = "", host: str = "", second: bool = False) -> Outcome:
    """Restore `backup_id` (by default the newest good one of `database`, not found damaged) on `host` and check it.

    host: by default the database's own. second: from the second store. A physical one gets a new folder and a
    server of its own without the network, a logical one a new database; both are gone at the end, and so is what an
    earlier one left that died (`backup.rehearsal-cleared`); partly done, with `left`, when it could not be taken away.
    `data` as of `restore`. Ledger:
    `backup.rehearsed`, or `backup.rehearsal-failed` with the reason.
    """
    chosen = _chosen(workplace, profile, backup_id, database, second=second)
    manifest = chosen.manifest
    directory, into = new_place(logical=manifest is not None and manifest.method is Method.LOGICAL)
    target = host or (manifest.host if manifest else "")
    outcome = restore(workplace, profile, chosen.place.backup_id, host=target,
                      directory=directory, database=into, identity=identity, port=20_000 + secrets.randbelow(10_000),
                      rehearsal=True, second=second)
    if outcome.status is Status.LOCKED:
        return outcome
    left: dict[str, str] = outcome.data.get("left", {})
    if outcome.status is not Status.DONE and not left:
        workplace.ledger.append(profile.customer, REHEARSAL_FAILED, {
            "database": chosen.place.database, "backup_id": chosen.place.backup_id, "host": target,
            "reason": outcome.summary}, actor=workplace.actor, run=outcome.run)
        return replace(outcome, summary=f"the rehearsal of {chosen.place.backup_id} failed: {outcome.summary}")
    rows = sum(outcome.data["rows"].values())
    what = f"{chosen.place.backup_id} was restored on {outcome.data['host']}, checked and "
    figures = f"{took(outcome.data):.1f} s, {rows} rows"
    for place, reason in left.items():
        return replace(outcome, summary=f"{what}not taken away again: {place} is left: {reason}; {figures}")
    return replace(outcome, summary=f"{what}taken away again: {figures}")


def _chosen(workplace: Workplace, profile: KamstrupProfile, backup_id: str, database: str, *,
            second: bool) -> CatalogBackup:
    shelf = shelf_of(profile, second=second)
    found = catalog(workplace, profile, shelf=shelf)
    if backup_id:
        return found.find(backup_id)
    damaged = damaged_copies(workplace.ledger, profile.customer, shelf)
    good = [backup for backup in found.backups if backup.good and backup.place.backup_id not in damaged
            and database in {"", backup.place.database}]
    if not good:
        raise ConfigurationError(f"{profile.customer}: there is no good backup to rehearse",
                                 f"see `opsctl backup list {profile.customer}`")
    return max(good, key=lambda backup: backup.modified)


def rehearsals(workplace: Workplace, profile: KamstrupProfile) -> tuple[RehearsalState, ...]:
    """How each database of the profile stands now."""
    return rehearsal_states([database.name for database in profile.databases],
                            workplace.ledger.entries(profile.customer, kinds=KINDS),
                            local_day(workplace.clock.now(), profile.zone), profile.backup.rehearse_days,
                            profile.zone)
