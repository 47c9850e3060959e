"""A run's skeleton: what it records, and how an error becomes its row."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from opsctl.contract.gate import Delivery, Purpose, Request
from opsctl.contract.services import Service
from opsctl.core.clock import SystemClock
from opsctl.core.errors import CheckFailed, ConfigurationError, ExitCode, Locked, OpsctlError, PartlyDone
from opsctl.core.outcome import Outcome, Status
from opsctl.core.progress import Silent
from opsctl.ledger import open_ledger
from opsctl.profiles.loader import load_profile
from opsctl.profiles.settings import Settings
from opsctl.runs.service import Run, perform
from opsctl.runs.workplace import Workplace

ROOT = Path(__file__).resolve().parents[3]
REQUEST = Request(Service.BACKUP, Purpose.PROTECT, Delivery.WORK)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Workplace]:
    ledger = open_ledger(f"sqlite:///{tmp_path}/ledger.db", SystemClock())
    yield Workplace(Settings(), ledger, SystemClock(), Silent(), "tests", tmp_path / "runs", tmp_path / "drafts")
    ledger.close()


@pytest.mark.parametrize(("error", "status", "code"), [
    (PartlyDone("x"), Status.PARTIAL, ExitCode.PARTIAL), (CheckFailed("x"), Status.CHECK_FAILED, ExitCode.CHECK_FAILED),
    (Locked("x"), Status.LOCKED, ExitCode.LOCKED), (ConfigurationError("x"), Status.FAILED, ExitCode.CONFIGURATION)])
def test_the_word_of_a_row_fits_its_exit_code(error: OpsctlError, status: Status, code: ExitCode,
                                              place: Workplace) -> None:
    def act(run: Run) -> Outcome:
        raise error

    outcome = perform(place, load_profile(ROOT / "inventories", "sample-aalund"), REQUEST, "backup run", act)
    assert (outcome.status, outcome.code) == (status, code)
    finished = place.ledger.last("sample-aalund", "run.finished")
    assert finished is not None
    assert (finished.payload["status"], finished.payload["exit_code"]) == (status.value, int(code))


def test_a_run_folder_that_cannot_be_made_is_told_and_frees_the_lease(place: Workplace) -> None:
    place.runs.write_text("a file where the folder should be", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="run folder"):
        perform(place, load_profile(ROOT / "inventories", "sample-aalund"), REQUEST, "backup run",
                lambda run: Outcome("sample-aalund", "backup", Status.DONE, ""))
    assert place.ledger.leases() == []
    assert list(place.ledger.entries("sample-aalund")) == []


@pytest.mark.parametrize(("outer", "inner", "excluded"), [
    ("patch apply", "backup run", True), ("backup run", "patch apply", True), ("release install", "backup run", True),
    ("backup run", "backup prune", True), ("patch apply", "notice send", False),
    ("backup run", "storage check", False)])
def test_work_on_the_same_hosts_excludes_itself(outer: str, inner: str, excluded: bool, place: Workplace) -> None:
    profile = load_profile(ROOT / "inventories", "sample-aalund")
    done = Outcome("sample-aalund", "backup", Status.DONE, "")

    def act(run: Run) -> Outcome:
        if excluded:
            with pytest.raises(Locked, match=f"is held by {run.id}"):
                perform(place, profile, REQUEST, inner, lambda run: done)
        else:
            assert perform(place, profile, REQUEST, inner, lambda run: done).status is Status.DONE
        other = load_profile(ROOT / "inventories", "sample-birkeby")
        assert perform(place, other, REQUEST, inner, lambda run: done).status is Status.DONE
        return done

    assert perform(place, profile, REQUEST, outer, act).status is Status.DONE


def test_a_run_that_was_overtaken_records_no_success(place: Workplace, tmp_path: Path) -> None:
    def act(run: Run) -> Outcome:
        with sqlite3.connect(tmp_path / "ledger.db") as database:
            database.execute("UPDATE ledger_lease SET owner = 'another run', fence = fence + 1")
        return Outcome("sample-aalund", "it-system-maintenance", Status.UNCHANGED, "nothing to patch")

    outcome = perform(place, load_profile(ROOT / "inventories", "sample-aalund"), REQUEST, "patch apply", act)
    assert outcome.code == ExitCode.LOCKED
    finished = place.ledger.last("sample-aalund", "run.finished")
    assert finished is not None
    assert (finished.payload["status"], finished.payload["exit_code"]) == ("locked", 75)
