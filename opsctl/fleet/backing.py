"""The good backup that there is before hosts are changed: how old the last one is, and taking one when it must be."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from opsctl.backup.presence import still_stored
from opsctl.core.clock import iso
from opsctl.core.errors import OperationFailed
from opsctl.core.outcome import Outcome, Status
from opsctl.profiles.model import KamstrupProfile
from opsctl.runs.workplace import Workplace

if TYPE_CHECKING:
    from opsctl.ledger import Entry

BackUp = Callable[[Workplace, KamstrupProfile], Outcome]


def last_good_backup(workplace: Workplace, profile: KamstrupProfile, *, ask_store: bool = False) -> datetime | None:
    """When the oldest of the databases' newest good backups was recorded; None when one database has none.

    ask_store: a newest backup counts only when the store still has its manifest; raises when it does not answer.
    """
    newest: dict[str, Entry] = {}
    for entry in workplace.ledger.entries(profile.customer, kinds=("backup.completed",)):
        newest[str(entry.payload["database"])] = entry
    if ask_store:
        there = still_stored(profile, [entry.payload for entry in newest.values()])
        newest = {name: entry for name, entry in newest.items() if entry.payload in there}
    mine = [newest[database.name].recorded_at for database in profile.databases if database.name in newest]
    return min(mine) if len(mine) == len(profile.databases) else None


def young(workplace: Workplace, last: datetime | None) -> bool:
    """Whether a backup of `last` is one to go back to: not older than the policy's backup_hours."""
    return last is not None and workplace.clock.now() - last <= timedelta(hours=workplace.settings.policy.backup_hours)


def backed_up(workplace: Workplace, profile: KamstrupProfile, back_up: BackUp, work: str) -> tuple[str, ...]:
    """Take a backup when none is young enough; its warnings. work: what it goes before, such as `the installation`.

    OperationFailed when the backup did not succeed; nothing else was done then.
    """
    last = last_good_backup(workplace, profile, ask_store=True)
    if last is not None and young(workplace, last):
        workplace.progress.say(profile.customer, f"the last good backup is of {iso(last)}")
        return ()
    workplace.progress.say(profile.customer, "no good backup is young enough: taking one first")
    return taken(workplace, profile, back_up, work)


def taken(workplace: Workplace, profile: KamstrupProfile, back_up: BackUp, work: str) -> tuple[str, ...]:
    """Take a backup now; its warnings. Raises as `backed_up`."""
    made = back_up(workplace, profile)
    # A second copy that is missing is told; the backup to go back to is there.
    uncopied = made.status is Status.PARTIAL and not made.data.get("failed", True)
    if made.status not in {Status.DONE, Status.WARNING} and not uncopied:
        raise OperationFailed(f"{profile.customer}: the backup before {work} failed, so nothing was changed: "
                              f"{made.summary}", made.resolution or "see `opsctl backup run`")
    return (*made.warnings, made.summary) if uncopied else made.warnings
