"""Customers hosted by Kamstrup are informed before and after a release is installed (P49): the drafts of both messages.

Before: from when the release is due for the night, or its plan approved, with the next window that it fits into. After:
from the ledger's evidence, also when the installation was taken back. Drafts only; people approve and send.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial

from opsctl.contract.services import Service
from opsctl.core.errors import ConfigurationError, OpsctlError
from opsctl.core.outcome import Outcome, Status
from opsctl.fleet.estimates import estimate
from opsctl.fleet.failures import guarded
from opsctl.fleet.starting import open_failure
from opsctl.fleet.windows import Occurrence, opening, upcoming
from opsctl.installs.ended import Ended, ended
from opsctl.installs.planning import step_between, target_release
from opsctl.installs.service import OPERATION, approval_need, request
from opsctl.notices import history
from opsctl.notices.by_hand import InstallSource
from opsctl.notices.model import NoticeKind
from opsctl.notices.service import draft_written
from opsctl.profiles.model import KamstrupProfile, Profile
from opsctl.profiles.rollout import ApprovalNeed
from opsctl.releases.catalogue import Catalogue
from opsctl.releases.path import path
from opsctl.releases.version import Version
from opsctl.runs import installed as standing
from opsctl.runs.installed import known_version, stand
from opsctl.runs.service import gate
from opsctl.runs.workplace import Workplace

RECENT = timedelta(days=7)
"""An installation that ended longer ago is history: nobody is told of it only now."""
AHEAD = 60
"""So many windows are looked through for one that is long enough and not frozen."""
UNTOLD = "the customer was not told beforehand (P49): no message planned-{version} was sent"
UNDRAFTED = "the customer's message was not drafted: {why}"


def after(workplace: Workplace, profile: Profile, releases: Catalogue) -> Iterator[Outcome]:
    """Draft what the installations of the last days ended with; what a person wrote of one stands."""
    entries = workplace.ledger.entries(profile.customer, kinds=standing.KINDS)
    since = workplace.clock.now() - RECENT
    newest = {one.release: one for one in ended(entries) if one.end >= since}
    for one in newest.values():
        source = done(one)
        if not _written_by_a_person(workplace, profile.customer, source):
            yield guarded(profile.customer, Service.SOFTWARE_UPDATE_MINOR,
                          partial(draft_written, workplace, profile, NoticeKind.DONE, source, releases=releases))


def before(workplace: Workplace, profile: KamstrupProfile, releases: Catalogue, target: Version | None = None
           ) -> Iterator[Outcome]:
    """Draft that a release will be installed: `target`, or the one due for the next nights; nothing when none is."""
    found: list[InstallSource] = []

    def look() -> Outcome:
        made = _planned(workplace, profile, releases, target)
        found.extend([made] if made is not None else [])
        return Outcome(profile.customer, Service.SOFTWARE_UPDATE_MINOR, Status.SKIPPED, "")

    looked = guarded(profile.customer, Service.SOFTWARE_UPDATE_MINOR, look)
    if looked.status not in {Status.SKIPPED, Status.NOT_COVERED}:
        yield looked
    for source in found:
        yield guarded(profile.customer, Service.SOFTWARE_UPDATE_MINOR,
                      partial(draft_written, workplace, profile, NoticeKind.PLANNED, source, releases=releases))


def drafted_after(workplace: Workplace, profile: Profile, releases: Catalogue | OpsctlError) -> tuple[str, ...]:
    """The same right after an installation: says what was drafted, and returns warnings for what could not be."""
    if isinstance(releases, OpsctlError):
        return (UNDRAFTED.format(why=releases.message),)
    warnings: list[str] = []
    for made in after(workplace, profile, releases):
        if made.status in {Status.DONE, Status.UNCHANGED}:
            workplace.progress.say(profile.customer, f"{made.summary}; it waits for approval")
        else:
            warnings.append(UNDRAFTED.format(why=made.summary))
    return tuple(warnings)


def announced(workplace: Workplace, profile: KamstrupProfile, releases: Catalogue | OpsctlError, target: str
              ) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Once the plan for `target` is approved: what was drafted to announce it, and warnings for what could not be."""
    if isinstance(releases, OpsctlError):
        return (), (UNDRAFTED.format(why=releases.message),)
    made = tuple(before(workplace, profile, releases, Version.parse(target)))
    drafted = tuple(one for one in made if one.status in {Status.DONE, Status.UNCHANGED})
    return (tuple(f"{one.summary}; it waits for approval" for one in drafted),
            tuple(UNDRAFTED.format(why=one.summary) for one in made if one not in drafted))


def untold(workplace: Workplace, customer: str, version: str) -> tuple[str, ...]:
    """A warning when no message went out that this version will be installed."""
    sent = any(one.sent for one in history.written(workplace, customer, f"{NoticeKind.PLANNED.value}-{version}"))
    return () if sent else (UNTOLD.format(version=version),)


def done(one: Ended) -> InstallSource:
    """What the message after an installation says."""
    return InstallSource(schema_version=1, release=Version.parse(one.release), before=Version.parse(one.before),
                         start=one.start.replace(microsecond=0), end=_after(one), run=one.run,
                         outcome="taken-back" if one.taken_back else None)


def times(now: datetime, told: tuple[datetime, datetime] | None, told_fits: bool, following: Occurrence | None
          ) -> tuple[datetime, datetime] | None:
    """From when until when a release will be installed; None when no window comes.

    told: the times that were announced before; they stand until they have passed or no longer fit.
    """
    if told is not None and told_fits and now < told[1]:
        return told
    return (following.opens, following.closes) if following is not None else None


def _planned(workplace: Workplace, profile: KamstrupProfile, releases: Catalogue, target: Version | None
             ) -> InstallSource | None:
    """What the message before an installation says; None while nothing is going to be installed."""
    now = workplace.clock.now()
    known = known_version(workplace, profile)
    try:
        release = target_release(releases, profile, known, target, now)
    except ConfigurationError:
        # Nothing is published, so nothing is announced.
        return None
    if known is None or known >= release.version or profile.hold_releases or _in_the_way(workplace, profile):
        return None
    step = step_between(known, release.version)
    if not gate(profile, request(step), now, workplace.ledger).allowed:
        return None
    earlier = _announced(workplace, profile.customer, release.version)
    if target is None and earlier is None and approval_need(profile, step) is not ApprovalNeed.NONE:
        # It waits for an approved plan, and is announced with that.
        return None
    way = path(releases, known, release)
    needs = estimate(workplace, profile, OPERATION, timedelta(
        minutes=way.hops[0].install.downtime_minutes if way else 0))
    told = (earlier.start, earlier.end) if earlier is not None else None
    fits = told is not None and _open(profile, max(told[0], now), needs)
    when = times(now, told, fits, _next(profile, now, needs))
    if when is None:
        return None
    return InstallSource(schema_version=1, release=release.version, before=known, start=when[0], end=when[1])


def _in_the_way(workplace: Workplace, profile: KamstrupProfile) -> bool:
    """Whether something has to be put right first, so that no night installs anything."""
    return stand(workplace, profile.customer).open is not None or open_failure(workplace, profile.customer) is not None


def _next(profile: KamstrupProfile, now: datetime, needs: timedelta) -> Occurrence | None:
    """The first window to open after `now` in which the work fits; the customer is told before."""
    return next((one for one, frozen in upcoming(profile.windows, profile.freezes, profile.zone, now, AHEAD)
                 if one.opens > now and not frozen and _open(profile, one.opens, needs)), None)


def _open(profile: KamstrupProfile, at: datetime, needs: timedelta) -> bool:
    return opening(profile.windows, profile.freezes, profile.zone, at, needs).open


def _announced(workplace: Workplace, customer: str, version: Version) -> InstallSource | None:
    """What was drafted last of installing `version`."""
    written = history.written(workplace, customer, f"{NoticeKind.PLANNED.value}-{version}")
    source = written[-1].source if written else None
    return source if isinstance(source, InstallSource) else None


def _written_by_a_person(workplace: Workplace, customer: str, source: InstallSource) -> bool:
    """Whether the newest message about this installation has the facts of a person, who may know more."""
    written = history.written(workplace, customer, history.notice_of(NoticeKind.DONE, source))
    newest = written[-1].source if written else None
    return isinstance(newest, InstallSource) and newest.run is None and newest.end >= source.start


def _after(one: Ended) -> datetime:
    """The end in whole seconds; never at or before the start."""
    end = one.end.replace(microsecond=0)
    return end if end > one.start.replace(microsecond=0) else end + timedelta(seconds=1)
