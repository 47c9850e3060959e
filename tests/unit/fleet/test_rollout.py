"""A change for many: rings in order, a budget of failures over all, and what a resumption has left to do."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsctl.core.clock import SystemClock
from opsctl.core.errors import ConfigurationError, ExitCode, NotCovered, OperationFailed, OutsideWindow, UsageError
from opsctl.core.outcome import Outcome, Status
from opsctl.core.progress import Silent
from opsctl.fleet.rollout import begin, left, roll_out, take_up
from opsctl.fleet.runlog import runs
from opsctl.fleet.turns import Act
from opsctl.ledger import open_ledger
from opsctl.profiles.loader import load_profile
from opsctl.profiles.model import Profile
from opsctl.profiles.settings import Policy, Settings
from opsctl.runs.workplace import Workplace

INVENTORIES = Path(__file__).resolve().parents[3] / "inventories"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Workplace]:
    ledger = open_ledger(f"sqlite:///{tmp_path}/ledger.db", SystemClock())
    yield Workplace(Settings(), ledger, SystemClock(), Silent(), "tests", tmp_path / "runs", tmp_path / "drafts")
    ledger.close()


def fleet(**rings: str) -> list[Profile]:
    """One profile per name, with its ring."""
    sample = load_profile(INVENTORIES, "sample-aalund")
    return [sample.model_copy(update={"customer": name, "ring": ring}) for name, ring in rings.items()]


def acting(done: list[str], **ends: Exception) -> Act:
    def act(place: Workplace, profile: Profile) -> Outcome:
        done.append(profile.customer)
        if profile.customer in ends:
            raise ends[profile.customer]
        return Outcome(profile.customer, "x", Status.DONE, "done")
    return act


def rolled(place: Workplace, profiles: list[Profile], budget: int, act: Any) -> tuple[str, dict[str, Outcome]]:
    rollout = begin(place, "patch apply", "x", {"reboot": True}, profiles, budget)
    return rollout.id, {outcome.customer: outcome for outcome in roll_out(place, rollout, profiles, act)}


BAD = OperationFailed("no", "do")


def test_the_canary_comes_first_and_its_failure_spares_the_others(place: Workplace) -> None:
    done: list[str] = []
    run, found = rolled(place, fleet(b="general", a="canary", c="general"), 5, acting(done, a=BAD))
    assert done == ["a"]
    assert {found[name].code for name in "bc"} == {ExitCode.PARTIAL}
    assert "a failed in an earlier ring" in found["b"].summary
    assert [one.status for one in runs(place.ledger, None, 5)] == ["failed"]
    assert take_up(place, run)[1] == ("a", "b", "c")


def test_one_failure_is_passed_and_the_budget_holds_over_the_whole_run(place: Workplace) -> None:
    done: list[str] = []
    profiles = fleet(a="general", b="general", c="general", d="general")
    run, found = rolled(place, profiles, 1, acting(done, a=BAD, c=BAD))
    assert done == ["a", "b", "c"]
    assert "2 failed, 1 may" in found["d"].summary
    known, names = take_up(place, run)
    assert (names, known.options, known.operation) == (("a", "c", "d"), {"reboot": True}, "patch apply")
    again: list[str] = []
    roll_out(place, known, [one for one in profiles if one.customer in names], acting(again), resumed=True)
    assert again == ["a", "c", "d"]
    assert take_up(place, run)[1] == ()


CLOSED = OutsideWindow("closed")


def test_a_closed_window_is_left_for_later_and_costs_nothing(place: Workplace) -> None:
    done: list[str] = []
    run, found = rolled(place, fleet(a="canary", b="canary", c="general"), 0, acting(done, a=CLOSED))
    assert done == ["a", "b", "c"], "b has proven it"
    assert found["a"].code is ExitCode.OUTSIDE_WINDOW
    assert take_up(place, run)[1] == ("a",)


def test_a_ring_waits_until_one_of_the_ring_before_has_proven_the_change(place: Workplace) -> None:
    done: list[str] = []
    profiles = fleet(a="canary", b="general", c="general")
    run, found = rolled(place, profiles, 0, acting(done, a=CLOSED))
    assert done == ["a"]
    assert found["b"].code is ExitCode.PARTIAL
    assert "no customer of the ring canary has it yet (a)" in found["b"].summary
    known, names = take_up(place, run)
    assert names == ("a", "b", "c")
    again: list[str] = []
    roll_out(place, known, profiles, acting(again), resumed=True)
    assert again == ["a", "b", "c"]


def test_what_a_ring_has_proven_counts_for_a_resumption(place: Workplace) -> None:
    done: list[str] = []
    profiles = fleet(a="canary", b="canary", c="general", d="general")
    run, _ = rolled(place, profiles, 0, acting(done, a=CLOSED, c=CLOSED))
    known, names = take_up(place, run)
    assert names == ("a", "c")
    again: list[str] = []
    roll_out(place, known, [one for one in profiles if one.customer in names], acting(again, a=CLOSED), resumed=True)
    assert again == ["a", "c"], "b proved it the first time"


def test_whom_the_contract_leaves_out_proves_nothing(place: Workplace) -> None:
    done: list[str] = []
    profiles = fleet(a="canary", b="canary", c="general")
    run, _ = rolled(place, profiles, 0, acting(done, a=CLOSED, b=NotCovered("b", "")))
    known, names = take_up(place, run)
    assert names == ("a", "c")
    roll_out(place, known, [profiles[0], profiles[2]], acting(done, a=CLOSED), resumed=True)
    assert done == ["a", "b", "a"]


def test_a_ring_that_the_contract_leaves_out_holds_nobody_back(place: Workplace) -> None:
    done: list[str] = []
    profiles = fleet(a="canary", b="general")
    run, _ = rolled(place, profiles, 0, acting(done, a=NotCovered("a", ""), b=CLOSED))
    assert done == ["a", "b"]
    known, names = take_up(place, run)
    assert names == ("b",)
    roll_out(place, known, [profiles[1]], acting(done), resumed=True)
    assert done == ["a", "b", "b"]


def beside_broken(place: Workplace, profiles: list[Profile], act: Act, *broken: str) -> tuple[str, dict[str, Outcome]]:
    rollout = begin(place, "patch apply", "x", {}, profiles, 0, broken=broken)
    return rollout.id, {outcome.customer: outcome for outcome in roll_out(place, rollout, profiles, act)}


def test_a_profile_that_is_not_valid_may_be_the_only_canary(place: Workplace) -> None:
    done: list[str] = []
    own = load_profile(INVENTORIES, "sample-dalmose")
    _, found = beside_broken(place, [*fleet(b="general"), own], acting(done), "a")
    assert done == []
    assert found["b"].code is ExitCode.PARTIAL
    assert "nobody of the ring canary has it yet, and the profile of a is not valid" in found["b"].summary
    beside_broken(place, fleet(b="general", c="canary"), acting(done), "a")
    assert done == ["c", "b"], "c has proven it"
    beside_broken(place, [own], acting(done), "a")
    assert done == ["c", "b", own.customer], "who hosts itself waits for no ring"


def test_a_ring_of_whom_the_contract_leaves_out_proves_nothing_beside_a_profile_that_is_not_valid(
        place: Workplace) -> None:
    done: list[str] = []
    _, found = beside_broken(place, fleet(c="canary", b="general"), acting(done, c=NotCovered("c", "")), "a")
    assert done == ["c"] and "the profile of a is not valid" in found["b"].summary


def test_a_resumption_keeps_waiting_for_a_profile_that_is_not_valid_and_takes_it_in_once_it_is(
        place: Workplace) -> None:
    done: list[str] = []
    profiles = fleet(b="general", d="general")
    run, _ = beside_broken(place, profiles, acting(done), "a")
    known, names = take_up(place, run, profiles, ["a"])
    assert (names, known.broken) == (("b", "d"), ("a",))
    roll_out(place, known, profiles, acting(done), resumed=True)
    assert done == []
    whole = [*profiles, *fleet(a="canary")]
    for failing in ({"a": CLOSED}, {}):
        known, names = take_up(place, run, whole)
        assert (names, known.order, known.broken) == (("a", "b", "d"), ("a", "b", "d"), ())
        roll_out(place, known, whole, acting(done, **failing), resumed=True)
    assert done == ["a", "a", "b", "d"]
    assert take_up(place, run, whole)[1] == ()


def test_a_resumption_forgets_a_profile_that_is_gone(place: Workplace) -> None:
    done: list[str] = []
    profiles = fleet(b="general")
    run, _ = beside_broken(place, profiles, acting(done), "a")
    known, _ = take_up(place, run, profiles)
    roll_out(place, known, profiles, acting(done), resumed=True)
    assert done == ["b"]


@given(ends=st.lists(st.tuples(st.sampled_from(["canary", "early", "general"]),
                               st.sampled_from(["done", "closed", "uncovered", "failed"])), min_size=1, max_size=7),
       batch=st.integers(1, 3))
def test_no_ring_begins_before_the_one_before_it_has_proven_the_change(
        tmp_path_factory: pytest.TempPathFactory, ends: list[tuple[str, str]], batch: int) -> None:
    raised = {"closed": CLOSED, "uncovered": NotCovered("x", ""), "failed": BAD}
    ledger = open_ledger(f"sqlite:///{tmp_path_factory.mktemp('rings')}/ledger.db", SystemClock())
    folder = tmp_path_factory.mktemp("runs")
    rings = ("canary", "early", "general")
    place = Workplace(Settings(policy=Policy(rings=rings)), ledger, SystemClock(), Silent(), "tests", folder, folder)
    by = {f"c{number}": end for number, end in enumerate(ends)}
    profiles = fleet(**{name: ring for name, (ring, _) in by.items()})
    done: list[str] = []
    rollout = begin(place, "patch apply", "x", {}, profiles, len(ends), batch)
    roll_out(place, rollout, profiles, acting(done, **{name: raised[how] for name, (_, how) in by.items()
                                                       if how in raised}))
    ledger.close()
    for ring, before in zip(rings[1:], rings, strict=False):
        if any(by[name][0] == ring for name in done):
            earlier = {how for found, how in by.values() if rings.index(found) <= rings.index(before)}
            of_before = {how for found, how in by.values() if found == before}
            assert "failed" not in earlier
            assert "done" in of_before or of_before <= {"uncovered"}


def test_after_a_kill_the_one_at_work_and_the_untouched_are_left(place: Workplace) -> None:
    profiles = fleet(a="general", b="general", c="general")
    rollout = begin(place, "patch apply", "x", {}, profiles, 1)

    class Killed(BaseException):
        """As far as the ledger sees, the process ends here."""

    def killed(place: Workplace, profile: Profile) -> Outcome:
        if profile.customer == "b":
            raise Killed
        return Outcome(profile.customer, "x", Status.DONE, "done")

    with pytest.raises(Killed):
        roll_out(place, rollout, profiles, killed)
    assert take_up(place, rollout.id)[1] == ("b", "c")


def test_so_many_at_once_and_the_next_ring_only_when_the_former_has_ended(place: Workplace) -> None:
    profiles = fleet(a="canary", b="canary", c="general", d="general", e="general", f="general")
    rollout = begin(place, "patch apply", "x", {}, profiles, 0, 3)
    lock, at_work, most = threading.Lock(), set[str](), list[set[str]]()

    def act(_: Workplace, profile: Profile) -> Outcome:
        with lock:
            at_work.add(profile.customer)
            most.append(set(at_work))
        time.sleep(0.05)
        with lock:
            at_work.discard(profile.customer)
        return Outcome(profile.customer, "x", Status.DONE, "done")

    found = roll_out(place, rollout, profiles, act)
    assert [one.customer for one in found] == list("abcdef")
    assert max(len(one) for one in most) == 3
    assert not [one for one in most if one & set("ab") and one & set("cdef")]


def test_with_many_at_once_the_budget_is_passed_by_those_at_work_alone(place: Workplace) -> None:
    profiles = fleet(**dict.fromkeys("abcdefgh", "general"))
    rollout = begin(place, "patch apply", "x", {}, profiles, 1, 2)
    done: list[str] = []
    found = roll_out(place, rollout, profiles, acting(done, **dict.fromkeys("abcdefgh", BAD)))
    failed = [one for one in found if one.code is ExitCode.FAILED]
    assert 2 <= len(failed) <= 3, "one may have been at work when the second failed"
    assert [one.customer for one in found if one.status is Status.SKIPPED] == list("abcdefgh")[len(failed):]
    assert set(take_up(place, rollout.id)[1]) == set("abcdefgh")


def test_ctrl_c_ends_all_that_is_at_work_begins_no_other_and_all_is_recorded(place: Workplace) -> None:
    profiles = fleet(**dict.fromkeys("abcd", "general"))
    rollout = begin(place, "patch apply", "x", {}, profiles, 0, 2)
    backs: list[str] = []

    def act(where: Workplace, profile: Profile) -> Outcome:
        if profile.customer == "a":
            return Outcome("a", "x", Status.DONE, "done")
        try:
            if profile.customer == "c":
                os.kill(os.getpid(), signal.SIGINT)
            for _ in range(500):
                time.sleep(0.01)
                where.progress.say(profile.customer, "still at it")
        except KeyboardInterrupt:
            where.progress.say(profile.customer, "the way back is not interrupted")
            assert not where.ending.wanted
            backs.append(profile.customer)
            raise
        raise AssertionError("it was not ended")

    with pytest.raises(KeyboardInterrupt):
        roll_out(place, rollout, profiles, act)
    assert sorted(backs) == ["b", "c"]
    assert take_up(place, rollout.id)[1] == ("b", "c", "d")
    assert runs(place.ledger, None, 5)[0].status == "interrupted"


@pytest.mark.parametrize("batch", [1, 3])
def test_a_kill_of_the_process_leaves_exactly_what_had_no_good_end(tmp_path: Path, batch: int) -> None:
    """A real process, killed by itself in the third turn."""
    script = """
import os, signal, sys, time
from pathlib import Path
from tests.unit.fleet.test_rollout import *
folder = Path(sys.argv[1])
place = Workplace(Settings(), open_ledger(f"sqlite:///{folder}/ledger.db", SystemClock()), SystemClock(), Silent(),
                  "tests", folder / "runs", folder / "drafts")
profiles = fleet(a="canary", b="general", c="general", d="general", e="general")
rollout = begin(place, "patch apply", "x", {}, profiles, 0, int(sys.argv[2]))
print(rollout.id, flush=True)
def act(where, profile):
    if profile.customer == "c":
        time.sleep(0.4)
        os.kill(os.getpid(), signal.SIGKILL)
    if profile.customer == "d":
        time.sleep(30)
    return Outcome(profile.customer, "x", Status.DONE, "done")
roll_out(place, rollout, profiles, act)
"""
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path), str(batch)], cwd=INVENTORIES.parent, text=True,
                          capture_output=True, check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL, done.stderr
    ledger = open_ledger(f"sqlite:///{tmp_path}/ledger.db", SystemClock())
    place = Workplace(Settings(), ledger, SystemClock(), Silent(), "tests", tmp_path / "runs", tmp_path / "drafts")
    rollout, names = take_up(place, done.stdout.strip())
    assert (names, rollout.batch) == (("c", "d", "e") if batch == 1 else ("c", "d"), batch)
    assert runs(ledger, None, 5)[0].status == "not ended"
    again: list[str] = []
    profiles = [one for one in fleet(a="canary", b="general", c="general", d="general", e="general")
                if one.customer in names]
    roll_out(place, rollout, profiles, acting(again), resumed=True)
    assert tuple(sorted(again)) == names
    assert take_up(place, rollout.id)[1] == ()
    ledger.close()


def test_a_ring_without_a_place_and_an_unknown_run(place: Workplace) -> None:
    with pytest.raises(ConfigurationError, match="its ring late is not ordered"):
        begin(place, "patch apply", "it-system-maintenance", {}, fleet(a="late"), 1)
    with pytest.raises(UsageError, match="no rollout"):
        take_up(place, "nothing")


@given(st.lists(st.sampled_from("abcdef"), unique=True),
       st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from([0, 1, 5, 7, 75]))))
def test_left_are_exactly_those_without_a_good_newest_end(order: list[str], ends: list[tuple[str, int]]) -> None:
    found = left(order, ({"customer": name, "exit_code": code} for name, code in ends))
    newest = dict(ends)
    assert list(found) == [name for name in order if newest.get(name) != 0]
