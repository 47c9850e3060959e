"""Upgrading a platform with what belongs around it: no READY release meanwhile, the window, verified backups."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from opsctl.core.clock import local_day
from opsctl.core.errors import ExitCode, OutsideWindow
from opsctl.core.outcome import Outcome, Status
from opsctl.fleet.backing import BackUp, taken
from opsctl.fleet.starting import require_released, require_resolved, require_window
from opsctl.profiles.model import KamstrupProfile
from opsctl.releases.version import Step
from opsctl.runs.installed import INSTALLED
from opsctl.runs.workplace import Workplace
from opsctl.upgrades.model import Platform, Target, UpgradePlan
from opsctl.upgrades.service import OPERATION, Wish, plan, upgrade
from opsctl.upgrades.way_back import roll_back, stand


def upgrade_platform(workplace: Workplace, profile: KamstrupProfile, target: Target, back_up: BackUp, *,
                     approved: UpgradePlan | None = None) -> Outcome:
    """Take back what was broken off, check, back up, upgrade; after PostgreSQL a first backup of the new version.

    Raises what keeps it from starting.
    """
    require_resolved(workplace, profile.customer)
    warnings: tuple[str, ...] = ()
    left = stand(workplace, profile.customer).open
    if left is not None:
        # READY may be stopped: it is not left so until the next window opens.
        back = roll_back(workplace, profile)
        if back.code is not ExitCode.OK:
            return back
        warnings = (f"an upgrade was broken off: {back.summary}",)
    require_apart(workplace, profile)

    def may_start() -> None:
        require_window(workplace, profile, OPERATION,
                       timedelta(minutes=workplace.settings.policy.upgrade_minutes))

    may_start()
    ahead = plan(workplace, [profile], target)[0]
    if ahead.due and not ahead.problems and (approved is None or approved.hash == ahead.hash):
        workplace.progress.say(profile.customer, "a backup before the upgrade")
        warnings += taken(workplace, profile, back_up, "the upgrade")
    done = upgrade(workplace, profile, Wish(target, approved, may_start))
    if done.status is Status.DONE and target.platform is Platform.POSTGRESQL:
        done = _first_backup(workplace, profile, back_up, done, target)
    return replace(done, warnings=(*warnings, *done.warnings))


def require_apart(workplace: Workplace, profile: KamstrupProfile) -> None:
    """OutsideWindow on the day of a major release (P12), OperationFailed while an installation is unfinished."""
    require_released(workplace, profile.customer)
    last = workplace.ledger.last(profile.customer, INSTALLED)
    today = local_day(workplace.clock.now(), profile.zone)
    major = last is not None and last.payload.get("kind") == Step.MAJOR
    if last is not None and major and local_day(last.recorded_at, profile.zone) == today:
        raise OutsideWindow(f"{profile.customer}: READY {last.payload['to']}, a major release, was installed today; "
                            "the platform is not upgraded on the same day (P12)", "upgrade it in the next window")


def _first_backup(workplace: Workplace, profile: KamstrupProfile, back_up: BackUp, done: Outcome,
                  target: Target) -> Outcome:
    """A physical backup of the version before cannot be restored to the new one: without a new one there is none."""
    workplace.progress.say(profile.customer, f"the first backup of {target}")
    made = back_up(workplace, profile)
    if made.status in {Status.DONE, Status.WARNING}:
        return replace(done, summary=f"{done.summary}; the first backup of {target} is made",
                       warnings=(*done.warnings, *made.warnings))
    return replace(done, status=Status.PARTIAL, summary=f"{done.summary}, but there is NO backup of {target} yet: "
                   f"{made.summary}", resolution=f"`opsctl backup run {profile.customer}`: backups of the version "
                   "before cannot be restored to this one")
