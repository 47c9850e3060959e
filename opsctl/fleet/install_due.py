"""The release that is due for a customer tonight, or why none is."""

from __future__ import annotations

from datetime import timedelta

from opsctl.core.clock import local_day
from opsctl.core.errors import ConfigurationError
from opsctl.core.outcome import Outcome, Status
from opsctl.fleet.backing import BackUp
from opsctl.fleet.installing import install_release
from opsctl.fleet.rings import RELEASES, Rings
from opsctl.fleet.starting import upgraded_today, window
from opsctl.installs.planning import step_between, target_release
from opsctl.installs.service import OPERATION, request
from opsctl.profiles.model import KamstrupProfile
from opsctl.releases.catalogue import Catalogue
from opsctl.releases.path import path
from opsctl.releases.version import Step, Version
from opsctl.runs.installed import known_version, written_version
from opsctl.runs.service import gate
from opsctl.runs.workplace import Workplace

NOT_WITH_AN_UPDATE = "a major release is not installed on the day on which the platform is patched (P12)"


def install_due(workplace: Workplace, profile: KamstrupProfile, releases: Catalogue, back_up: BackUp, *,
                patched: bool, rings: Rings) -> Outcome:
    """Install the newest release the agreement entitles to; skipped with the reason when it is not for tonight.

    One customer of each earlier ring has to have it before. Raises NotCovered as the gate does.
    """
    now = workplace.clock.now()
    known = known_version(workplace, profile)
    target = target_release(releases, profile, known, None, now)
    step = step_between(known, target.version)
    wish = request(step)

    def skipped(reason: str) -> Outcome:
        return Outcome(profile.customer, wish.service, Status.SKIPPED, reason)

    gate(profile, wish, now, workplace.ledger).require(profile.customer)
    if known is not None and known >= target.version:
        return skipped(f"READY {known} is the newest for this customer")
    if profile.hold_releases:
        return skipped(f"releases are held: {profile.hold_releases}")
    if step is Step.MAJOR and (patched or _patched_today(workplace, profile) or upgraded_today(workplace, profile)):
        return skipped(NOT_WITH_AN_UPDATE)
    way = path(releases, known, target)
    downtime = timedelta(minutes=way.hops[0].install.downtime_minutes if way else 0)
    found = window(workplace, profile, OPERATION, downtime, least=downtime)
    reason = found.reason if not found.open else _waits(workplace, profile, releases, target.version, rings)
    return skipped(reason) if reason else install_release(workplace, profile, releases, back_up)


def _waits(workplace: Workplace, profile: KamstrupProfile, releases: Catalogue, version: Version, rings: Rings) -> str:
    """Why `version` waits for the rings before; "" when it does not."""
    def offered(one: KamstrupProfile) -> Version | None:
        """What the customer gets by its contract."""
        now, known = workplace.clock.now(), known_version(workplace, one)
        try:
            newest = target_release(releases, one, known, None, now).version
        except ConfigurationError:
            # No published release is within its agreement.
            return None
        allowed = gate(one, request(step_between(known, newest)), now, workplace.ledger).allowed
        return newest if allowed else None

    def has(one: KamstrupProfile) -> Version | None:
        """What it runs by proof or by its profile: where people installed by hand, nothing else is known."""
        both = (known_version(workplace, one), written_version(one))
        return max((found for found in both if found is not None), default=None)

    def reaches(found: Version | None) -> bool:
        return found is not None and found >= version

    return rings.unproven(profile, RELEASES, lambda one: reaches(rings.fact("offered", one, offered)),
                          lambda one: reaches(rings.fact("installed", one, has)))


def _patched_today(workplace: Workplace, profile: KamstrupProfile) -> bool:
    """Whether a host was changed by patching on the customer's local day of now."""
    last = workplace.ledger.last(profile.customer, "patch.applied")
    today = local_day(workplace.clock.now(), profile.zone)
    return last is not None and local_day(last.recorded_at, profile.zone) == today
