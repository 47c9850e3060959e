"""The quick way to read gives what the ordinary one gives, on SQLite and on a real PostgreSQL, or gives way to it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import create_engine, text

from opsctl.core.clock import FixedClock
from opsctl.core.errors import EvidenceDamaged
from opsctl.ledger import Entry, Ledger, Subject, open_ledger
from opsctl.ledger.quick import QuickFailed, quick
from tests.contracts.test_ledger_contract import tamper

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def ledger(ledger_url: str) -> Iterator[Ledger]:
    opened = open_ledger(ledger_url, FixedClock(NOON))
    yield opened
    opened.close()


def add(ledger: Ledger, chain: str, name: str, rank: str, label: str = "A") -> Entry:
    def subject(entry: Entry) -> Subject:
        known = {one.name: one.entries for one in ledger_rows}
        return Subject("room", name, rank, label, (*known.get(name, ()), entry.sequence))

    ledger_rows = ledger.subjects("room", chain)
    return ledger.append(chain, "room.noted", {"id": name, "text": "æøå 🎄"}, actor="me", subject=subject)


def test_pages_come_by_rank_and_point_to_the_entries(ledger: Ledger, ledger_url: str) -> None:
    first = add(ledger, "aalund", "aalund-1", "0b")
    add(ledger, "birkeby", "birkeby-1", "0a", "B")
    add(ledger, "aalund", "aalund-2", "1a")
    ledger.append("aalund", "backup.finished", {}, actor="me")
    third = add(ledger, "aalund", "aalund-1", "0c")
    with quick(ledger_url) as found:
        rows, total = found.page("room", (), ("A", "B"), "2", 2)
        assert [(chain, row.name, row.rank) for chain, row in rows] == [
            ("birkeby", "birkeby-1", "0a"), ("aalund", "aalund-1", "0c")]
        assert total == 3
        assert list(found.entries("aalund", rows[1][1].entries)) == [first, third]
        assert found.page("room", ("aalund",), ("A",), "1", 9)[0][0][1].name == "aalund-1"
        assert found.page("room", (), ("B",), "2", 9)[1] == 1
        assert found.indexed("room") == found.recorded(["room.noted"]) == {"aalund": (3, 4), "birkeby": (1, 1)}
        assert found.chains() == {"aalund", "birkeby"}


def test_an_entry_and_its_row_are_written_together_or_not_at_all(ledger: Ledger, ledger_url: str) -> None:
    def fails(entry: Entry) -> Subject:
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        ledger.append("aalund", "room.noted", {}, actor="me", subject=fails)
    assert list(ledger.entries("aalund")) == []
    assert ledger.subjects("room", "aalund") == []


def test_personal_data_is_what_was_recorded_or_is_not_given(ledger: Ledger, ledger_url: str) -> None:
    kept, erased = ledger.put_personal("aalund", "Sørensen"), ledger.put_personal("aalund", "gone")
    ledger.append("aalund", "k", {}, actor="me")
    ledger.erase_personal(erased, "asked for", "me")
    with quick(ledger_url) as found:
        assert found.personals([kept, erased, "unknown"]) == ledger.personals([kept, erased, "unknown"])
    tamper(ledger_url, "UPDATE ledger_personal SET text = 'another' WHERE text = 'Sørensen'")
    with pytest.raises(QuickFailed), quick(ledger_url) as found:
        found.personals([kept])


def test_a_damaged_entry_is_damage_here_too(ledger: Ledger, ledger_url: str) -> None:
    entry = add(ledger, "aalund", "aalund-1", "0")
    tamper(ledger_url, "UPDATE ledger_entry SET payload = '['")
    with pytest.raises(EvidenceDamaged), quick(ledger_url) as found:
        list(found.entries("aalund", [entry.sequence]))


@pytest.mark.parametrize("statement", ["UPDATE ledger_revision SET version_num = '0003'", "DROP TABLE ledger_revision"])
def test_another_revision_gives_way(statement: str, ledger: Ledger, ledger_url: str) -> None:
    with create_engine(ledger_url).begin() as connection:
        connection.execute(text(statement))
    with pytest.raises(QuickFailed), quick(ledger_url):
        pass


@pytest.mark.parametrize("url", ["sqlite:////nowhere/ledger.db", "sqlite:///relative.db", "sqlite:////a?b=c",
                                 "postgresql://nobody@/none?host=/nowhere"])
def test_what_cannot_be_reached_gives_way_and_is_not_made(url: str) -> None:
    with pytest.raises(QuickFailed), quick(url):
        pass


def test_it_cannot_write(ledger: Ledger, ledger_url: str) -> None:
    with pytest.raises(QuickFailed), quick(ledger_url) as found:
        found._rows("DELETE FROM ledger_head")


def test_the_index_is_made_anew(ledger: Ledger) -> None:
    add(ledger, "aalund", "aalund-1", "0")
    add(ledger, "birkeby", "birkeby-1", "0")
    rows = [Subject("room", "aalund-9", "1", "C", (1,))]
    ledger.index("room", "aalund", rows)
    assert ledger.subjects("room", "aalund") == rows
    assert [one.name for one in ledger.subjects("room", "birkeby")] == ["birkeby-1"]
