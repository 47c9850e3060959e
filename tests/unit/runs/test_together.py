"""Many customers at once: every lease is taken before anything is touched, and each ends with its own record."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from opsctl.contract.gate import Delivery, Purpose, Request
from opsctl.contract.services import Service
from opsctl.core.clock import SystemClock
from opsctl.core.errors import NotCovered, OperationFailed
from opsctl.core.outcome import Outcome, Status
from opsctl.core.progress import Silent
from opsctl.ledger import held, open_ledger
from opsctl.profiles.loader import load_profile
from opsctl.profiles.model import KamstrupProfile
from opsctl.profiles.settings import Settings
from opsctl.runs.service import Run
from opsctl.runs.together import perform_together
from opsctl.runs.workplace import Workplace

ROOT = Path(__file__).resolve().parents[3]
REQUEST = Request(Service.STORAGE_MANAGEMENT, Purpose.PROTECT, Delivery.WORK)
NAMES = ("sample-aalund", "sample-birkeby")


def hosted(name: str) -> KamstrupProfile:
    found = load_profile(ROOT / "inventories", name)
    assert isinstance(found, KamstrupProfile)
    return found


PROFILES = [hosted(name) for name in NAMES]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Workplace]:
    ledger = open_ledger(f"sqlite:///{tmp_path}/ledger.db", SystemClock())
    yield Workplace(Settings(), ledger, SystemClock(), Silent(), "tests", tmp_path / "runs", tmp_path / "drafts")
    ledger.close()


def judge(run: Run, profile: KamstrupProfile, found: str) -> Outcome:
    return Outcome(profile.customer, REQUEST.service, Status.DONE, f"{found} {run.customer}")


def statuses(place: Workplace, customer: str) -> list[str]:
    return [str(entry.payload.get("status", "begun")) for entry in place.ledger.entries(customer)]


def test_the_leases_are_held_while_hosts_are_touched(place: Workplace) -> None:
    def look(mine: Sequence[KamstrupProfile]) -> str:
        assert {lease.name for lease in place.ledger.leases()} == {f"{name}/storage" for name in NAMES}
        assert [statuses(place, name) for name in NAMES] == [["begun"], ["begun"]]
        return "seen"

    outcomes = perform_together(place, PROFILES, REQUEST, "storage check", look, judge)
    assert [(one.customer, one.summary) for one in outcomes] == [(name, f"seen {name}") for name in NAMES]
    assert [statuses(place, name) for name in NAMES] == [["begun", "done"], ["begun", "done"]]
    assert place.ledger.leases() == []


def test_who_is_locked_is_not_touched_and_the_others_are(place: Workplace) -> None:
    seen: list[str] = []

    def look(mine: Sequence[KamstrupProfile]) -> str:
        seen.extend(profile.customer for profile in mine)
        return "seen"

    with held(place.ledger, f"{NAMES[0]}/storage", "another run", 60):
        outcomes = perform_together(place, PROFILES, REQUEST, "storage check", look, judge)
    assert [one.status for one in outcomes] == [Status.LOCKED, Status.DONE]
    assert seen == [NAMES[1]] and statuses(place, NAMES[0]) == []


def test_when_all_are_locked_nobody_looks(place: Workplace) -> None:
    with held(place.ledger, f"{NAMES[0]}/storage", "another run", 60):
        found = perform_together(place, PROFILES[:1], REQUEST, "storage check", lambda mine: 1 / 0, judge)
    assert [one.status for one in found] == [Status.LOCKED]


@pytest.mark.parametrize(("error", "word"), [(OperationFailed("no host answers"), "failed"),
                                             (ValueError("a defect"), "failed"), (KeyboardInterrupt(), "interrupted")])
def test_a_look_that_fails_is_recorded_for_each_and_raised(error: BaseException, word: str, place: Workplace) -> None:
    def look(mine: Sequence[KamstrupProfile]) -> str:
        raise error

    with pytest.raises(type(error)):
        perform_together(place, PROFILES, REQUEST, "storage check", look, judge)
    assert [statuses(place, name) for name in NAMES] == [["begun", word], ["begun", word]]
    assert place.ledger.leases() == []


def test_what_the_contract_leaves_out_takes_no_lease(place: Workplace) -> None:
    other = load_profile(ROOT / "inventories", "sample-dalmose")
    with pytest.raises(NotCovered):
        perform_together(place, [PROFILES[0], other], REQUEST, "storage check",  # type: ignore[list-item]
                         lambda mine: 1 / 0, judge)
    assert list(place.ledger.entries()) == [] and place.ledger.leases() == []
