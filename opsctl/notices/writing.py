"""A notice that a person drafts: from the facts in a file to what the notice is about. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from opsctl.contract.services import PRODUCT
from opsctl.core.errors import ConfigurationError, NotCovered, UsageError
from opsctl.notices.by_hand import InstallSource, MaintenanceSource, ModuleSource, Source
from opsctl.notices.due import planned
from opsctl.notices.history import Written
from opsctl.notices.matters import InstallFacts, MaintenanceFacts, ModuleFacts
from opsctl.notices.model import Facts, NoticeKind, Period
from opsctl.notices.planning import NoticePlan, common
from opsctl.profiles.model import Profile
from opsctl.releases.catalogue import Catalogue
from opsctl.releases.content import content, nothing
from opsctl.releases.model import Release, ReleaseStatus
from opsctl.releases.path import UpgradePath, path
from opsctl.releases.version import Step, Version
from opsctl.runs.installed import written_version

_FOLLOWS = frozenset({NoticeKind.MAINTENANCE_CHANGED, NoticeKind.MAINTENANCE_CANCELLED, NoticeKind.MAINTENANCE_DONE})


def plan_written(profile: Profile, catalogue: Catalogue, at: datetime, kind: NoticeKind, source: Source,
                 before: Sequence[Written], reported: frozenset[str] = frozenset()) -> NoticePlan:
    """What to draft, and what the gate is asked. before: the revisions of the same notice, oldest first.

    UsageError when a notice comes before the one that it follows, or when times that were told are not `changed`.
    """
    if isinstance(source, MaintenanceSource):
        return planned(profile, at, _maintenance(profile, kind, source, before))
    release = _release(catalogue, source.release)
    if isinstance(source, InstallSource):
        if profile.hosting == "customer" and (kind is NoticeKind.PLANNED or source.run is None):
            raise NotCovered(f"{profile.customer}: customers are notified of releases and agree when one is installed "
                             "on their hosts; what opsctl installed there it drafts by itself (P22, P23, P50)",
                             "draft the release notice with `opsctl notice draft`")
        facts: Facts = _install(profile, catalogue, kind, source, release, reported)
    else:
        facts = _module(profile, source, release)
    return planned(profile, at, facts, major=release.kind is Step.MAJOR)


def _maintenance(profile: Profile, kind: NoticeKind, source: MaintenanceSource, before: Sequence[Written]
                 ) -> MaintenanceFacts:
    heard = [one.source for one in before if one.heard and isinstance(one.source, MaintenanceSource)]
    if kind in _FOLLOWS and not heard:
        raise UsageError(f"{profile.customer}: no maintenance {source.id} was announced", _unannounced(before))
    if kind is NoticeKind.MAINTENANCE_PLANNED and any(one != source for one in heard):
        raise UsageError(f"{profile.customer}: the maintenance {source.id} was announced already, with other facts",
                         "draft it with --kind maintenance-changed, or give it an `id` of its own")
    was = next((Period(one.start, one.end) for one in reversed(heard)
                if (one.start, one.end) != (source.start, source.end)), None)
    return MaintenanceFacts(**common(profile, kind, None), sample=profile.sample, source=source,
                            was=was if kind is NoticeKind.MAINTENANCE_CHANGED else None)


def _unannounced(before: Sequence[Written]) -> str:
    """What to do when something is to follow an announcement that nobody got."""
    if before:
        return (f"revision {before[-1].number} is drafted: send it first, or draft other facts with "
                "--kind maintenance-planned")
    return "correct `id`, or draft it with --kind maintenance-planned"


def _release(catalogue: Catalogue, version: Version) -> Release:
    release = catalogue.get(version)
    if release is None or release.status is not ReleaseStatus.PUBLISHED:
        raise ConfigurationError(f"{PRODUCT} {version} has no release file, or is not published",
                                 "correct `release` in the file of facts")
    return release


def _install(profile: Profile, catalogue: Catalogue, kind: NoticeKind, source: InstallSource, release: Release,
             reported: frozenset[str]) -> InstallFacts:
    installed = written_version(profile)
    _require_possible(profile, kind, source, installed)
    # Once it is installed, the profile no longer says what was there before. When the facts do not say it either, what
    # the release itself brought is told.
    before = source.before or (installed if kind is NoticeKind.PLANNED else None)
    way = path(catalogue, before, release)
    if way is None or before is None:
        way = UpgradePath(before, (release,), ())
    brought = content(catalogue, way, profile.ready.modules)
    return InstallFacts(**common(profile, kind, release), sample=release.sample, way=way, source=source,
                        content=nothing(brought) if source.outcome else brought, reported=reported)


def _require_possible(profile: Profile, kind: NoticeKind, source: InstallSource, installed: Version | None) -> None:
    """UsageError when the facts contradict the profile; what a run of opsctl proves stands above it."""
    if installed is None or source.run is not None:
        return
    there = (source.before or installed) if kind is NoticeKind.PLANNED else installed
    if kind is NoticeKind.PLANNED and there >= source.release:
        raise UsageError(f"{profile.customer}: has {PRODUCT} {there}, so {source.release} is not planned",
                         "correct `release`, or `ready.version` in the profile")
    if kind is NoticeKind.DONE and source.outcome is None and installed < source.release:
        raise UsageError(f"{profile.customer}: the profile still says {PRODUCT} {installed}",
                         "record what was installed under `ready.version` first")
    if kind is NoticeKind.DONE and source.outcome is not None and installed >= source.release:
        raise UsageError(f"{profile.customer}: the profile says {PRODUCT} {installed}, so {source.release} was not "
                         "taken back", "correct `outcome`, or `ready.version` in the profile")


def _module(profile: Profile, source: ModuleSource, release: Release) -> ModuleFacts:
    if source.module not in release.modules:
        raise ConfigurationError(f"{PRODUCT} {release.version} has no module {source.module}",
                                 f"write one of {', '.join(sorted(release.modules))}")
    if source.module in profile.ready.modules:
        raise UsageError(f"{profile.customer}: has the module {source.module} already", "correct `module`")
    return ModuleFacts(**common(profile, NoticeKind.MODULE_PROPOSAL, release, (source.module,)), sample=release.sample,
                       subject=release, source=source)
