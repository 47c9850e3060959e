"""What a path brings to one customer: changes, severity, prerequisites, downtime. Pure decisions over the catalogue."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

from opsctl.releases.catalogue import Catalogue
from opsctl.releases.changes import BehaviourChange, Change, FixChange, KnownIssue, SecurityChange
from opsctl.releases.model import Release, ReleaseStatus, Requirements, Restart
from opsctl.releases.path import UpgradePath
from opsctl.releases.prerequisites import strictest
from opsctl.releases.severity import Severity
from opsctl.releases.version import Version

_REVERSIBLE = ("always", "migration", "never")


class Headline(IntEnum):
    """The class of a notice: the highest of its changes (security > fix > feature)."""

    FEATURE = 1
    FIX = 2
    SECURITY = 3

    @property
    def word(self) -> str:
        """The word in small letters."""
        return self.name.lower()


@dataclass(frozen=True)
class ReleasedChange:
    """A change and the release that brings it."""

    version: Version
    change: Change


@dataclass(frozen=True)
class Content:
    """What a path brings to a customer with certain modules.

    changes: newest release first; each error id or CVE once.
    requires: what every step asks for at most. downtime_minutes: the sum of the steps.
    new_modules: in the target, not owned; off until agreed (P50).
    lost: corrections that the installed release has and the target does not.
    """

    changes: tuple[ReleasedChange, ...]
    headline: Headline
    severity: Severity | None
    exploited: bool
    requires: Requirements
    downtime_minutes: int
    restart: Restart
    reversible_until: str
    known_issues: tuple[KnownIssue, ...]
    new_modules: tuple[str, ...]
    lost: tuple[ReleasedChange, ...]


def nothing(brought: Content) -> Content:
    """The same when it was not installed after all: nothing changed, and no vulnerability was closed."""
    return replace(brought, changes=(), headline=Headline.FEATURE, severity=None, exploited=False, known_issues=(),
                   new_modules=(), lost=())


def content(catalogue: Catalogue, way: UpgradePath, modules: Iterable[str]) -> Content:
    """What `way` brings to a customer that owns `modules`.

    With the installed version not known it is what the target itself brings: nothing is claimed of
    releases that the customer may have.
    """
    owned = frozenset(modules)
    wide = catalogue.lineage(way.target.version)
    new = [release for release in wide if release.status is ReleaseStatus.PUBLISHED and _is_new(release, way)]
    aside = _aside(catalogue, way.installed, wide)
    had = {name for released in aside for name in released.change.ids}
    told = [released for released in _released(new) if _concerns(released.change, way.installed, owned)
            and not released.change.ids & had]
    security = [released.change for released in told if isinstance(released.change, SecurityChange)]
    target = way.target
    return Content(
        changes=_once(told),
        headline=max((_headline(released.change) for released in told), default=Headline.FEATURE),
        severity=max((change.severity for change in security), default=None),
        exploited=any(change.exploited for change in security),
        requires=strictest([hop.requires for hop in way.hops]),
        downtime_minutes=sum(hop.install.downtime_minutes for hop in way.hops),
        restart=max((hop.install.restart for hop in way.hops), key=list(Restart).index),
        reversible_until=max((hop.install.reversible_until for hop in way.hops), key=_REVERSIBLE.index),
        known_issues=tuple(issue for issue in target.known_issues if _owned(issue.modules, owned)),
        new_modules=tuple(sorted({name for release in new for name, module in release.modules.items() if module.new}
                                 & set(target.modules) - owned)),
        lost=_lost(aside, wide, owned),
    )


def _is_new(release: Release, way: UpgradePath) -> bool:
    return release.version == way.target.version if way.installed is None else release.version > way.installed


def _released(releases: Iterable[Release]) -> Iterator[ReleasedChange]:
    """The changes of `releases`, in their order; within one, the gravest first."""
    for release in releases:
        for change in sorted(release.changes, key=_gravity, reverse=True):
            yield ReleasedChange(release.version, change)


def _gravity(change: Change) -> tuple[int, int, int]:
    grave = int(change.severity) if isinstance(change, SecurityChange) else 0
    return (int(_headline(change)), grave, -int(isinstance(change, BehaviourChange)))


def _headline(change: Change) -> Headline:
    if isinstance(change, SecurityChange):
        return Headline.SECURITY
    return Headline.FIX if isinstance(change, FixChange) else Headline.FEATURE


def _owned(named: Sequence[str], owned: frozenset[str]) -> bool:
    return not named or not owned.isdisjoint(named)


def _concerns(change: Change, installed: Version | None, owned: frozenset[str]) -> bool:
    affected = change.affected if isinstance(change, SecurityChange | FixChange) else None
    return _owned(change.modules, owned) and (affected is None or installed is None or installed in affected)


def _aside(catalogue: Catalogue, installed: Version | None, wide: Sequence[Release]) -> tuple[ReleasedChange, ...]:
    """Corrections in what was installed that does not lie on the way to the target: those of another branch."""
    if installed is None:
        return ()
    on_the_way = {release.version for release in wide}
    return tuple(released for released in _released(catalogue.lineage(installed))
                 if released.version not in on_the_way and released.change.ids)


def _once(changes: Iterable[ReleasedChange]) -> tuple[ReleasedChange, ...]:
    """Each error id and CVE once; the newest statement stands."""
    kept: list[ReleasedChange] = []
    seen: set[str] = set()
    for released in changes:
        if not released.change.ids & seen:
            kept.append(released)
        seen |= released.change.ids
    return tuple(kept)


def _lost(aside: Iterable[ReleasedChange], wide: Iterable[Release], owned: frozenset[str]
          ) -> tuple[ReleasedChange, ...]:
    there = {name for release in wide for change in release.changes for name in change.ids}
    return _once(released for released in aside
                 if not released.change.ids & there and _owned(released.change.modules, owned))
