"""Evidence read from a real ledger, sound and damaged."""

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from opsctl.core.clock import FixedClock
from opsctl.ledger import Ledger, open_ledger
from opsctl.promises.evidence import of_entries, read

START = datetime(2026, 10, 1, 2, tzinfo=UTC)
CUSTOMER = "sample-aalund"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


@pytest.fixture
def ledger(file: Path) -> Iterator[Ledger]:
    clock = FixedClock(START)
    found = open_ledger(f"sqlite:///{file}", clock)
    for number in range(6):
        found.append(CUSTOMER, "backup.completed", {"number": number}, actor="tests")
        found.append("sample-birkeby", "backup.completed", {"number": number}, actor="tests")
        clock.move(timedelta(days=1))
    yield found
    found.close()


def damage(file: Path, statement: str) -> None:
    connection = sqlite3.connect(file)
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        connection.execute(f"DROP TRIGGER {name}")
    connection.execute(statement)
    connection.commit()
    connection.close()


def test_sound_evidence_is_of_the_customer_alone_and_of_before(ledger: Ledger) -> None:
    found = read(ledger, CUSTOMER, START + timedelta(days=3))
    assert [entry.payload["number"] for entry in found.entries] == [0, 1, 2]
    assert (found.begins, found.gaps, found.findings) == (START, (), ())
    assert found.entries == tuple(ledger.entries(CUSTOMER, until=START + timedelta(days=3)))


@pytest.mark.parametrize("statement", [
    "UPDATE ledger_entry SET payload = '{\"number\":9}' WHERE chain = 'sample-aalund' AND sequence = 3",
    "UPDATE ledger_entry SET payload = 'rubbish' WHERE chain = 'sample-aalund' AND sequence = 3",
    "DELETE FROM ledger_entry WHERE chain = 'sample-aalund' AND sequence = 3"])
def test_a_damaged_entry_proves_nothing_and_leaves_a_gap(ledger: Ledger, file: Path, statement: str) -> None:
    damage(file, statement)
    found = read(ledger, CUSTOMER, START + timedelta(days=9))
    assert [entry.payload["number"] for entry in found.entries] == [0, 1, 3, 4, 5]
    assert found.findings
    assert found.gap_in(START + timedelta(days=2), START + timedelta(days=3))
    assert not found.gap_in(START + timedelta(days=4), START + timedelta(days=9))


def test_a_cut_tail_leaves_a_gap_without_an_end(ledger: Ledger, file: Path) -> None:
    damage(file, "DELETE FROM ledger_entry WHERE chain = 'sample-aalund' AND sequence > 4")
    found = read(ledger, CUSTOMER, START + timedelta(days=9))
    assert found.gap_in(START + timedelta(days=8), START + timedelta(days=9))


def test_an_unknown_customer_has_none(ledger: Ledger) -> None:
    assert read(ledger, "sample-elmegaard", START).begins is None


def test_a_report_that_was_issued_is_not_where_the_records_begin(ledger: Ledger) -> None:
    for kind in ("report.noted", "report.issued"):
        ledger.append("sample-elmegaard", kind, {"month": "2026-10"}, actor="tests")
    now = START + timedelta(days=9)
    assert read(ledger, "sample-elmegaard", now).begins is None
    assert of_entries(list(ledger.entries("sample-elmegaard"))).begins is None
    worked = ledger.append("sample-elmegaard", "backup.completed", {}, actor="tests")
    assert read(ledger, "sample-elmegaard", now).begins == worked.recorded_at
