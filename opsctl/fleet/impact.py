"""What a release means for each customer, from contract, agreement, path, windows and the ledger. Asks no host."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from opsctl.contract.gate import Delivery, Request
from opsctl.core.clock import iso
from opsctl.core.errors import OpsctlError
from opsctl.fleet.installing import last_good_backup
from opsctl.fleet.starting import open_failure
from opsctl.fleet.windows import opening, upcoming
from opsctl.installs.planning import step_between
from opsctl.installs.service import approval_need, known_version, request, stand
from opsctl.profiles.model import KamstrupProfile, Profile
from opsctl.profiles.rollout import ApprovalNeed
from opsctl.releases.catalogue import Catalogue
from opsctl.releases.model import Release, ReleaseStatus
from opsctl.releases.path import path
from opsctl.releases.version import Version
from opsctl.runs.service import gate
from opsctl.runs.workplace import Workplace


class Verdict(StrEnum):
    """What happens."""

    AUTOMATIC = "automatic"
    NOTICE = "notice"
    NEEDS_AGREEMENT = "needs agreement"
    BLOCKED = "blocked"
    ALREADY_THERE = "already there"


@dataclass(frozen=True)
class Impact:
    """One customer. window: when the next one opens, ISO 8601, "" when there is none or nothing is installed."""

    customer: str
    installed: str
    verdict: Verdict
    reasons: tuple[str, ...]
    window: str = ""


def impact(workplace: Workplace, profile: Profile, releases: Catalogue, target: Version) -> Impact:
    """The verdict with its reasons: those that block, otherwise those worth knowing."""
    known = known_version(workplace, profile) if isinstance(profile, KamstrupProfile) else (
        Version.parse(profile.ready.version) if profile.ready.version else None)
    installed = str(known or "")
    if known is not None and known >= target:
        return Impact(profile.customer, installed, Verdict.ALREADY_THERE, ())
    release = releases.releases[target]
    wish = request(step_between(known, target))
    hosted = isinstance(profile, KamstrupProfile)
    if not hosted:
        wish = Request(wish.service, wish.purpose, Delivery.NOTICE)
    decision = gate(profile, wish, workplace.clock.now(), workplace.ledger)
    if not decision.allowed:
        return Impact(profile.customer, installed, Verdict.NEEDS_AGREEMENT, (decision.reason,))
    blocks, way = _path_problems(releases, known, release)
    if not isinstance(profile, KamstrupProfile):
        return Impact(profile.customer, installed, Verdict.BLOCKED if blocks else Verdict.NOTICE, (*blocks, *way))
    ours, window = _hosted(workplace, profile, release)
    blocks = (*blocks, *ours)
    if blocks:
        return Impact(profile.customer, installed, Verdict.BLOCKED, blocks)
    return Impact(profile.customer, installed, Verdict.AUTOMATIC,
                  (*way, *_worth_knowing(workplace, profile, release, known)), window)


def _path_problems(releases: Catalogue, known: Version | None, release: Release) -> tuple[tuple[str, ...],
                                                                                        tuple[str, ...]]:
    if release.status is not ReleaseStatus.PUBLISHED:
        return (f"the release is {release.status}",), ()
    try:
        way = path(releases, known, release)
    except OpsctlError as error:
        return (error.message,), ()
    hops = [str(hop.version) for hop in way.hops] if way else []
    return (), ((f"by way of {', '.join(hops[:-1])}",) if len(hops) > 1 else ())


def _hosted(workplace: Workplace, profile: KamstrupProfile, release: Release) -> tuple[tuple[str, ...], str]:
    """(what blocks it here, when the next window opens)."""
    blocks = []
    failure = open_failure(workplace, profile.customer)
    if failure is not None:
        blocks.append(f"`{failure[1]['operation']}` failed and its cause is not resolved")
    if stand(workplace, profile.customer).open is not None:
        blocks.append("an installation was broken off: `opsctl release rollback`")
    if profile.hold_releases:
        blocks.append(f"releases are held: {profile.hold_releases}")
    now = workplace.clock.now()
    needs = timedelta(minutes=release.install.downtime_minutes)
    free = [window for window, frozen in upcoming(profile.windows, profile.freezes, profile.zone, now, 10)
            if not frozen and window.closes - window.opens >= needs]
    if not free:
        blocks.append(f"none of the next windows is open for {release.install.downtime_minutes} minutes: "
                      f"{opening(profile.windows, profile.freezes, profile.zone, now, needs).reason}")
    return tuple(blocks), iso(max(now, free[0].opens)) if free else ""


def _worth_knowing(workplace: Workplace, profile: KamstrupProfile, release: Release,
                   known: Version | None) -> tuple[str, ...]:
    lines = []
    now = workplace.clock.now()
    backup = last_good_backup(workplace, profile)
    if backup is None:
        lines.append("no good backup is on record: one is taken first")
    elif now - backup > timedelta(hours=workplace.settings.policy.backup_hours):
        lines.append(f"the last good backup is of {iso(backup)}: one is taken first")
    need = approval_need(profile, step_between(known, release.version))
    if need is not ApprovalNeed.NONE:
        lines.append(f"its plan needs approval ({need})")
    off = sorted(set(release.modules) - set(profile.ready.modules))
    if off:
        lines.append(f"modules that stay off until agreed: {', '.join(off)}")
    ended = [licence.product for licence in profile.licences if licence.valid_to and licence.valid_to < now.date()]
    if ended:
        lines.append(f"licences that have ended: {', '.join(ended)}")
    measured = workplace.ledger.last(profile.customer, "storage.measured")
    if measured is not None and measured.payload.get("level") not in {"ok", None}:
        lines.append(f"storage is {measured.payload['level']}")
    return tuple(lines)
