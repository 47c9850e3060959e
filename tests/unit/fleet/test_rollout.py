"""A change for many: rings in order, a budget of failures over all, and what a resumption has left to do."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsctl.core.clock import SystemClock
from opsctl.core.errors import ConfigurationError, ExitCode, OperationFailed, OutsideWindow, UsageError
from opsctl.core.outcome import Outcome, Status
from opsctl.core.progress import Silent
from opsctl.fleet.rollout import begin, in_rings, left, roll_out, take_up
from opsctl.fleet.runlog import runs
from opsctl.ledger import open_ledger
from opsctl.profiles.loader import load_profile
from opsctl.profiles.model import Profile
from opsctl.profiles.settings import Settings
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


def acting(done: list[str], **ends: Exception) -> Callable[[Profile], Outcome]:
    def act(profile: Profile) -> Outcome:
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


def test_a_closed_window_is_left_for_later_and_costs_nothing(place: Workplace) -> None:
    done: list[str] = []
    run, found = rolled(place, fleet(a="canary", b="general"), 0, acting(done, a=OutsideWindow("closed")))
    assert done == ["a", "b"]
    assert found["a"].code is ExitCode.OUTSIDE_WINDOW
    assert take_up(place, run)[1] == ("a",)


def test_after_a_kill_the_one_at_work_and_the_untouched_are_left(place: Workplace) -> None:
    profiles = fleet(a="general", b="general", c="general")
    rollout = begin(place, "patch apply", "x", {}, profiles, 1)

    def killed(profile: Profile) -> Outcome:
        if profile.customer == "b":
            raise KeyboardInterrupt  # as far as the ledger sees, the process ends here
        return Outcome(profile.customer, "x", Status.DONE, "done")

    with pytest.raises(KeyboardInterrupt):
        roll_out(place, rollout, profiles, killed)
    assert take_up(place, rollout.id)[1] == ("b", "c")
    assert runs(place.ledger, None, 5)[0].status == "not ended"


def test_a_ring_without_a_place_and_an_unknown_run(place: Workplace) -> None:
    with pytest.raises(ConfigurationError, match="its ring late is not ordered"):
        in_rings(fleet(a="late"), ["canary", "general"])
    with pytest.raises(UsageError, match="no rollout"):
        take_up(place, "nothing")


@given(st.lists(st.sampled_from("abcdef"), unique=True),
       st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from([0, 1, 5, 7, 75]))))
def test_left_are_exactly_those_without_a_good_newest_end(order: list[str], ends: list[tuple[str, int]]) -> None:
    found = left(order, ({"customer": name, "exit_code": code} for name, code in ends))
    newest = dict(ends)
    assert list(found) == [name for name in order if newest.get(name) != 0]
