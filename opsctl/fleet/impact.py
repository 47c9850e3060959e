"""What a release means for each customer, from contract, agreement, path, windows and the ledger. Asks no host."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from opsctl.contract.gate import Delivery, Request
from opsctl.core.clock import iso, local_day
from opsctl.core.errors import OpsctlError
from opsctl.fleet.backing import last_good_backup
from opsctl.fleet.starting import open_failure
from opsctl.fleet.windows import opening, upcoming
from opsctl.installs.planning import step_between
from opsctl.installs.service import approval_need, request
from opsctl.profiles.hosted import HostRole
from opsctl.profiles.model import KamstrupProfile, Profile, hosts_of, terms_at
from opsctl.profiles.rollout import ApprovalNeed
from opsctl.releases.catalogue import Catalogue
from opsctl.releases.model import Release, ReleaseStatus
from opsctl.releases.path import path
from opsctl.releases.version import Version
from opsctl.runs.installed import known_version, stand
from opsctl.runs.service import gate
from opsctl.runs.workplace import Workplace
from opsctl.storage.history import MEASURED
from opsctl.storage.needs import MEGABYTE


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
    known = known_version(workplace, profile)
    installed = str(known or "")
    if known is not None and known >= target:
        return Impact(profile.customer, installed, Verdict.ALREADY_THERE, ())
    release = releases.releases[target]
    wish = request(step_between(known, target))
    hosted = isinstance(profile, KamstrupProfile)
    if not hosted:
        wish = Request(wish.service, wish.purpose, Delivery.NOTICE)
    now = workplace.clock.now()
    decision = gate(profile, wish, now, workplace.ledger)
    if not decision.allowed:
        return Impact(profile.customer, installed, _refused(profile, now), (decision.reason,))
    blocks, way = _path_problems(releases, known, release)
    if not isinstance(profile, KamstrupProfile):
        return Impact(profile.customer, installed, Verdict.BLOCKED if blocks else Verdict.NOTICE,
                      (*blocks, *way, *_opened(workplace, profile, request(step_between(known, target)), now)))
    ours, window = _hosted(workplace, profile, release)
    if window:
        opens = datetime.fromisoformat(window)
        later = gate(profile, wish, opens, workplace.ledger)
        if not later.allowed:
            return Impact(profile.customer, installed, _refused(profile, opens),
                          (f"allowed today, but not when the next window opens: {later.reason}",), window)
    blocks = (*blocks, *ours)
    if blocks:
        return Impact(profile.customer, installed, Verdict.BLOCKED, blocks)
    return Impact(profile.customer, installed, Verdict.AUTOMATIC,
                  (*way, *_worth_knowing(workplace, profile, release, known, window)), window)


def _opened(workplace: Workplace, profile: Profile, work: Request, now: datetime) -> Iterator[str]:
    """Whether the customer's records let it be installed there now."""
    if hosts_of(profile) and gate(profile, work, now, workplace.ledger).allowed:
        yield f"its records open its hosts now: `opsctl release plan {profile.customer}`"


def _refused(profile: Profile, at: datetime) -> Verdict:
    """What a refusal at `at` means: where Kamstrup installs, a licence that has ended is renewed, not agreed (P14)."""
    ended = isinstance(profile, KamstrupProfile) and terms_at(profile, at).ended_licences(at)
    return Verdict.BLOCKED if ended else Verdict.NEEDS_AGREEMENT


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


def _worth_knowing(workplace: Workplace, profile: KamstrupProfile, release: Release, known: Version | None,
                   window: str) -> tuple[str, ...]:
    lines = []
    now = workplace.clock.now()
    backup = last_good_backup(workplace, profile)
    if backup is None:
        lines.append("no good backup is on record: one is taken first")
    elif now - backup > timedelta(hours=workplace.settings.policy.backup_hours):
        lines.append(f"the last good backup is of {iso(backup)}: one is taken first")
    rings = workplace.settings.policy.rings
    if profile.ring in rings and rings.index(profile.ring):
        before = ", ".join(rings[:rings.index(profile.ring)])
        lines.append(f"the nightly run installs it once a customer of each ring before has it: {before}")
    need = approval_need(profile, step_between(known, release.version))
    if need is not ApprovalNeed.NONE:
        lines.append(f"its plan needs approval ({need})")
    off = sorted(set(release.modules) - set(profile.ready.modules))
    if off:
        lines.append(f"modules that stay off until agreed: {', '.join(off)}")
    day = local_day(datetime.fromisoformat(window), profile.zone)
    held = {licence.product for licence in profile.licences}
    missing = [name for name in release.requires.third_party_licences if name not in held]
    if missing:
        lines.append(f"third-party licences it needs that are not on record: {', '.join(missing)}")
    measured = workplace.ledger.last(profile.customer, MEASURED)
    applications = [host.name for host in profile.hosts if HostRole.APPLICATION in host.roles]
    lines += room(None if measured is None else measured.payload, applications, release, day)
    return tuple(lines)


def room(measured: Mapping[str, Any] | None, applications: Sequence[str], release: Release,
         day: date) -> Iterator[str]:
    """What the last measurement and its forecast say of the space. measured: of `storage.measured`; pure."""
    if measured is None:
        yield "storage was never measured: see `opsctl storage check`"
        return
    needed = release.requires.free_space_mb
    for volume in measured["volumes"]:
        where = f"{volume['host']}:{volume['mount']}"
        free = int(volume.get("bytes_available", 0)) // MEGABYTE
        if volume["host"] in applications and volume["mount"] == "/" and not volume["error"] and free < needed:
            yield f"{where} had {free} MB free on {measured['day']}, and the release needs {needed}"
        earliest = (volume.get("forecast") or {}).get("earliest")
        if earliest and date.fromisoformat(earliest) <= day:
            yield f"{where} may be full on {earliest}, before the window"
    if measured.get("level") not in {"ok", None}:
        yield f"storage is {measured['level']}"
