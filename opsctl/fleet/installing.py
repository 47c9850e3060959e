"""Installing a release with what belongs around it: the window, a good backup before, no failure left open."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from opsctl.core.errors import ExitCode, OpsctlError, OutsideWindow
from opsctl.core.outcome import Outcome
from opsctl.fleet.backing import BackUp, backed_up
from opsctl.fleet.estimates import estimate
from opsctl.fleet.informing import drafted_after, untold
from opsctl.fleet.remote import require_reversible, require_time
from opsctl.fleet.sealing import seal
from opsctl.fleet.starting import (
    require_resolved,
    require_upgraded,
    require_whole,
    require_window,
    upgraded_today,
)
from opsctl.installs.model import ReleasePlan
from opsctl.installs.service import OPERATION, Wish, install, plan, request
from opsctl.installs.way_back import roll_back
from opsctl.profiles.model import KamstrupProfile, Profile
from opsctl.releases.catalogue import Catalogue
from opsctl.releases.version import Step, Version
from opsctl.runs.installed import known_version, stand
from opsctl.runs.workplace import Workplace


def install_release(workplace: Workplace, profile: Profile, releases: Catalogue, back_up: BackUp, *,
                    target: Version | None = None, approved: ReleasePlan | None = None) -> Outcome:
    """Take back what was broken off, check, back up when the last good backup is too old, install.

    Raises what keeps it from starting.
    """
    warnings: tuple[str, ...] = ()
    back = put_right(workplace, profile, releases)
    if back is not None:
        if back.code is not ExitCode.OK:
            return back
        warnings = (f"an installation was broken off: {back.summary}", *back.warnings)
    require_resolved(workplace, profile.customer)
    require_whole(workplace, profile.customer)
    if isinstance(profile, KamstrupProfile) and profile.hold_releases:
        raise OutsideWindow(f"{profile.customer}: releases are held: {profile.hold_releases}",
                            "take `hold_releases` out of the profile when the reason is gone")

    def may_start(minutes: int) -> None:
        downtime = timedelta(minutes=minutes)
        require_window(workplace, profile, OPERATION, downtime, least=downtime)
        # On a customer's hosts a release that is not healthy must be taken back while its records still open them.
        work = estimate(workplace, profile, OPERATION, downtime, least=downtime)
        # Twice its time to become healthy: until it is judged, and after the way back.
        way_back = downtime + timedelta(seconds=2 * workplace.settings.policy.healthy_seconds)
        require_time(workplace, profile, request(Step.PATCH), work + way_back)

    may_start(0)
    ahead = plan(workplace, [profile], releases, target=target)[0]
    if ahead.step is Step.MAJOR and upgraded_today(workplace, profile):
        raise OutsideWindow(f"{profile.customer}: the platform was upgraded today, and a major release is not "
                            "installed on the same day (P12)", "install it in the next window")
    if ahead.hops and not ahead.problems:
        may_start(ahead.hops[0].downtime_minutes)
        seal(workplace, releases, [hop.version for hop in ahead.hops])
        if isinstance(profile, KamstrupProfile):
            warnings += backed_up(workplace, profile, back_up, "the installation")
            warnings += untold(workplace, profile.customer, ahead.target)
    done = _told(workplace, profile, releases, warnings, lambda: install(
        workplace, profile, Wish(releases, target, approved, may_start)))
    return done if isinstance(profile, KamstrupProfile) else _own(workplace, profile, done)


def _own(workplace: Workplace, profile: Profile, done: Outcome) -> Outcome:
    """What is left to people where the customer hosts: its profile says what runs there."""
    known = known_version(workplace, profile)
    if done.resolution or known is None or str(known) == profile.ready.version:
        return done
    return replace(done, resolution=f"write `version: {known}` under `ready` in the profile")


def put_right(workplace: Workplace, profile: Profile, releases: Catalogue | OpsctlError) -> Outcome | None:
    """Take back first of all what an earlier run left unfinished, since READY may be stopped; None where nothing is.

    No failure that waits for its cause keeps READY so, but one of the way back itself: OperationFailed until it is
    marked resolved, and while an upgrade of the platform is unfinished.
    """
    left = stand(workplace, profile.customer)
    if left.open is None:
        return None
    require_upgraded(workplace, profile.customer)
    if left.stuck:
        require_resolved(workplace, profile.customer)
    return take_back(workplace, profile, releases)


def take_back(workplace: Workplace, profile: Profile, releases: Catalogue | OpsctlError) -> Outcome:
    """Take back what an earlier run left unfinished, and draft what the customer is told of it.

    ConfigurationError as `require_reversible`: the package alone would not be the release of before.
    """
    require_reversible(profile)
    return _told(workplace, profile, releases, (), lambda: roll_back(workplace, profile))


def _told(workplace: Workplace, profile: Profile, releases: Catalogue | OpsctlError, warnings: tuple[str, ...],
          act: Callable[[], Outcome]) -> Outcome:
    """What `act` comes to, with the message to the customer drafted whichever way it ended (P49)."""
    found = act()
    return replace(found, warnings=(*warnings, *found.warnings, *drafted_after(workplace, profile, releases)))
