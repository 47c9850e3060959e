"""Any catalogue, any installed version: what holds for every path and its content."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from opsctl.releases.catalogue import Catalogue
from opsctl.releases.content import content
from opsctl.releases.model import ADAPTER, Release, ReleaseStatus
from opsctl.releases.path import path
from opsctl.releases.severity import Severity
from opsctl.releases.version import Version

MODULES = ("ready-core", "leak-alarm", "heat-forecast")
VECTORS = ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:L/I:N/A:N")
versions = st.builds(Version, st.integers(1, 3), st.integers(0, 3), st.integers(0, 3))


@st.composite
def changes(draw: st.DrawFn) -> dict[str, Any]:
    modules = draw(st.lists(st.sampled_from(MODULES), max_size=2, unique=True))
    text = {"text": {"en": "Words."}, "modules": modules}
    kind = draw(st.sampled_from(["security", "fix", "feature"]))
    if kind == "security":
        return {"type": kind, "cve": [f"CVE-1900-1000{draw(st.integers(0, 4))}"],
                "cvss": draw(st.sampled_from(VECTORS)), "exploited": draw(st.booleans()), **text}
    error = {"error": f"ERR-100{draw(st.integers(0, 9))}"} if kind == "fix" else {}
    return {"type": kind, **error, **text}


@st.composite
def catalogues(draw: st.DrawFn) -> Catalogue:
    """Releases of which each was developed from some lower one: branches as they come."""
    chosen = sorted(draw(st.sets(versions, min_size=2, max_size=8)))
    releases = [_release(draw, version, chosen[:index]) for index, version in enumerate(chosen) if index]
    return Catalogue({found.version: found for found in releases},
                     {found.version: Path(f"{found.version}.yml") for found in releases})


def _release(draw: st.DrawFn, version: Version, lower: list[Version]) -> Release:
    previous = draw(st.sampled_from(lower))
    status = draw(st.sampled_from(["published", "published", "withdrawn"]))
    taken_back = {"withdrawn": {"at": "2026-02-01T09:00:00Z", "reason": {"en": "It fails."}}}
    return ADAPTER.validate_python({
        "schema_version": 1, "version": str(version), "previous": str(previous), "status": status,
        "kind": str(version.step_from(previous)), "published_at": "2026-01-05T09:00:00Z", "summary": {"en": "Words."},
        "support": {"until": "2027-12-31", "branch": version.branch},
        "apt": {"package": "ready-server", "version": str(version)},
        "requires": {"os": [{"name": "debian", "min": str(draw(st.integers(10, 13)))}],
                     "database": [{"engine": "postgresql", "min": str(draw(st.integers(9, 17)))}],
                     "free_space_mb": draw(st.integers(0, 9999))},
        "modules": {name: {"new": draw(st.booleans())} for name in MODULES},
        "install": {"playbook": "ready_update", "restart": draw(st.sampled_from(["none", "service", "host"])),
                    "downtime_minutes": draw(st.integers(0, 60)), "db_migration": False, "reversible_until": "always"},
        "rollback": {"supported": True, "method": "reinstall", "minutes": 5},
        "upgrade": {"from": f"<{version}", "stop": draw(st.booleans())},
        "changes": draw(st.lists(changes(), min_size=1, max_size=4)),
        **(taken_back if status == "withdrawn" else {})})


@given(catalogues(), versions, st.data())
def test_a_path_goes_up_by_stops_to_the_target(found: Catalogue, installed: Version, data: st.DataObject) -> None:
    target = data.draw(st.sampled_from(sorted(found.releases.values(), key=lambda release: release.version)))
    way = path(found, installed, target)
    assert (way is None) == (installed >= target.version)
    if way is None:
        return
    steps = [installed, *(hop.version for hop in way.hops)]
    assert steps == sorted(set(steps)), "each step goes up"
    assert way.target is target
    between = {release.version for release in found.lineage(target.version)
               if release.status is ReleaseStatus.PUBLISHED and installed < release.version < target.version}
    stops = {version for version in between if found.releases[version].upgrade.stop}
    assert {hop.version for hop in way.hops[:-1]} == stops
    assert {release.version for release in way.contained} == between - stops


@given(catalogues(), versions, st.sets(st.sampled_from(MODULES)), st.data())
def test_content_tells_all_that_concerns_and_nothing_else(found: Catalogue, installed: Version, owned: set[str],
                                                          data: st.DataObject) -> None:
    target = data.draw(st.sampled_from(sorted(found.releases.values(), key=lambda release: release.version)))
    way = path(found, installed, target)
    if way is None:
        return
    result = content(found, way, owned)
    on_path = {release.version: release for release in found.lineage(target.version)
               if release.status is ReleaseStatus.PUBLISHED and release.version > installed}
    told = [name for released in result.changes for name in released.change.ids]
    assert len(told) == len(set(told)), "no id twice"
    assert [released.version for released in result.changes] == sorted(
        (released.version for released in result.changes), reverse=True), "newest first"
    for released in result.changes:
        assert released.change in on_path[released.version].changes
        assert not released.change.modules or owned & set(released.change.modules)
    had = {name for release in found.lineage(installed) if release not in found.lineage(target.version)
           for change in release.changes for name in change.ids}
    due = {name for release in on_path.values() for change in release.changes
           if not change.modules or owned & set(change.modules) for name in change.ids}
    assert set(told) == due - had


@given(catalogues(), versions, st.data())
def test_the_whole_is_as_strict_as_any_step(found: Catalogue, installed: Version, data: st.DataObject) -> None:
    target = data.draw(st.sampled_from(sorted(found.releases.values(), key=lambda release: release.version)))
    way = path(found, installed, target)
    if way is None:
        return
    result = content(found, way, MODULES)
    assert result.downtime_minutes == sum(hop.install.downtime_minutes for hop in way.hops)
    assert result.requires.free_space_mb == max(hop.requires.free_space_mb for hop in way.hops)
    assert int(result.requires.os[0].min) == max(int(hop.requires.os[0].min) for hop in way.hops)
    assert int(result.requires.database[0].min) == max(int(hop.requires.database[0].min) for hop in way.hops)
    severities = [released.change.severity for released in result.changes if released.change.type == "security"]
    assert (result.severity or 0) >= max(severities, default=Severity.LOW if result.severity else 0)


@given(catalogues(), versions, versions)
def test_a_longer_way_tells_no_less(found: Catalogue, one: Version, other: Version) -> None:
    """Along one line of development an older installation is told everything that a younger one is."""
    target = max(found.releases.values(), key=lambda release: release.version)
    line = [release.version for release in found.lineage(target.version)]
    older, younger = sorted((one, other))
    if older not in line or younger not in line or younger >= target.version:
        return
    ways = [path(found, installed, target) for installed in (older, younger)]
    assert ways[0] is not None and ways[1] is not None
    more, fewer = ({name for released in content(found, way, MODULES).changes for name in released.change.ids}
                   for way in ways if way is not None)
    assert fewer <= more
