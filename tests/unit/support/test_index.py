"""The error log's index: the list is the same with it and without, and it is never believed against the entries."""

import sqlite3
from pathlib import Path

import pytest

from opsctl.cli import support_page
from opsctl.ledger.quick import QuickLedger
from tests.unit.records.conftest import Run
from tests.unit.support.conftest import CUSTOMER

pytestmark = pytest.mark.slow
OPEN = ("support", "open", CUSTOMER, "--reporter", "R. R.", "--level-reason", "as told", "--channel", "email")


@pytest.fixture
def lived(opsctl: Run) -> Run:
    """Five requests at different points of their life."""
    for number, level in enumerate("ABCDA"):
        answer = opsctl(*OPEN, "--level", level, "--subject", f"Subject {number}")
        assert answer.code == 0, answer
    assert opsctl("support", "start", f"{CUSTOMER}-2", "--by", "N. N.").code == 0
    assert opsctl("support", "start", f"{CUSTOMER}-5", "--by", "N. N.").code == 0
    assert opsctl("support", "close", f"{CUSTOMER}-5", "done").code == 0
    assert opsctl("support", "level", f"{CUSTOMER}-4", "--level", "A", "--reason", "worse").code == 0
    return opsctl


def both(opsctl: Run, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> tuple[object, object]:
    """The list by the index, and from every entry."""
    with monkeypatch.context() as patch:
        patch.setattr(support_page, "_read", None)
        quick = opsctl("support", "list", "--json", *arguments)
    with monkeypatch.context() as patch:
        patch.setattr(support_page, "_quick", lambda *_, **__: None)
        return quick.data, opsctl("support", "list", "--json", *arguments).data


@pytest.mark.parametrize("arguments", [(), ("--closed",), ("--level", "a"), ("--level", "BC"), (CUSTOMER,),
                                       ("--limit", "2"), (CUSTOMER, "--closed", "--limit", "3")])
def test_the_list_is_the_same_by_the_index_and_from_every_entry(arguments: tuple[str, ...], lived: Run,
                                                                monkeypatch: pytest.MonkeyPatch) -> None:
    by_index, by_entries = both(lived, monkeypatch, *arguments)
    assert by_index == by_entries
    assert by_index["requests"]  # type: ignore[index]


@pytest.mark.parametrize("statement", [
    "DELETE FROM ledger_subject WHERE name = 'sample-aalund-1'",
    "UPDATE ledger_subject SET rank = '1' || rank WHERE name = 'sample-aalund-1'",
    "UPDATE ledger_subject SET rank = '00' WHERE name = 'sample-aalund-3'",
    "UPDATE ledger_subject SET entries = '[2' WHERE name = 'sample-aalund-1'",
    "UPDATE ledger_subject SET label = 'D' WHERE name = 'sample-aalund-1'",
    "UPDATE ledger_subject SET entries = '[3]' WHERE name = 'sample-aalund-1'",
])
def test_an_index_that_was_changed_is_found_and_mended(statement: str, lived: Run, tmp_path: Path) -> None:
    right = lived("support", "list", "--json").data
    with sqlite3.connect(tmp_path / "ledger.db") as connection:
        connection.execute(statement)
    found = lived("ledger", "verify", "--json")
    assert (found.code, found.data["index_differs"]) == (9, [CUSTOMER])
    assert "ledger rebuild" in lived("ledger", "verify").stdout
    assert lived("ledger", "rebuild", "--json").data["indexed"] == [CUSTOMER]
    assert lived("ledger", "verify").code == 0
    assert lived("support", "list", "--json").data == right


def test_a_row_that_is_missing_hides_no_request(lived: Run, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "ledger.db") as connection:
        connection.execute("DELETE FROM ledger_subject WHERE name = 'sample-aalund-1'")
    assert lived("support", "list", "--json").data["total"] == 4


def test_the_next_entry_makes_a_lost_index_anew(lived: Run, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "ledger.db") as connection:
        connection.execute("DELETE FROM ledger_subject")
    assert lived("support", "note", f"{CUSTOMER}-1", "looked at").code == 0
    assert lived("ledger", "verify").code == 0


def test_a_level_that_does_not_exist_is_refused(opsctl: Run) -> None:
    answer = opsctl("support", "list", "--level", "AX")
    assert answer.code == 2
    assert "'X'" in answer.stderr


def test_only_what_is_shown_is_read(lived: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    ordinary = QuickLedger.entries
    monkeypatch.setattr(QuickLedger, "entries",
                        lambda self, chain, places: read.extend(places) or ordinary(self, chain, places))
    lived("support", "list", "--limit", "1")
    assert len(read) == 1
