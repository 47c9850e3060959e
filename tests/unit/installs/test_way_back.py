"""What READY's state on all hosts means for an installation that was broken off: nothing it wrote is lost."""

from pathlib import Path
from typing import Any

import pytest

from opsctl.core.errors import OperationFailed
from opsctl.installs import looking
from opsctl.installs.planning import plan_of
from opsctl.installs.seen import Way, begun, runs_well, way_back
from tests.unit.backup.made import bench
from tests.unit.installs.test_release_plan import NOW, RELEASES, facts, profile

STARTED = {"from": "5.4.0", "from_package": "5.4.0", "to": "5.5.0", "package": "5.5.0", "copies": True,
           "reversible": True}
COPY = {"name": "ready", "version": "5.4.0", "restored": False}
@pytest.mark.parametrize(("changed", "well"), [
    ({}, True), ({"version": "5.4.0"}, False), ({"wrong": ["x"]}, False), ({"installed": "5.4.0"}, False),
    ({"interrupted": ["x"]}, False)])
def test_ready_runs_well_only_when_everything_says_so(changed: dict[str, Any], well: bool) -> None:
    said = {"birkeby-app": facts("5.5.0", **changed), "birkeby-db": facts()}
    assert runs_well(profile("birkeby"), said, "5.5.0", "5.5.0") is well
    assert not runs_well(profile("birkeby"), {"birkeby-db": facts()}, "5.5.0", "5.5.0")


def test_where_ready_runs_nowhere_nothing_is_proven() -> None:
    nowhere = profile("birkeby")
    nowhere = nowhere.model_copy(update={"hosts": tuple(host for host in nowhere.hosts if host.name == "birkeby-db")})
    said = {"birkeby-db": facts(count=1)}
    assert not runs_well(nowhere, said, "5.5.0", "5.5.0") and not begun(nowhere, said, "5.5.0")
    plan = plan_of(nowhere, RELEASES, None, said, {}, "r", NOW)
    assert "READY runs nowhere" in plan.problems[0] and not plan.nothing_to_do


ILL = {"wrong": ["its health page answers 503: too many clients"]}


@pytest.mark.parametrize(("answers", "well", "looks"), [
    ([facts("5.5.0")], True, 1),
    ([facts("5.5.0", **ILL), facts("5.5.0")], True, 2),
    ([facts("5.4.0", **ILL)], False, 1),
    ([facts("5.5.0", interrupted=["half"], **ILL)], False, 1)], ids=["well", "well in time", "not yet new", "half new"])
def test_one_page_that_fails_takes_nothing_back(answers: list[dict[str, Any]], well: bool, looks: int, tmp_path: Path,
                                                monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []

    def look(*_: Any) -> Any:
        seen.append(1)
        return {"sample-birkeby": ({"birkeby-db": facts(), "birkeby-app": answers[len(seen) - 1]}, {})}

    monkeypatch.setattr(looking, "look", look)
    monkeypatch.setattr(looking, "PAUSE_SECONDS", 0)
    found = looking.settled(bench(tmp_path).workplace, profile("birkeby"), "5.5.0", "5.5.0")
    assert runs_well(profile("birkeby"), found, "5.5.0", "5.5.0") is well
    assert len(seen) == looks


def test_of_a_host_that_says_nothing_nothing_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "look", lambda *_: {"sample-birkeby": (
        {"birkeby-app": facts("5.5.0")}, {"birkeby-db": "no route"})})
    monkeypatch.setattr(looking, "SILENT_SECONDS", 0)
    with pytest.raises(OperationFailed, match="nothing was taken back"):
        looking.heard(bench(tmp_path).workplace, profile("birkeby"))


def test_a_link_that_is_cut_for_a_moment_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([({}, {"birkeby-app": "no route", "birkeby-db": "no route"}), ({"birkeby-app": {}}, {})])
    monkeypatch.setattr(looking, "look", lambda *_: {"sample-birkeby": next(answers)})
    monkeypatch.setattr(looking, "PAUSE_SECONDS", 0)
    assert looking.heard(bench(tmp_path).workplace, profile("birkeby")) == {"birkeby-app": {}}


def back(app: dict[str, Any], left: list[dict[str, Any]], **started: Any) -> Way:
    said = {"birkeby-app": app, "birkeby-db": facts(count=1, copies=left)}
    return way_back(profile("birkeby"), said, {**STARTED, **started})


@pytest.mark.parametrize("app", [facts("5.5.0", **ILL), facts("", **ILL), facts("5.4.0", interrupted=["half"], **ILL)],
                         ids=["new and ill", "not whole", "half"])
def test_where_a_host_has_another_package_the_copy_is_put_back(app: dict[str, Any]) -> None:
    assert back(app, [COPY]) == Way(restore=True)
    assert back(app, [{**COPY, "restored": True}]) == Way(restore=True), "the host itself knows that it was"
    assert back(app, []).obstacle == "there is no copy of birkeby-db: ready to go back to"
    assert back(app, [{**COPY, "version": "5.3.0"}]).obstacle, "of an earlier installation"
    assert back(app, [COPY], reversible=False).obstacle == "its release offers no way back"
    assert back(app, [], copies=False) == Way()


def test_until_then_the_databases_are_not_touched() -> None:
    """READY was stopped, or went on in the release before: its databases hold more than their copies."""
    stopped = facts("5.4.0", **ILL)
    assert back(stopped, [COPY]) == back(stopped, []) == back(stopped, [COPY], reversible=False) == Way()


def test_ready_that_is_healthy_in_the_release_before_is_left_alone() -> None:
    assert back(facts("5.4.0"), [COPY]) == Way(running=True)
    assert back(facts("5.4.0"), [{**COPY, "restored": True}]) == Way(running=True)


def test_one_of_two_hosts_in_the_new_release_has_begun() -> None:
    two = profile("birkeby")
    app = next(host for host in two.hosts if host.name == "birkeby-app")
    two = two.model_copy(update={"hosts": (*two.hosts, app.model_copy(update={"name": "second"}))})
    said = {"birkeby-app": facts("5.5.0"), "second": facts("5.4.0"), "birkeby-db": facts(count=1, copies=[COPY])}
    assert begun(two, said, "5.5.0") and way_back(two, said, STARTED) == Way(restore=True)
