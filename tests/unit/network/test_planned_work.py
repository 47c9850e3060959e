"""What does not answer while a run that changes hosts is under way is planned work: read from that run's own lease."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from opsctl.adapters.ansible_catalogue import OPERATIONS
from opsctl.contract.gate import Delivery, Purpose, Request
from opsctl.contract.services import Service
from opsctl.core.clock import SystemClock
from opsctl.core.outcome import Outcome, Status
from opsctl.core.progress import Silent
from opsctl.ledger import open_ledger
from opsctl.network.service import check, under_way
from opsctl.profiles.hosted import Component
from opsctl.profiles.loader import load_profile
from opsctl.profiles.model import KamstrupProfile
from opsctl.profiles.settings import Settings
from opsctl.runs.service import HOSTS, Run, perform
from opsctl.runs.workplace import Workplace

ROOT = Path(__file__).resolve().parents[3]
REQUEST = Request(Service.IT_SYSTEM_MAINTENANCE, Purpose.PROTECT, Delivery.WORK)
CUSTOMER = "sample-aalund"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Workplace]:
    ledger = open_ledger(f"sqlite:///{tmp_path}/ledger.db", SystemClock())
    yield Workplace(Settings(), ledger, SystemClock(), Silent(), "tests", tmp_path / "runs", tmp_path / "drafts")
    ledger.close()


def without_hosts() -> KamstrupProfile:
    return profile().model_copy(update={"hosts": (), "databases": ()})


def profile() -> KamstrupProfile:
    found = load_profile(ROOT / "inventories", CUSTOMER)
    assert isinstance(found, KamstrupProfile)
    dead = Component(name="dead", kind="service", address="127.0.0.1", port=1, delivered_by="kamstrup")
    return found.model_copy(update={"components": (dead,)})


@pytest.mark.parametrize("operation", sorted({one.command for one in OPERATIONS if one.changes} | {"module disable"}))
def test_whatever_changes_hosts_is_planned_work_but_for_backups_and_keys(operation: str, place: Workplace) -> None:
    """A backup copies beside READY, and a key of Kamstrup API Access is a file that nothing restarts for."""
    def act(run: Run) -> Outcome:
        assert bool(under_way(place, CUSTOMER)) is (operation not in {"backup run", "api rotate"})
        return Outcome(CUSTOMER, REQUEST.service, Status.DONE, "")

    assert perform(place, without_hosts(), REQUEST, operation, act, lease=HOSTS).status is Status.DONE
    assert under_way(place, CUSTOMER) == ""


@pytest.mark.slow  # each asks a dead port three times, four times over
@pytest.mark.parametrize(("operation", "status"), [
    ("patch apply", Status.DONE), ("release install", Status.DONE), ("release rollback", Status.DONE),
    ("upgrade apply", Status.DONE), ("module enable", Status.DONE), ("backup run", Status.CHECK_FAILED)])
def test_only_work_that_stops_ready_explains_a_component_that_is_down(operation: str, status: Status,
                                                                     place: Workplace) -> None:
    assert check(place, [profile()])[0].status is Status.CHECK_FAILED

    def act(run: Run) -> Outcome:
        found = check(place, [profile()])[0]
        assert found.status is status, found
        assert (run.id in found.summary) is (status is Status.DONE)
        assert under_way(place, "sample-birkeby") == ""
        return Outcome(CUSTOMER, REQUEST.service, Status.DONE, "")

    perform(place, profile(), REQUEST, operation, act)
    assert check(place, [profile()])[0].status is Status.CHECK_FAILED
