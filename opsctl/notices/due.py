"""Notices that are due without anybody asking: end of support, licence, platform, withdrawal, correction. Pure.

The release notice itself is `planning.plan`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date, datetime

from opsctl.contract.services import PRODUCT
from opsctl.core.clock import local_day
from opsctl.core.errors import ConfigurationError
from opsctl.notices import kinds
from opsctl.notices.history import Told
from opsctl.notices.matters import LicenceFacts, PlatformFacts, RecallFacts, SupportFacts
from opsctl.notices.model import DANISH_TIME, Facts, NoticeKind
from opsctl.notices.planning import NoticePlan, beyond, common
from opsctl.profiles.licences import follower
from opsctl.profiles.model import Profile, terms_at
from opsctl.profiles.parts import Licence
from opsctl.releases.catalogue import Catalogue
from opsctl.releases.model import Release, ReleaseStatus
from opsctl.releases.path import UpgradePath, path
from opsctl.releases.version import Version
from opsctl.runs.installed import written_version

SUPPORT_STAGES = (30, 90, 183, 365)
"""Days before the end of support on which it is told again (policy: 12 and 6 months, 90 and 30 days)."""
LICENCE_STAGES = (7, 30, 90)
"""Days before a licence ends (P14)."""


def due(profile: Profile, catalogue: Catalogue, at: datetime, known: Iterable[Told] = ()) -> tuple[NoticePlan, ...]:
    """Every such notice for the customer at this instant; the gate is not asked yet.

    known: the releases it was told of. One that has left or that this hosting does not concern gets none.
    """
    found = [*_recalls(profile, catalogue, known)]
    if profile.hosting == "customer":
        left_out = beyond(profile, catalogue, at)
        found += [plan for plan in (left_out,) if plan is not None]
        found += [planned(profile, at, facts) for facts in (
            *_support(profile, catalogue, at), *_licences(profile, at), *_platform(profile, catalogue))]
    return tuple(found)


def planned(profile: Profile, at: datetime, facts: Facts, *, major: bool = False) -> NoticePlan:
    """A plan for `facts`, with what the gate is asked about its kind."""
    request = kinds.request(facts.kind, terms_at(profile, at).hosting, major=major)
    return NoticePlan(request.service, facts, purpose=request.purpose, delivery=request.delivery)


def stage(until: date, today: date, stages: Iterable[int]) -> int | None:
    """The reminder that is due: the smallest stage reached, 0 once the day has passed; None before the first."""
    if today > until:
        return 0
    return next((days for days in sorted(stages) if (until - today).days <= days), None)


def _support(profile: Profile, catalogue: Catalogue, at: datetime) -> Iterator[SupportFacts]:
    installed = written_version(profile)
    release = catalogue.get(installed) if installed else None
    if release is None:
        return
    reached = stage(release.support.until, local_day(at, DANISH_TIME), SUPPORT_STAGES)
    if reached is not None:
        yield SupportFacts(**common(profile, NoticeKind.END_OF_SUPPORT, None), sample=release.sample,
                           installed=release, stage=reached, way=_way(catalogue, installed))


def _way(catalogue: Catalogue, installed: Version | None) -> UpgradePath | None:
    newest = catalogue.newest(installed)
    try:
        return path(catalogue, installed, newest) if newest is not None else None
    except ConfigurationError:
        # The release notice names what is wrong with the files; the end of support is told in any case.
        return None


def _licences(profile: Profile, at: datetime) -> Iterator[LicenceFacts]:
    ending: dict[tuple[str, date], list[Licence]] = {}
    for licence in profile.licences:
        if (licence.valid_to is not None and licence.renewal != "automatic"
                and follower(licence, profile.licences) is None):
            ending.setdefault((_identity(licence), licence.valid_to), []).append(licence)
    for (identity, until), (first, *others) in ending.items():
        reached = stage(until, local_day(at, profile.zone), LICENCE_STAGES)
        if reached is not None:
            yield LicenceFacts(**common(profile, NoticeKind.LICENCE_EXPIRY, None), sample=profile.sample,
                               licence=first, identity=identity, until=until, stage=reached, others=tuple(others))


def _identity(licence: Licence) -> str:
    words = f"{licence.vendor} {licence.product}".casefold()
    return re.sub(r"[^a-z0-9]+", "-", words).strip("-")[:60] or PRODUCT.lower()


def _platform(profile: Profile, catalogue: Catalogue) -> Iterator[PlatformFacts]:
    """The newest advisory for the installed version; an older one is overtaken by it."""
    if not profile.ready.version:
        return
    installed = Version.parse(profile.ready.version)
    fitting = [advisory for advisory in catalogue.platform if installed in advisory.ready]
    if fitting:
        yield PlatformFacts(**common(profile, NoticeKind.PLATFORM, None), sample=fitting[-1].sample,
                            advisory=fitting[-1], installed=str(installed))


def _recalls(profile: Profile, catalogue: Catalogue, known: Iterable[Told]) -> Iterator[NoticePlan]:
    for before in known:
        release = catalogue.get(Version.parse(before.release))
        if release is None:
            continue
        withdrawn = release.status is ReleaseStatus.WITHDRAWN
        told = (before.revision, before.at) if withdrawn else _to_correct(release, before)
        if told is None:
            continue
        kind = NoticeKind.WITHDRAWAL if withdrawn else NoticeKind.CORRECTION
        facts = RecallFacts(**common(profile, kind, None), sample=release.sample, subject=release,
                            told=told[0], told_at=told[1], installed=profile.ready.version or "")
        yield planned(profile, told[1], facts, major=release.kind.value == "major")


def _to_correct(release: Release, before: Told) -> tuple[int, datetime] | None:
    """The revision that is corrected and when it was told; None when nothing is. A correction that is drafted is due
    until everybody has it, whatever else went out meanwhile."""
    drafted = before.corrected.get(release.revision)
    if drafted is not None:
        return None if drafted.whole else (drafted.told, drafted.told_at)
    return (before.revision, before.at) if release.revision > before.revision else None
