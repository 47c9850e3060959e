"""Installing a release with what belongs around it: the window, a good backup before, no failure left open."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from opsctl.backup.presence import still_stored
from opsctl.core.clock import iso
from opsctl.core.errors import ExitCode, OperationFailed, OutsideWindow
from opsctl.core.outcome import Outcome, Status
from opsctl.fleet.informing import drafted_after, untold
from opsctl.fleet.sealing import seal
from opsctl.fleet.starting import require_resolved, require_whole, require_window, upgraded_today
from opsctl.installs.model import ReleasePlan
from opsctl.installs.service import OPERATION, Wish, install, plan, stand
from opsctl.installs.way_back import roll_back
from opsctl.profiles.model import KamstrupProfile
from opsctl.releases.catalogue import Catalogue
from opsctl.releases.version import Step, Version
from opsctl.runs.workplace import Workplace

if TYPE_CHECKING:
    from opsctl.ledger import Entry

BackUp = Callable[[Workplace, KamstrupProfile], Outcome]


def install_release(workplace: Workplace, profile: KamstrupProfile, releases: Catalogue, back_up: BackUp, *,
                    target: Version | None = None, approved: ReleasePlan | None = None) -> Outcome:
    """Take back what was broken off, check, back up when the last good backup is too old, install.

    Raises what keeps it from starting.
    """
    require_resolved(workplace, profile.customer)
    require_whole(workplace, profile.customer)
    warnings: tuple[str, ...] = ()
    left = stand(workplace, profile.customer).open
    if left is not None:
        # READY may be stopped: it is not left so until the next window opens.
        back = take_back(workplace, profile, releases)
        if back.code is not ExitCode.OK:
            return back
        warnings = (f"an installation of READY {left.payload['to']} was broken off: {back.summary}", *back.warnings)
    if profile.hold_releases:
        raise OutsideWindow(f"{profile.customer}: releases are held: {profile.hold_releases}",
                            "take `hold_releases` out of the profile when the reason is gone")

    def may_start(minutes: int) -> None:
        require_window(workplace, profile, OPERATION, timedelta(minutes=minutes))

    may_start(0)
    ahead = plan(workplace, [profile], releases, target=target)[0]
    if ahead.step is Step.MAJOR and upgraded_today(workplace, profile):
        raise OutsideWindow(f"{profile.customer}: the platform was upgraded today, and a major release is not "
                            "installed on the same day (P12)", "install it in the next window")
    if ahead.hops and not ahead.problems:
        may_start(ahead.hops[0].downtime_minutes)
        seal(workplace, releases, [hop.version for hop in ahead.hops])
        warnings += _backed_up(workplace, profile, back_up)
        warnings += untold(workplace, profile.customer, ahead.target)
    return _told(workplace, profile, releases, warnings, lambda: install(
        workplace, profile, Wish(releases, target, approved, may_start)))


def take_back(workplace: Workplace, profile: KamstrupProfile, releases: Catalogue) -> Outcome:
    """Take back what an earlier run left unfinished, and draft what the customer is told of it."""
    return _told(workplace, profile, releases, (), lambda: roll_back(workplace, profile))


def _told(workplace: Workplace, profile: KamstrupProfile, releases: Catalogue, warnings: tuple[str, ...],
          act: Callable[[], Outcome]) -> Outcome:
    """What `act` comes to, with the message to the customer drafted whichever way it ended (P49)."""
    found = act()
    return replace(found, warnings=(*warnings, *found.warnings, *drafted_after(workplace, profile, releases)))


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


def _backed_up(workplace: Workplace, profile: KamstrupProfile, back_up: BackUp) -> tuple[str, ...]:
    """Take a backup when none is young enough; its warnings. OperationFailed when it did not succeed."""
    last = last_good_backup(workplace, profile, ask_store=True)
    limit = timedelta(hours=workplace.settings.policy.backup_hours)
    if last is not None and workplace.clock.now() - last <= limit:
        workplace.progress.say(profile.customer, f"the last good backup is of {iso(last)}")
        return ()
    workplace.progress.say(profile.customer, "no good backup is young enough: taking one first")
    made = back_up(workplace, profile)
    # A second copy that is missing is told; the backup to go back to is there.
    uncopied = made.status is Status.PARTIAL and not made.data.get("failed", True)
    if made.status not in {Status.DONE, Status.WARNING} and not uncopied:
        raise OperationFailed(f"{profile.customer}: the backup before the installation failed, so nothing was "
                              f"installed: {made.summary}", made.resolution or "see `opsctl backup run`")
    return (*made.warnings, made.summary) if uncopied else made.warnings
