"""Going back never loses what READY wrote: two hosts that are only remembered stand for the real ones.

What each step does to real hosts is exercised in tests/lab/test_upgrades.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from opsctl.core.clock import SystemClock
from opsctl.core.errors import OperationFailed
from opsctl.core.outcome import Status
from opsctl.core.progress import Silent
from opsctl.ledger import open_ledger
from opsctl.profiles.model import KamstrupProfile
from opsctl.profiles.settings import Policy, Settings
from opsctl.runs.service import Run, begun, gate
from opsctl.runs.workplace import Workplace
from opsctl.upgrades import acting, evidence, service, way_back
from opsctl.upgrades.model import Platform, Target
from opsctl.upgrades.planning import plan_of

NAME = "sample-birkeby"
DB, APP = "birkeby-db", "birkeby-app"
DEBIAN, POSTGRESQL = Target(Platform.DEBIAN, 13), Target(Platform.POSTGRESQL, 17)
both = pytest.mark.parametrize("target", [DEBIAN, POSTGRESQL])


class Hosts:
    """Two hosts: what runs, what READY wrote, and what is asked of them."""

    def __init__(self, facts: Mapping[str, Any]) -> None:
        self.survey, self.rows, self.new, self.running, self.healthy = facts, 5, False, True, True
        self.silent: dict[str, str] = {}
        self.countable = self.revertible = True
        self.ill_on_new = False
        self.heals_after = 0
        """Looks until READY is healthy; 0 for never."""
        self.asked: list[str] = []
        self.kept: set[str] = set()
        self.broken_discard = ""
        self.writes = 0
        """Rows that READY writes as soon as it starts."""

    def counted(self) -> dict[str, Any]:
        return {DB: {"ready": {"public.readings": self.rows}}, APP: {}}

    def stop_ready(self, run: Run, profile: Any, *, count: bool = True) -> dict[str, Any]:
        self.asked.append("stop")
        self.running = False
        if not self.countable:
            raise OperationFailed("1 of 2 hosts failed", "look", (f"{DB}: psql did not end",))
        return self.counted() if count else {DB: {}, APP: {}}

    def start_ready(self, run: Run, profile: Any) -> None:
        self.asked.append("start")
        self.running = True
        self.rows += self.writes
        self.healthy = not self.new if self.ill_on_new else self.healthy
        if not self.healthy:
            raise OperationFailed("1 of 2 hosts failed", "look", (f"{APP}: not sound: 503",))

    def snapshots(self, run: Run, profile: Any, action: str, name: str, hosts: Sequence[str]) -> None:
        for host in hosts:
            self.asked.append(f"{action} {host}")
            if action == "take":
                self.kept.add(host)
            elif action == "discard" and host != self.broken_discard:
                self.kept.discard(host)
            elif action == "discard" or not self.revertible:
                raise OperationFailed(f"{host}: the snapshot program could not {action} {name}", "look")
            else:
                self.rows, self.new, self.running = 5, False, False

    def clusters_back(self, *_: Any) -> None:
        self.asked.append("clusters back")
        if not self.revertible:
            raise OperationFailed("1 of 2 hosts failed", "look")
        self.rows, self.new = 5, False

    def look(self, place: Workplace, profiles: Any, target: Target, *, wait_seconds: int = 0) -> Any:
        self.heals_after -= 1
        if self.heals_after == 0:
            self.healthy = True
        wrong = [] if self.running and self.healthy else ["/health answers 503"]
        facts = {DB: {**self.survey, "due": not self.new},
                 APP: {**self.survey, "clusters": [], "due": not self.new and target == DEBIAN, "wrong": wrong}}
        return {NAME: ({name: said for name, said in facts.items() if name not in self.silent}, self.silent)}

    def work(self, *_: Any) -> dict[str, Any]:
        self.new = True
        return {name: SimpleNamespace(ok=True, message="", data={}) for name in (DB, APP)}


class Time:
    """A second passes where one is waited."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def hosts(facts: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Hosts:
    made = Hosts(facts)
    for name in ("stop_ready", "start_ready", "snapshots", "clusters_back", "work"):
        monkeypatch.setattr(acting, name, getattr(made, name))
    monkeypatch.setattr(way_back, "look", made.look)
    monkeypatch.setattr(way_back, "stop_on_hosts", lambda *_: None)
    monkeypatch.setattr(way_back, "_wait", lambda *_: None)
    monkeypatch.setattr(way_back, "time", Time())
    return made


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Workplace]:
    ledger = open_ledger(f"sqlite:///{tmp_path}/ledger.db", SystemClock())
    yield Workplace(Settings(policy=Policy(healthy_seconds=5)), ledger, SystemClock(), Silent(), "tests",
                    tmp_path / "runs", tmp_path / "drafts")
    ledger.close()


@contextmanager
def a_run(place: Workplace, profile: KamstrupProfile) -> Iterator[Run]:
    decision = gate(profile, way_back.REQUEST, place.clock.now())
    with begun(place, NAME, way_back.REQUEST, "upgrade apply", decision) as run:
        yield run


def planned(profile: KamstrupProfile, facts: Mapping[str, Any], target: Target) -> Any:
    said = {DB: facts, APP: {**facts, "clusters": [], "due": target == DEBIAN}}
    return plan_of(profile, target, said, {}, "r", SystemClock().now(), snapshots=True)


def died_released(place: Workplace, profile: KamstrupProfile, hosts: Hosts, target: Target, *, wrote: int) -> None:
    """The control machine died after READY was started on the new platform, where it wrote and fell ill."""
    with a_run(place, profile) as run:
        start = evidence.started(run, planned(profile, hosts.survey, target), "")
        evidence.secured(run, start, hosts.counted())
        evidence.released(run, start)
    hosts.new, hosts.healthy, hosts.rows = True, False, 5 + wrote


def back(place: Workplace, profile: KamstrupProfile) -> str:
    with a_run(place, profile) as run:
        return way_back.take_back(run, profile, way_back.stand(place, NAME), "it died")


def kinds(place: Workplace) -> list[str]:
    return [entry.kind.removeprefix("upgrade.") for entry in place.ledger.entries(NAME)
            if entry.kind.startswith("upgrade.") and entry.kind != "upgrade.applied"]


def reverted(hosts: Hosts) -> bool:
    return any(one.startswith(("revert", "clusters back")) for one in hosts.asked)


@both
def test_what_ready_wrote_is_not_gone_back_over(target: Target, place: Workplace, birkeby: KamstrupProfile,
                                                hosts: Hosts) -> None:
    died_released(place, birkeby, hosts, target, wrote=2)
    with pytest.raises(OperationFailed, match="could NOT be taken back") as stuck:
        back(place, birkeby)
    assert hosts.rows == 7 and not reverted(hosts) and hosts.running, "READY is left as it was found"
    assert kinds(place)[-1] == "stuck" and way_back.stand(place, NAME).released
    assert any("public.readings had 5 rows and has 7" in line for line in stuck.value.details)
    assert "make READY healthy where it is" in stuck.value.resolution
    hosts.healthy = True
    assert back(place, birkeby) == f"{target} is there and READY is healthy" and kinds(place)[-1] == "completed"


@both
def test_a_host_that_says_nothing_keeps_what_ready_may_have_written(target: Target, place: Workplace,
                                                                    birkeby: KamstrupProfile, hosts: Hosts) -> None:
    died_released(place, birkeby, hosts, target, wrote=0)
    hosts.silent = {APP: "no route"}
    with pytest.raises(OperationFailed) as stuck:
        back(place, birkeby)
    assert hosts.asked == [] and kinds(place)[-1] == "stuck"
    assert f"{APP} could not be read: no route" in stuck.value.details


@both
def test_rows_that_cannot_be_counted_are_not_gone_back_over(target: Target, place: Workplace,
                                                            birkeby: KamstrupProfile, hosts: Hosts) -> None:
    died_released(place, birkeby, hosts, target, wrote=0)
    hosts.countable = False
    with pytest.raises(OperationFailed) as stuck:
        back(place, birkeby)
    assert not reverted(hosts) and hosts.running and kinds(place)[-1] == "stuck"
    assert any("psql did not end" in line for line in stuck.value.details)


@both
def test_the_same_rows_are_gone_back_from(target: Target, place: Workplace, birkeby: KamstrupProfile,
                                          hosts: Hosts) -> None:
    died_released(place, birkeby, hosts, target, wrote=0)
    hosts.kept = {DB, APP} if target == DEBIAN else set()
    hosts.ill_on_new = True
    assert "was taken back, READY is healthy" in back(place, birkeby)
    assert reverted(hosts) and hosts.asked[0] == "stop" and not hosts.new and hosts.running and not hosts.kept
    assert kinds(place) == ["started", "secured", "released", "secured", "released", "taken_back"]


def test_ready_gets_its_time_to_become_healthy(place: Workplace, birkeby: KamstrupProfile, hosts: Hosts) -> None:
    died_released(place, birkeby, hosts, DEBIAN, wrote=2)
    hosts.heals_after = 3
    assert back(place, birkeby) == "Debian 13 is there and READY is healthy"
    assert hosts.asked == [] and hosts.rows == 7 and kinds(place)[-1] == "completed"


def test_while_ready_is_stopped_nothing_is_waited_for(place: Workplace, birkeby: KamstrupProfile, hosts: Hosts) -> None:
    with a_run(place, birkeby) as run:
        evidence.secured(run, evidence.started(run, planned(birkeby, hosts.survey, DEBIAN), ""), hosts.counted())
    hosts.new, hosts.running = True, False
    hosts.silent = {APP: "it reboots"}
    assert "was taken back" in back(place, birkeby) and reverted(hosts)
    assert way_back.time.monotonic() == 0


def test_a_way_back_that_breaks_off_is_tried_again_without_counting(place: Workplace, birkeby: KamstrupProfile,
                                                                    hosts: Hosts) -> None:
    died_released(place, birkeby, hosts, DEBIAN, wrote=0)
    hosts.revertible = False
    with pytest.raises(OperationFailed, match="could NOT be taken back"):
        back(place, birkeby)
    assert not way_back.stand(place, NAME).released and not hosts.running
    hosts.revertible = hosts.healthy = True
    hosts.silent = {DB: "it is half reverted"}
    assert "was taken back" in back(place, birkeby) and hosts.running


@both
def test_what_ready_wrote_after_it_went_back_is_kept_too(target: Target, place: Workplace, birkeby: KamstrupProfile,
                                                         hosts: Hosts) -> None:
    died_released(place, birkeby, hosts, target, wrote=0)
    hosts.writes = 4
    with pytest.raises(OperationFailed):
        back(place, birkeby)
    assert (hosts.new, hosts.rows, kinds(place)[-1]) == (False, 9, "stuck"), "it is back, and not healthy yet"
    hosts.asked.clear()
    with pytest.raises(OperationFailed):
        back(place, birkeby)
    assert not reverted(hosts) and hosts.rows == 13
    hosts.healthy = True
    assert "was taken back" in back(place, birkeby)
    assert not reverted(hosts) and hosts.rows == 13 and kinds(place)[-1] == "taken_back"


@both
def test_what_people_took_back_by_hand_is_not_reverted_again(target: Target, place: Workplace,
                                                             birkeby: KamstrupProfile, hosts: Hosts) -> None:
    with a_run(place, birkeby) as run:
        evidence.secured(run, evidence.started(run, planned(birkeby, hosts.survey, target), ""), hosts.counted())
    hosts.rows = 8
    assert "was taken back" in back(place, birkeby)
    assert hosts.rows == 8 and hosts.running and not reverted(hosts) and kinds(place)[-1] == "taken_back"


def test_snapshots_taken_before_the_way_back_was_there_are_discarded(place: Workplace, birkeby: KamstrupProfile,
                                                                     hosts: Hosts) -> None:
    with a_run(place, birkeby) as run:
        evidence.started(run, planned(birkeby, hosts.survey, DEBIAN), "")
    hosts.running, hosts.kept, hosts.countable, hosts.broken_discard = False, {DB, APP}, False, DB
    assert "was taken back" in back(place, birkeby)
    assert hosts.running and not reverted(hosts) and "stop" not in hosts.asked, "nothing is counted only to start"
    assert hosts.kept == {DB}, "one that cannot be discarded does not keep the others"


def worked(place: Workplace, profile: KamstrupProfile, hosts: Hosts, target: Target) -> Any:
    with a_run(place, profile) as run:
        return service._work(run, profile, planned(profile, hosts.survey, target), "", ())


@both
def test_ready_that_wrote_and_missed_its_time_stays_within_the_run_too(target: Target, place: Workplace,
                                                                       birkeby: KamstrupProfile, hosts: Hosts) -> None:
    hosts.healthy, hosts.writes = False, 1
    with pytest.raises(OperationFailed, match="could NOT be taken back"):
        worked(place, birkeby, hosts, target)
    assert hosts.new and hosts.rows > 5 and not reverted(hosts)
    assert kinds(place) == ["started", "secured", "released", "stuck"]


@both
def test_ready_is_not_released_on_other_rows(target: Target, place: Workplace, birkeby: KamstrupProfile, hosts: Hosts,
                                             monkeypatch: pytest.MonkeyPatch) -> None:
    def loses(*_: Any) -> dict[str, Any]:
        hosts.rows = 3
        return hosts.work()

    monkeypatch.setattr(acting, "work", loses)
    with pytest.raises(OperationFailed, match="was taken back, READY is healthy") as failed:
        worked(place, birkeby, hosts, target)
    assert "had 5 rows and has 3" in failed.value.details[0]
    assert hosts.rows == 5 and hosts.asked.count("start") == 1, "it never ran on the new platform"
    assert kinds(place) == ["started", "secured", "released", "taken_back"]


@both
def test_all_well(target: Target, place: Workplace, birkeby: KamstrupProfile, hosts: Hosts) -> None:
    assert worked(place, birkeby, hosts, target).status is Status.DONE
    assert kinds(place) == ["started", "secured", "released", "completed"]
    assert hosts.kept == ({DB, APP} if target == DEBIAN else set())
