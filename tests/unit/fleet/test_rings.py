"""Rings in the nightly run: who goes first, and what a later ring waits for. No host is asked."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsctl.contract.services import Service
from opsctl.core.clock import FixedClock, local_day
from opsctl.core.errors import ConfigurationError, ExitCode
from opsctl.core.outcome import Outcome, Status
from opsctl.fleet.hosted_night import Rooms
from opsctl.fleet.install_due import install_due
from opsctl.fleet.nightly import nightly
from opsctl.fleet.rings import Rings, in_rings
from opsctl.profiles.loader import load_profile
from opsctl.profiles.model import KamstrupProfile
from opsctl.profiles.settings import Settings
from opsctl.releases.catalogue import Catalogue, load
from opsctl.runs.workplace import Workplace
from tests.unit.workplaces import opened

ROOT = Path(__file__).resolve().parents[3]
RELEASES = load(ROOT / "releases")
NONE = Catalogue({}, {})
START = datetime(2026, 11, 24, 1, tzinfo=UTC)
SAMPLE = load_profile(ROOT / "inventories", "sample-aalund")


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(START)


@pytest.fixture
def place(tmp_path: Path, clock: FixedClock) -> Iterator[Workplace]:
    with opened(tmp_path, clock, Settings()) as found:
        yield found


def fleet(**rings: str) -> list[Any]:
    return [SAMPLE.model_copy(update={"customer": name, "ring": ring}) for name, ring in rings.items()]


class Night:
    """Nights whose patches end as they are told to: by customer, done where nothing is said."""

    def __init__(self, place: Workplace) -> None:
        self.place, self.ends, self.turns = place, dict[str, Status](), list[str]()

    def patch(self, place: Workplace, found: KamstrupProfile) -> Outcome:
        self.turns.append(found.customer)
        status = self.ends.get(found.customer, Status.DONE)
        outcome = Outcome(found.customer, Service.IT_SYSTEM_MAINTENANCE, status, "patched")
        place.ledger.append(found.customer, "run.finished", {
            "operation": "patch apply", "status": status.value, "summary": "", "seconds": 60.0,
            "exit_code": int(outcome.code)}, actor="tests", run=f"run-{found.customer}")
        return outcome

    def backed_up(self, place: Workplace, found: KamstrupProfile) -> Outcome:
        today = local_day(place.clock.now(), found.zone).isoformat()
        for database in found.databases:
            place.ledger.append(found.customer, "backup.completed", {"day": today, "database": database.name},
                                actor="tests")
        return Outcome(found.customer, Service.BACKUP, Status.DONE, "done")

    def __call__(self, profiles: list[Any], broken: str = "") -> dict[str, Outcome]:
        """The rows of patching, by customer."""
        self.turns.clear()
        rooms = Rooms(check_storage=lambda place, found: tuple(
            Outcome(one.customer, Service.STORAGE_MANAGEMENT, Status.DONE, "") for one in found),
            back_up=self.backed_up, prune=lambda place, found: Outcome(found.customer, Service.BACKUP, Status.UNCHANGED,
                                                                       ""),
            patch=self.patch, draft=lambda place, found, releases: Outcome(found.customer, "draft", Status.DONE, ""),
            stored=lambda found, completed: completed)
        left = {broken: ConfigurationError("its line 3")} if broken else {}
        return {row.customer: row for row in nightly(self.place, profiles, left, NONE, rooms)
                if row.service is Service.IT_SYSTEM_MAINTENANCE}


@pytest.fixture
def night(place: Workplace) -> Night:
    return Night(place)


def test_canaries_are_patched_first_whatever_their_name(night: Night) -> None:
    rows = night(fleet(a="general", b="canary", c="general"))
    assert night.turns == ["b", "a", "c"]
    assert {row.status for row in rows.values()} == {Status.DONE}


def test_a_canary_that_fails_keeps_the_others_as_they_are_until_its_cause_is_resolved(night: Night, place: Workplace,
                                                                                      clock: FixedClock) -> None:
    found = fleet(a="general", b="canary", c="canary")
    night.ends["b"] = Status.FAILED
    rows = night(found)
    assert night.turns == ["b", "c"], "within a ring one that fails stops no other"
    assert rows["a"].status is Status.SKIPPED and "b failed in an earlier ring" in rows["a"].summary
    clock.move(timedelta(days=1))
    assert night(found)["a"].status is Status.SKIPPED, "nor in the next night"
    place.ledger.append("b", "failure.resolved", {"reason": "put right"}, actor="tests")
    night.ends.clear()
    assert night(found)["a"].status is Status.DONE


def test_each_round_a_canary_goes_before(night: Night, clock: FixedClock) -> None:
    found = fleet(a="general", b="canary")
    assert night(found)["a"].status is Status.DONE
    clock.move(timedelta(days=30))
    closed = found[1].model_copy(update={"windows": ()})
    row = night([found[0], closed])["a"]
    assert night.turns == [] and "no customer of the ring canary has it yet (b)" in row.summary
    assert night(found)["a"].status is Status.DONE and night.turns == ["b", "a"]


def test_a_window_that_comes_before_the_canary_s_does_not_go_first_every_round(night: Night, clock: FixedClock) -> None:
    general, canary = fleet(a="general", b="canary")
    order: list[str] = []
    for day in range(120):
        # a's window is the day before b's, in every week.
        names = {0: [general], 1: [canary]}.get(day % 7, [])
        night([one if one in names else one.model_copy(update={"windows": ()}) for one in (general, canary)])
        order += night.turns
        clock.move(timedelta(days=1))
    assert len(order) >= 6 and order[:1] == ["b"] and "aa" not in "".join(order)
    assert all(order[index - 1] == "b" for index, name in enumerate(order) if name == "a")


def test_a_canary_whose_profile_is_broken_lets_nobody_go_before_it(night: Night) -> None:
    row = night(fleet(a="general"), broken="b")["a"]
    assert row.status is Status.SKIPPED and "the profile of b is not valid" in row.summary
    assert night(fleet(a="general", c="canary"), broken="b")["a"].status is Status.DONE, "another shows it"


def test_a_canary_that_failed_holds_the_others_also_when_its_profile_is_broken_since(night: Night) -> None:
    found = fleet(a="general", b="canary", c="canary")
    night.ends["b"] = Status.FAILED
    night(found)
    row = night([found[0], found[2]], broken="b")["a"]
    assert row.status is Status.SKIPPED and "b failed in an earlier ring" in row.summary


def test_a_canary_that_got_security_fixes_alone_shows_nothing_of_updates(night: Night, place: Workplace) -> None:
    general, canary = fleet(a="general", b="canary")
    closed = canary.model_copy(update={"windows": ()})
    ended = {"operation": "patch apply", "status": "done", "summary": "", "seconds": 60.0, "exit_code": 0}
    place.ledger.append("b", "run.finished", {**ended, "purpose": "protection"}, actor="tests")
    assert "no customer of the ring canary has it yet" in night([general, closed])["a"].summary
    place.ledger.append("b", "run.finished", {**ended, "purpose": "new value"}, actor="tests")
    assert night([general, closed])["a"].status is Status.DONE


def security_alone(place: Workplace, customer: str) -> None:
    """A patch run by hand that brought security fixes and nothing else."""
    place.ledger.append(customer, "run.finished", {
        "operation": "patch apply", "status": "done", "summary": "", "seconds": 60.0, "exit_code": 0,
        "purpose": "protection"}, actor="tests")


def test_security_fixes_alone_leave_a_canary_due_so_that_nobody_waits_for_it(night: Night, place: Workplace,
                                                                             clock: FixedClock) -> None:
    found = fleet(a="general", b="canary")
    night(found)
    clock.move(timedelta(days=29))
    security_alone(place, "b")
    night(found)
    assert night.turns == [], "neither is due"
    clock.move(timedelta(days=1))
    night(found)
    assert night.turns == ["b", "a"]


def test_security_fixes_are_all_that_is_due_once_the_agreement_has_ended(night: Night, place: Workplace,
                                                                        clock: FixedClock) -> None:
    (found,) = fleet(b="canary")
    ended = found.model_copy(update={"agreement": found.agreement.model_copy(
        update={"valid_to": START.date() - timedelta(days=1)})})
    security_alone(place, "b")
    clock.move(timedelta(days=1))
    assert "up to date since" in night([ended])["b"].summary
    assert night([found])["b"].status is Status.DONE, "renewed: the other updates are due"


def test_a_canary_whose_agreement_has_ended_shows_nothing_of_updates(night: Night) -> None:
    general, canary, other = fleet(a="general", b="canary", c="canary")
    ended = canary.model_copy(update={"agreement": canary.agreement.model_copy(
        update={"valid_to": START.date() - timedelta(days=1)})})
    closed = other.model_copy(update={"windows": ()})
    assert "has it yet (c)" in night([general, ended, closed])["a"].summary
    assert night([general, ended])["a"].status is Status.DONE


def test_a_ring_without_its_place_is_a_row_of_its_own_customer(night: Night) -> None:
    rows = night(fleet(a="late", b="general"))
    assert rows["a"].exit_code is ExitCode.CONFIGURATION and "policy.rings" in rows["a"].resolution
    assert rows["b"].status is Status.DONE


def test_a_canary_that_has_left_keeps_nobody_waiting(night: Night, place: Workplace) -> None:
    place.ledger.append("b", "customer.offboarding-started", {"last_day": "2026-11-01"}, actor="tests")
    assert night(fleet(a="general", b="canary"))["a"].status is Status.DONE


def release_due(place: Workplace, found: list[Any], name: str) -> str:
    """What is said of tonight's release for the customer; "begins" when nothing keeps it."""
    def begins(*_: Any) -> Outcome:
        raise AssertionError("not reached: the hosts are asked before")

    profile = next(one for one in found if one.customer == name)
    try:
        return install_due(place, profile, RELEASES, begins, patched=False, rings=Rings(place, found)).summary
    except ConfigurationError as error:
        assert "known_hosts is missing" in error.message
        return "begins"


def test_a_release_waits_until_a_canary_has_it(place: Workplace) -> None:
    found = fleet(a="general", b="canary", c="canary")
    assert release_due(place, found, "b") == "begins"
    assert "no customer of the ring canary has it yet (b, c)" in release_due(place, found, "a")
    place.ledger.append("c", "release.installed", {"to": "5.5.0"}, actor="tests")
    assert "no customer of the ring canary" in release_due(place, found, "a"), "an older one proves nothing"
    by_hand = found[1].model_copy(update={"ready": found[1].ready.model_copy(update={"version": "6.0.0"})})
    assert release_due(place, [found[0], by_hand, found[2]], "a") == "begins", "the profile says it"
    place.ledger.append("c", "release.installed", {"to": "6.0.0"}, actor="tests")
    assert release_due(place, found, "a") == "begins"
    place.ledger.append("b", "run.finished", {"operation": "release install", "status": "failed", "exit_code": 1,
                                              "summary": "", "seconds": 1.0}, actor="tests", run="r")
    assert "b failed in an earlier ring" in release_due(place, found, "a")


def test_a_canary_whose_agreement_leaves_the_release_out_keeps_nobody_waiting(place: Workplace) -> None:
    found = fleet(a="general", b="canary")
    agreement = found[1].agreement
    limited = agreement.model_copy(update={"entitlements": agreement.entitlements.model_copy(update={"major": False})})
    found[1] = found[1].model_copy(update={"agreement": limited})
    assert release_due(place, found, "a") == "begins"


def test_a_canary_for_which_there_is_no_release_keeps_nobody_waiting(place: Workplace) -> None:
    found = fleet(a="general", b="canary")
    agreement = found[1].agreement
    limited = agreement.model_copy(update={"entitlements": agreement.entitlements.model_copy(update={"major": False})})
    ahead = found[1].ready.model_copy(update={"version": "9.0.0"})
    found[1] = found[1].model_copy(update={"agreement": limited, "ready": ahead})
    assert release_due(place, found, "a") == "begins"


def test_a_canary_on_which_the_release_was_found_shows_it(place: Workplace) -> None:
    found = fleet(a="general", b="canary")
    place.ledger.append("b", "release.found", {"version": "6.0.0"}, actor="tests")
    assert release_due(place, found, "a") == "begins"


def test_a_canary_that_holds_releases_holds_the_rings_behind_it(place: Workplace) -> None:
    found = fleet(a="general", b="canary")
    found[1] = found[1].model_copy(update={"hold_releases": "6.0.0 broke the export"})
    assert "no customer of the ring canary has it yet (b)" in release_due(place, found, "a")


@given(st.lists(st.sampled_from(["canary", "early", "general", "unknown"]), max_size=12))
def test_the_order_is_by_ring_and_otherwise_as_given(names: list[str]) -> None:
    order = ["canary", "early", "general"]
    found = [SAMPLE.model_copy(update={"customer": f"c{index}", "ring": ring}) for index, ring in enumerate(names)]
    sorted_ = in_rings(found, order)
    places = [(*order, "unknown").index(one.ring) for one in sorted_ if isinstance(one, KamstrupProfile)]
    assert places == sorted(places) and {one.customer for one in sorted_} == {one.customer for one in found}
    for ring in {*order, "unknown"}:
        assert [one.customer for one in sorted_ if one.ring == ring] == [  # type: ignore[union-attr]
            one.customer for one in found if one.ring == ring]
