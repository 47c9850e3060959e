"""What the hosts say and the release files, made into a plan or into the reasons why there is none."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from opsctl.core.errors import UsageError
from opsctl.installs.model import ReleasePlan, differences, plan_from
from opsctl.installs.planning import plan_of, step_between, target_release
from opsctl.profiles.loader import load_profile
from opsctl.profiles.model import KamstrupProfile
from opsctl.releases.catalogue import load
from opsctl.releases.version import Step, Version

ROOT = Path(__file__).resolve().parents[3]
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
RELEASES = load(ROOT / "releases")
OFFERED = ["6.0.0", "5.5.0", "5.4.1", "5.4.0", "5.3.0"]


def profile(name: str) -> KamstrupProfile:
    found = load_profile(ROOT / "inventories", f"sample-{name}")
    assert isinstance(found, KamstrupProfile)
    return found


def facts(present: str = "", count: int = 0, **changed: Any) -> dict[str, Any]:
    """What `ready_survey` gives back for a sound host."""
    entries = [{"name": "ready", "engine": "postgresql", "cluster": "main", "version": "15", "bytes": 70_000_000,
                "free_bytes": 9_000_000_000, "with_copies": False, "kept": []}]
    return {"installed": present, "held": bool(present), "offered": OFFERED if present else [], "interrupted": [],
            "opsctl_units": [], "busy": [], "os": {"name": "debian", "version": "12"}, "copies": [], "wrong": [],
            "version": present, "modules": ["ready-core"] if present else [],
            "free_bytes": {"packages": 9_000_000_000, "copies": 9_000_000_000},
            "databases": entries[:count], "health": {}, **changed}


def on_disk(**changed: Any) -> dict[str, Any]:
    """Of the database's host: what is different about its database."""
    return {"databases": [{**facts(count=1)["databases"][0], **changed}]}


def planned(app: dict[str, Any] | None = None, db: dict[str, Any] | None = None, *, target: str | None = "6.0.0",
            installed: str = "5.4.0", revision: str = "r", name: str = "birkeby") -> ReleasePlan:
    said = {"birkeby-app": facts(installed, **(app or {})), "birkeby-db": facts(count=1, **(db or {}))}
    return plan_of(profile(name), RELEASES, Version.parse(target) if target else None, said, {}, revision, NOW)


def test_a_path_with_its_stop_and_what_it_brings() -> None:
    plan = planned()
    assert [(hop.version, hop.kind, hop.copies) for hop in plan.hops] == [
        ("5.5.0", Step.MINOR, True), ("6.0.0", Step.MAJOR, True)]
    assert (plan.installed, plan.target, plan.step, plan.problems) == ("5.4.0", "6.0.0", Step.MAJOR, ())
    assert plan.modules_off == ("heat-forecast", "leak-alarm")
    assert plan.downtime_minutes == 45
    assert [(host.host, host.installed) for host in plan.hosts] == [("birkeby-db", ""), ("birkeby-app", "5.4.0")]


def test_a_module_that_is_on_already_is_not_told_to_stay_off() -> None:
    assert planned({"modules": ["ready-core", "leak-alarm"]}).modules_off == ("heat-forecast",)


def test_without_a_migration_nothing_is_copied() -> None:
    (hop,) = planned(target="5.4.1").hops
    assert (hop.copies, hop.reversible, hop.kind) == (False, True, Step.PATCH)


def test_what_is_there_needs_nothing() -> None:
    plan = planned(installed="6.0.0")
    assert plan.nothing_to_do and plan.step is None and not plan.problems


def test_a_package_put_in_by_hand_proves_nothing_while_ready_goes_on_in_the_release_before() -> None:
    plan = planned({"version": "5.4.0"}, installed="6.0.0")
    assert not plan.nothing_to_do and not plan.hops and "restart READY" in plan.problems[0]
    (one,) = planned({"version": "5.3.0", "wrong": ["its health page answers nothing"]}).problems
    assert "health page" in one, "what is wrong anyway is told once"


@pytest.mark.parametrize(("app", "db", "reason"), [
    ({"wrong": ["its health page answers 503: x"]}, {}, "birkeby-app: its health page answers 503: x"),
    ({"version": "5.3.0"}, {}, "birkeby-app: READY answers in version 5.3.0, while the package of 5.4.0 is installed"),
    ({"version": ""}, {}, "READY answers in version none"),
    ({"interrupted": ["dpkg was interrupted"]}, {}, "birkeby-app: dpkg was interrupted"),
    ({"busy": ["unattended-upgr (77)"]}, {}, "birkeby-app: unattended-upgr (77) is at work on it"),
    ({"opsctl_units": ["opsctl-x-install.service"]}, {}, "opsctl-x-install.service is at work"),
    ({"installed": ""}, {}, "READY is not installed"),
    ({"installed": "5.4.0+local"}, {}, "no release file for the installed package 5.4.0+local"),
    ({"offered": ["5.4.0", "6.0.0"]}, {}, "does not offer 5.5.0"),
    ({"offered": ["5.5.0", "6.0.0"]}, {}, "does not offer 5.4.0"),
    ({"os": {"name": "debian", "version": "11"}}, {}, "debian 11 is not among"),
    ({"free_bytes": {"packages": 1_000_000, "copies": 1}}, {}, "1 MB are free, "),
    ({}, {"free_bytes": {"packages": 1, "copies": 70_000_000}}, "70 MB are free for copies of 70 MB"),
    ({}, on_disk(free_bytes=130_000_000), "130 MB are free where the databases lie, 70 MB are needed to go back"),
    ({}, on_disk(free_bytes=200_000_000, with_copies=True), "where the databases lie, 140 MB are needed"),
    ({}, {"databases": [{"name": "ready", "error": "no server"}]}, "birkeby-db: database ready: no server"),
    ({}, on_disk(version="13"),
     "database ready: postgresql 13 is not among"),
])
def test_why_nothing_can_be_installed(app: dict[str, Any], db: dict[str, Any], reason: str) -> None:
    plan = planned(app, db)
    assert any(reason in problem for problem in plan.problems), plan.problems
    assert not plan.nothing_to_do


def test_a_host_that_could_not_be_read_is_a_problem() -> None:
    plan = plan_of(profile("birkeby"), RELEASES, None, {"birkeby-app": facts("5.4.0")}, {"birkeby-db": "no route"},
                   "r", NOW)
    assert plan.problems == ("birkeby-db: the host could not be read: no route",)


def test_a_release_is_not_taken_back_by_an_installation() -> None:
    plan = planned(target="5.3.0")
    assert plan.problems and "newer than 5.3.0" in plan.problems[0]


def test_the_agreement_bounds_the_newest_release() -> None:
    installed = Version.parse("5.4.0")
    assert target_release(RELEASES, profile("aalund"), installed, None, NOW).version == Version.parse("6.0.0")
    assert target_release(RELEASES, profile("cedervig"), installed, None, NOW).version == Version.parse("5.5.0")


@pytest.mark.parametrize(("wanted", "why"), [("7.0.0", "there is no release"), ("6.0.1", "withdrawn")])
def test_only_published_releases_are_installed(wanted: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        target_release(RELEASES, profile("aalund"), None, Version.parse(wanted), NOW)


@pytest.mark.parametrize(("installed", "target", "step"), [
    ("5.4.0", "5.4.1", Step.PATCH), ("5.4.1", "5.5.0", Step.MINOR), ("5.4.0", "6.0.0", Step.MAJOR),
    ("6.0.0", "6.0.0", Step.PATCH)])
def test_the_step_is_the_customers(installed: str, target: str, step: Step) -> None:
    assert step_between(Version.parse(installed), Version.parse(target)) is step


def test_a_plan_comes_back_from_its_document_with_its_hash() -> None:
    plan = planned()
    assert plan_from(plan.document()).hash == plan.hash
    assert plan_from(plan.document()) == plan


@pytest.mark.parametrize(("other", "line"), [
    (planned(revision="s"), "the playbook or its roles changed"),
    (planned(target="5.5.0"), "the path changed from 5.5.0, 6.0.0 to 5.5.0"),
    (planned(installed="5.5.0"), "birkeby-app: was with READY 5.4.0, is with READY 5.5.0"),
    (planned({"wrong": ["failing"]}), "birkeby-app: was with READY 5.4.0, is with READY 5.4.0, failing")])
def test_what_changed_since_the_approval_is_named(other: ReleasePlan, line: str) -> None:
    assert line in differences(planned(), other)
    assert other.hash != planned().hash


def test_an_edited_release_file_is_another_plan() -> None:
    plan = planned()
    edited = replace(plan, hops=(replace(plan.hops[0], file="other"), *plan.hops[1:]))
    assert differences(plan, edited) == ("the release file of 5.5.0 changed",)
