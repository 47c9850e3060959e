"""A plan of an upgrade: what it says, what its hash covers, what changed since; how it stands by the ledger."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from opsctl.profiles.model import KamstrupProfile
from opsctl.upgrades import standing as words
from opsctl.upgrades.looking import arrived, as_before
from opsctl.upgrades.model import Platform, Target, UpgradePlan, differences, plan_from
from opsctl.upgrades.planning import plan_of
from opsctl.upgrades.releasing import written
from opsctl.upgrades.standing import standing
from opsctl.upgrades.way_back import all_run
from tests.unit.upgrades.conftest import source

NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
DEBIAN, POSTGRESQL = Target(Platform.DEBIAN, 13), Target(Platform.POSTGRESQL, 17)


def planned(profile: KamstrupProfile, facts: dict[str, Any], target: Target = DEBIAN, *, snapshots: bool = True,
            app: dict[str, Any] | None = None, **changed: Any) -> UpgradePlan:
    said = {"birkeby-db": {**facts, **changed}, "birkeby-app": {**facts, "clusters": [], **(app or {})}}
    return plan_of(profile, target, said, {}, "revision", NOW, snapshots=snapshots)


def test_a_release_for_all_hosts_and_postgresql_for_those_that_have_it(birkeby: KamstrupProfile,
                                                                       facts: dict[str, Any]) -> None:
    plan = planned(birkeby, facts)
    assert [(host.host, host.current, host.due) for host in plan.hosts] == [
        ("birkeby-db", "Debian 12", True), ("birkeby-app", "Debian 12", True)]
    assert "snapshots" in plan.way_back and not plan.problems and not plan.nothing_to_do
    clusters = planned(birkeby, facts, POSTGRESQL, app={"due": False})
    assert [host.host for host in clusters.due] == ["birkeby-db"]
    assert [asdict(one) for one in clusters.due[0].clusters] == [{"cluster": "main", "version": 15, "port": 5432}]
    assert "old cluster" in clusters.way_back


def test_without_a_way_back_there_is_no_plan(birkeby: KamstrupProfile, facts: dict[str, Any]) -> None:
    assert "no way back" in planned(birkeby, facts, snapshots=False).problems[0]
    assert not planned(birkeby, facts, POSTGRESQL, snapshots=False).problems
    there = planned(birkeby, facts, snapshots=False, due=False, app={"due": False})
    assert there.nothing_to_do, "where it is there already none is needed"


def test_a_host_that_said_nothing_is_a_problem(birkeby: KamstrupProfile, facts: dict[str, Any]) -> None:
    plan = plan_of(birkeby, DEBIAN, {"birkeby-db": facts}, {"birkeby-app": "no route"}, "r", NOW, snapshots=True)
    assert plan.problems == ("birkeby-app: the host could not be read: no route",)


def test_a_plan_file_comes_back_the_same(birkeby: KamstrupProfile, facts: dict[str, Any]) -> None:
    for target in (DEBIAN, POSTGRESQL):
        plan = planned(birkeby, facts, target)
        assert plan_from(json.loads(json.dumps(plan.document()))) == plan
        assert plan_from(json.loads(json.dumps(plan.document()))).hash == plan.hash


def test_counts_do_not_make_another_plan_but_sources_do(birkeby: KamstrupProfile, facts: dict[str, Any]) -> None:
    plan = planned(birkeby, facts)
    assert planned(birkeby, facts, next={**facts["next"], "packages": 9, "download": 1}).hash == plan.hash
    left = source("bookworm-x", "left", why="cannot be used: 404")
    other = planned(birkeby, facts, sources=[*facts["sources"], left])
    (line,) = differences(plan, other)
    assert line.startswith("birkeby-db: the sources changed from") and "bookworm-x left" in line
    assert other.hosts[0].left == ("http://apt.example bookworm-x is switched off: cannot be used: 404",)
    (line,) = differences(plan, planned(birkeby, facts, next={**facts["next"], "removed": ["nginx"]}))
    assert line == "birkeby-db: what is removed changed from libssl3 to nginx"
    assert differences(plan, plan) == ()
    other = planned(birkeby, facts, POSTGRESQL)
    assert "the target changed from Debian 13 to PostgreSQL 17" in differences(plan, other)


def stood(*entries: tuple[str, dict[str, Any]]) -> Any:
    return standing(SimpleNamespace(kind=kind, payload=payload) for kind, payload in entries)  # type: ignore[misc]


@pytest.mark.parametrize(("ended", "open_", "kept"), [
    (words.COMPLETED, False, 1), (words.TAKEN_BACK, False, 0), (words.REFUSED, False, 0), (words.STUCK, True, 0)])
def test_how_an_upgrade_ended(ended: str, open_: bool, kept: int) -> None:
    found = stood((words.STARTED, {}), (words.SECURED, {"rows": {}}), (ended, {}))
    assert (found.open is not None, len(found.kept)) == (open_, kept)
    assert (found.secured is not None) == open_


def test_what_ready_may_have_written_is_known_until_its_rows_are_counted_again() -> None:
    begun = ((words.STARTED, {}), (words.SECURED, {"rows": {}}))
    assert not stood(*begun).released
    found = stood(*begun, (words.RELEASED, {}), (words.STUCK, {}))
    assert found.released and found.open is not None and found.secured == {"rows": {}}
    assert not stood(*begun, (words.RELEASED, {}), (words.SECURED, {"rows": {}})).released
    for ended in (words.COMPLETED, words.TAKEN_BACK, words.REFUSED, words.STARTED):
        assert not stood(*begun, (words.RELEASED, {}), (ended, {})).released


def test_what_is_kept_is_let_go_by_finish_alone() -> None:
    both = [(words.STARTED, {}), (words.COMPLETED, {"n": 1}), (words.STARTED, {}), (words.COMPLETED, {"n": 2})]
    assert [one["n"] for one in stood(*both).kept] == [1, 2]
    assert stood(*both, (words.FINISHED, {})).kept == ()
    assert stood((words.STARTED, {}), (words.SECURED, {}), (words.STARTED, {})).secured is None


def test_after_a_move_nothing_of_the_hosts_of_before_is_open_or_kept() -> None:
    found = stood((words.STARTED, {}), (words.COMPLETED, {"n": 1}), (words.STARTED, {}), (words.SECURED, {}),
                  (words.RELEASED, {}), (words.MOVED, {}))
    assert (found.open, found.secured, found.kept, found.released) == (None, None, (), False)


def test_there_is_when_every_host_is_and_all_runs(facts: dict[str, Any]) -> None:
    there = {**facts, "due": False}
    assert arrived({"a": there, "b": there}, DEBIAN, ["a", "b"])
    assert not arrived({"a": there, "b": facts}, DEBIAN, ["a", "b"])
    assert not arrived({"a": there}, DEBIAN, ["a", "b"]) and not arrived({}, DEBIAN, [])
    assert not arrived({"a": {**there, "wrong": ["x"]}}, DEBIAN, ["a"])


def test_it_is_as_before_when_no_host_is_there_and_all_runs(facts: dict[str, Any]) -> None:
    assert as_before({"a": facts, "b": facts}, ["a", "b"]) and as_before({"a": facts, "b": facts}, ["a"])
    assert not as_before({"a": facts, "b": {**facts, "due": False}}, ["a", "b"])
    assert not as_before({"a": facts}, ["a", "b"]) and not as_before({}, [])
    assert not as_before({"a": facts, "b": {**facts, "wrong": ["x"]}}, ["a"])


def test_what_was_written_meanwhile_is_named() -> None:
    before = {"db": {"ready": {"public.meters": 3, "public.readings": 5}}}
    assert written(before, before) == ""
    after = {"db": {"ready": {"public.meters": 3, "public.readings": 7}}}
    assert written(before, after) == "ready: public.readings had 5 rows and has 7"
    more = {"db": {"ready": {**before["db"]["ready"], "public.alarms": 0}}}
    assert written(before, more) == "ready: public.alarms had no rows and has 0"
    assert written(more, {}).count("and has none") == 3, "what cannot be counted is not taken to be the same"


def test_rows_are_counted_only_where_the_clusters_run(facts: dict[str, Any], cluster: dict[str, Any]) -> None:
    start = {"clusters": {"db": [{"cluster": "main", "version": 15, "port": 5432}]}}
    assert all_run({"db": facts}, start) and all_run({}, {"clusters": {}})
    assert not all_run({"db": {**facts, "clusters": [{**cluster, "online": False}]}}, start) and not all_run({}, start)
