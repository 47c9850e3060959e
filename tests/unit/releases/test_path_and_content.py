"""The path with its stops and what it brings: the cases of the cumulative notice."""

from __future__ import annotations

import pytest

from opsctl.core.errors import ConfigurationError
from opsctl.releases.catalogue import Catalogue
from opsctl.releases.content import Content, Headline, content
from opsctl.releases.model import ADAPTER, Restart
from opsctl.releases.path import path
from opsctl.releases.severity import Severity
from opsctl.releases.version import Version
from tests.unit.releases.release_values import catalogue, fix, release, release_data, security, withdrawn


def brought(found: Catalogue, installed: str | None, *modules: str) -> Content:
    newest = found.newest()
    assert newest is not None
    way = path(found, Version.parse(installed) if installed else None, newest)
    assert way is not None
    return content(found, way, modules or ("ready-core",))


def ids(result: Content) -> list[str]:
    return ["+".join(sorted(released.change.ids)) for released in result.changes]


def line(*versions: str, stops: tuple[str, ...] = ()) -> Catalogue:
    """Releases each developed from the one before."""
    pairs = zip(versions[1:], versions, strict=False)
    return catalogue(*(release(version, previous, upgrade={"from": f">=1.0.0 <{version}", "stop": version in stops})
                       for version, previous in pairs))


def test_three_releases_skipped_with_a_stop() -> None:
    found = line("5.2.0", "5.3.0", "5.4.0", "5.5.0", "6.0.0", stops=("5.4.0",))
    way = path(found, Version.parse("5.3.0"), found.releases[Version.parse("6.0.0")])
    assert way is not None
    assert [str(hop.version) for hop in way.hops] == ["5.4.0", "6.0.0"]
    assert [str(entry.version) for entry in way.contained] == ["5.5.0"]
    assert ids(brought(found, "5.3.0")) == ["ERR-6000", "ERR-5500", "ERR-5400"]


def test_a_stop_already_installed_is_no_step() -> None:
    found = line("5.2.0", "5.3.0", "5.4.0", "5.5.0", stops=("5.4.0",))
    way = path(found, Version.parse("5.4.0"), found.releases[Version.parse("5.5.0")])
    assert way is not None and [str(hop.version) for hop in way.hops] == ["5.5.0"]


@pytest.mark.parametrize("installed", ["5.4.0", "5.4.1", "6.0.0"])
def test_installed_at_or_above_the_target(installed: str) -> None:
    found = line("5.3.0", "5.4.0")
    assert path(found, Version.parse(installed), found.releases[Version.parse("5.4.0")]) is None


def test_a_pre_release_lies_below_its_release() -> None:
    found = line("5.5.0", "6.0.0")
    way = path(found, Version.parse("6.0.0-rc.1"), found.releases[Version.parse("6.0.0")])
    assert way is not None and [str(hop.version) for hop in way.hops] == ["6.0.0"]


def test_a_step_that_does_not_install_over_the_one_before() -> None:
    found = catalogue(release("5.4.0", "5.3.0"), release("6.0.0", "5.4.0", upgrade={"from": ">=5.4.0 <6.0.0"}))
    with pytest.raises(ConfigurationError, match=r"6\.0\.0 does not install over 5\.3\.0"):
        path(found, Version.parse("5.3.0"), found.releases[Version.parse("6.0.0")])


def test_installed_unknown_is_generic() -> None:
    found = line("5.2.0", "5.3.0", "5.4.0", "5.5.0", stops=("5.4.0",))
    way = path(found, None, found.releases[Version.parse("5.5.0")])
    assert way is not None
    assert [str(hop.version) for hop in way.hops] == ["5.4.0", "5.5.0"]
    assert way.contained == ()
    assert ids(brought(found, None)) == ["ERR-5500"]


def test_a_withdrawn_release_between_brings_nothing_and_is_no_stop() -> None:
    found = catalogue(release("5.4.0", "5.3.0"),
                      release("5.4.1", "5.4.0", **withdrawn(), upgrade={"from": "<5.4.1", "stop": True}),
                      release("5.4.2", "5.4.1"))
    way = path(found, Version.parse("5.4.0"), found.releases[Version.parse("5.4.2")])
    assert way is not None and [str(hop.version) for hop in way.hops] == ["5.4.2"]
    assert ids(brought(found, "5.4.0")) == ["ERR-5420"]


def test_installed_withdrawn_has_a_way_out() -> None:
    found = catalogue(release("5.4.0", "5.3.0"), release("5.4.1", "5.4.0", **withdrawn()), release("5.4.2", "5.4.0"))
    assert ids(brought(found, "5.4.1")) == ["ERR-5420"]


def test_a_younger_release_of_an_older_branch_is_not_on_the_path() -> None:
    found = catalogue(release("5.3.8", "5.3.7"), release("5.3.9", "5.3.8", changes=[security("CVE-1900-10001")]),
                      release("5.4.0", "5.3.8"),
                      release("5.4.1", "5.4.0", changes=[security("CVE-1900-10001"), fix("ERR-5410")]))
    assert ids(brought(found, "5.3.8")) == ["CVE-1900-10001", "ERR-5410", "ERR-5400"]
    from_branch = brought(found, "5.3.9")
    assert ids(from_branch) == ["ERR-5410", "ERR-5400"], "what 5.3.9 already corrected is not told again"
    assert from_branch.lost == ()


def test_a_correction_that_the_target_lacks_is_named() -> None:
    found = catalogue(release("5.3.8", "5.3.7"), release("5.3.9", "5.3.8", changes=[fix("ERR-5390")]),
                      release("5.4.0", "5.3.8"))
    assert [sorted(released.change.ids) for released in brought(found, "5.3.9").lost] == [["ERR-5390"]]


def test_each_id_once_and_the_newest_statement_stands() -> None:
    found = catalogue(release("5.4.0", "5.3.0", changes=[security("CVE-1900-10001"), fix("ERR-1000")]),
                      release("5.4.1", "5.4.0", changes=[fix("ERR-1000"), security("CVE-1900-10001")]))
    result = brought(found, "5.3.0")
    assert ids(result) == ["CVE-1900-10001", "ERR-1000"]
    assert {str(released.version) for released in result.changes} == {"5.4.1"}


def test_changes_of_modules_not_owned_are_left_out() -> None:
    found = catalogue(release("5.4.0", "5.3.0", changes=[fix("ERR-1000", modules=["leak-alarm"]), fix("ERR-1001")]))
    assert ids(brought(found, "5.3.0", "ready-core")) == ["ERR-1001"]
    assert ids(brought(found, "5.3.0", "ready-core", "leak-alarm")) == ["ERR-1000", "ERR-1001"]


def test_affected_is_judged_by_the_installed_version() -> None:
    found = catalogue(release("5.4.0", "5.3.0"), release("5.4.1", "5.4.0", changes=[
        security("CVE-1900-10001", "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", affected=">=5.4.0 <5.4.1"),
        fix("ERR-5410")]))
    old = brought(found, "5.3.0")
    assert ids(old) == ["ERR-5410", "ERR-5400"] and old.severity is None and old.headline is Headline.FIX
    assert brought(found, "5.4.0").severity is Severity.CRITICAL


def test_severity_and_headline_are_the_highest() -> None:
    found = catalogue(release("5.4.0", "5.3.0", changes=[security("CVE-1900-10001", exploited=True)]),
                      release("5.4.1", "5.4.0"))
    result = brought(found, "5.3.0")
    assert (result.headline, result.severity, result.exploited) == (Headline.SECURITY, Severity.IMPORTANT, True)


def test_nothing_left_for_this_customer() -> None:
    found = catalogue(release("5.4.0", "5.3.0", changes=[fix("ERR-1000", modules=["leak-alarm"])]))
    result = brought(found, "5.3.0", "ready-core")
    assert (result.changes, result.headline, result.severity) == ((), Headline.FEATURE, None)


def _requires(os: dict[str, str], engines: dict[str, str], space: int) -> dict[str, object]:
    return {"requires": {"os": [{"name": name, "min": least} for name, least in os.items()],
                         "database": [{"engine": name, "min": least} for name, least in engines.items()],
                         "free_space_mb": space}}


def test_strictest_prerequisites_downtime_and_restart_of_all_steps() -> None:
    stop = release_data("5.4.0", "5.3.0", **_requires({"debian": "12", "ubuntu": "22.04"}, {"postgresql": "16"}, 9000),
                        upgrade={"from": "<5.4.0", "stop": True})
    stop["install"] = {**stop["install"], "restart": "host", "downtime_minutes": 20}
    last = release_data("5.5.0", "5.4.0", **_requires({"debian": "9.13", "rocky": "9"},
                                                      {"postgresql": "15", "mariadb": "11"}, 50))
    found = catalogue(ADAPTER.validate_python(stop), ADAPTER.validate_python(last))
    result = brought(found, "5.3.0")
    assert [(system.name, system.min) for system in result.requires.os] == [("debian", "12")]
    assert [(engine.engine, engine.min) for engine in result.requires.database] == [("postgresql", "16")]
    assert (result.requires.free_space_mb, result.downtime_minutes, result.restart) == (9000, 30, Restart.HOST)



def test_no_operating_system_for_all_steps() -> None:
    found = catalogue(
        release("5.4.0", "5.3.0", **_requires({"ubuntu": "22.04"}, {"postgresql": "15"}, 1),
                upgrade={"from": "<5.4.0", "stop": True}),
        release("5.5.0", "5.4.0", **_requires({"debian": "12"}, {"postgresql": "15"}, 1)))
    with pytest.raises(ConfigurationError, match="no operating system"):
        brought(found, "5.3.0")


def test_new_modules_are_offered_until_they_are_owned() -> None:
    new = {"ready-core": {}, "leak-alarm": {"licensed": True, "new": True}}
    found = catalogue(release("5.4.0", "5.3.0", modules=new), release("5.4.1", "5.4.0"))
    assert brought(found, "5.3.0", "ready-core").new_modules == ("leak-alarm",)
    assert brought(found, "5.3.0", "ready-core", "leak-alarm").new_modules == ()
    assert brought(found, "5.4.0", "ready-core").new_modules == (), "it was new in 5.4.0, which is installed"


def test_known_issues_are_those_of_the_target_and_of_owned_modules() -> None:
    def known(error: str, *modules: str) -> dict[str, object]:
        return {"error": error, "text": {"en": "Known."}, "modules": list(modules)}

    found = catalogue(release("5.4.0", "5.3.0", known_issues=[known("ERR-2000")]),
                      release("5.4.1", "5.4.0", known_issues=[known("ERR-2001"), known("ERR-2002", "leak-alarm")]))
    assert [issue.error for issue in brought(found, "5.3.0").known_issues] == ["ERR-2001"]
