"""What every ledger does, on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import create_engine, text

from opsctl.core.clock import FixedClock
from opsctl.core.errors import EvidenceDamaged, UsageError
from opsctl.core.secret import Secret
from opsctl.ledger import Checkpoint, FindingKind, Ledger, Verdict, guards, open_ledger, upgrade_ledger, verify_export
from opsctl.ledger.canonical import entry_hash, stamp

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOON)


@pytest.fixture
def ledger(ledger_url: str, clock: FixedClock) -> Iterator[Ledger]:
    opened = open_ledger(ledger_url, clock)
    yield opened
    opened.close()


def tamper(url: str, *statements: str) -> None:
    """Change the tables as somebody with all rights would."""
    sqlite = url.startswith("sqlite")
    engine = create_engine(url)
    with engine.begin() as connection:
        if sqlite:
            connection.execute(text("DROP TRIGGER IF EXISTS ledger_entry_no_update"))
            connection.execute(text("DROP TRIGGER IF EXISTS ledger_entry_no_delete"))
        else:
            connection.execute(text("DROP TRIGGER IF EXISTS ledger_entry_append_only ON ledger_entry"))
        for statement in statements:
            connection.exec_driver_sql(statement)
        guards.restore(connection)  # as somebody who covers the tracks would
    engine.dispose()


def fill(ledger: Ledger, count: int = 6, chain: str = "aalund") -> None:
    for number in range(count):
        ledger.append(chain, "backup.finished", {"number": number, "text": "æøå 🎄"}, actor="nightly", run="r1")


def kinds(ledger: Ledger, checkpoint: dict[str, Checkpoint] | None = None) -> set[tuple[FindingKind, int | None]]:
    result = ledger.verify(checkpoints=[checkpoint] if checkpoint else [])
    return {(finding.kind, finding.sequence) for finding in result.findings}


def test_an_entry_comes_back_as_it_was_recorded(ledger: Ledger) -> None:
    payload = {"list": [1, 2.5, None, True], "text": "æøå 🎄 \u0000 \\ \"", "big": 2**70, "nested": {"b": 1, "a": ()}}
    entry = ledger.append("aalund", "patch.finished", payload, actor="me", run="run-1")
    assert list(ledger.entries("aalund")) == [entry]
    assert entry.payload == {**payload, "nested": {"b": 1, "a": []}}
    assert (entry.sequence, entry.previous, entry.recorded_at, entry.reference) == (1, "0" * 64, NOON, "aalund:1")


def test_the_hash_can_be_computed_from_the_documented_fields(ledger: Ledger) -> None:
    fill(ledger, 1)
    entry = ledger.append("aalund", "k", {"b": 1, "a": "ø"}, actor="me", run="r")
    assert entry.hash == entry_hash({
        "chain": "aalund", "sequence": 2, "previous": entry.previous, "recorded_at": "2026-11-23T12:00:00.000000Z",
        "kind": "k", "actor": "me", "run": "r", "payload": {"a": "ø", "b": 1}})
    assert entry.previous == next(ledger.entries("aalund")).hash


def test_chains_are_numbered_apart(ledger: Ledger) -> None:
    fill(ledger, 2)
    fill(ledger, 3, "birkeby")
    assert ledger.chains() == ["aalund", "birkeby"]
    assert [entry.sequence for entry in ledger.entries("birkeby")] == [1, 2, 3]
    assert {chain: point.length for chain, point in ledger.checkpoint().items()} == {"aalund": 2, "birkeby": 3}


def test_entries_are_selected_by_kind_time_and_number(ledger: Ledger, clock: FixedClock) -> None:
    for hour in range(6):
        ledger.append("a" if hour % 2 else "b", f"kind.{hour % 3}", {"hour": hour}, actor="me", run=f"r{hour // 3}")
        clock.move(timedelta(hours=1))

    def hours(**wanted: object) -> list[int]:
        return [entry.payload["hour"] for entry in ledger.entries(**wanted)]  # type: ignore[arg-type]

    assert hours() == [0, 1, 2, 3, 4, 5]
    assert hours(chain="a", newest_first=True) == [5, 3, 1]
    assert hours(kinds=["kind.0", "kind.1"]) == [0, 1, 3, 4]
    assert hours(kinds=[]) == []
    assert hours(since=NOON + timedelta(hours=2), until=NOON + timedelta(hours=4)) == [2, 3]
    assert hours(newest_first=True, limit=2) == [5, 4]
    assert hours(limit=0) == []
    assert [entry.payload["hour"] for entry in ledger.find_run("r1")] == [3, 4, 5]
    last = ledger.last("b", "kind.1")
    assert last is not None and last.payload["hour"] == 4
    assert ledger.last("b", "no such kind") is None


def test_a_fraction_of_a_second_sorts_after_the_whole_one(ledger: Ledger) -> None:
    ledger.append("a", "k", {}, actor="me", at=NOON + timedelta(microseconds=1))
    ledger.append("a", "k", {}, actor="me", at=NOON)
    assert [entry.sequence for entry in ledger.entries("a", since=NOON + timedelta(microseconds=1))] == [1]


def test_more_entries_than_a_page_come_in_both_orders(ledger: Ledger) -> None:
    fill(ledger, 1203)
    assert [entry.sequence for entry in ledger.entries("aalund")] == list(range(1, 1204))
    assert [entry.sequence for entry in ledger.entries(newest_first=True, limit=1100)] == list(range(1203, 103, -1))


@pytest.mark.parametrize(("payload", "error"), [
    ({"password": Secret("hunter2")}, TypeError), ({"deep": [{"x": (1, Secret("hunter2"))}]}, TypeError),
    ({Secret("hunter2"): 1}, TypeError), ({1: 1}, TypeError), ({"at": NOON}, TypeError), ({"b": b"x"}, TypeError),
    ([1], TypeError), ({"x": float("nan")}, ValueError), ({"x": [float("inf")]}, ValueError),
    ({"x": "\ud800"}, ValueError)])
def test_what_is_no_evidence_is_refused(ledger: Ledger, payload: object, error: type[Exception]) -> None:
    with pytest.raises(error) as caught:
        ledger.append("a", "k", payload, actor="me")  # type: ignore[arg-type]
    assert "hunter2" not in str(caught.value)
    assert ledger.chains() == []


@pytest.mark.parametrize("name", ["", "two\nlines", "nul\0", "\ud800"])
def test_names_are_one_printable_line(ledger: Ledger, name: str) -> None:
    with pytest.raises(ValueError, match="chain"):
        ledger.append(name, "k", {}, actor="me")
    with pytest.raises(ValueError, match="actor"):
        ledger.append("a", "k", {}, actor=name)


def test_the_database_itself_refuses_to_change_or_delete(ledger: Ledger, ledger_url: str) -> None:
    fill(ledger)
    for statement in ("UPDATE ledger_entry SET actor = 'x'", "DELETE FROM ledger_entry"):
        with pytest.raises(Exception, match="append-only"), create_engine(ledger_url).begin() as connection:
            connection.exec_driver_sql(statement)
    assert ledger.verify().sound


def test_a_sound_ledger_is_sound(ledger: Ledger) -> None:
    fill(ledger)
    early = ledger.checkpoint()
    fill(ledger)
    result = ledger.verify()
    assert (result.integrity, result.completeness, result.checkpointed) == (Verdict.SOUND, Verdict.UNPROVEN, False)
    vouched = ledger.verify(checkpoints=[early])
    assert (vouched.integrity, vouched.completeness, vouched.checkpointed) == (Verdict.SOUND, Verdict.SOUND, True)
    assert result.sound and result.chains == {"aalund": 12}
    assert ledger.verify(checkpoints=[early]).checkpointed and ledger.verify(checkpoints=[early]).sound
    assert ledger.verify("aalund").sound


def test_an_empty_ledger_vouches_for_nothing(ledger: Ledger) -> None:
    assert ledger.verify().completeness is Verdict.UNPROVEN
    assert kinds(ledger, {"aalund": Checkpoint(3, "a" * 64)}) == {(FindingKind.CUT_TAIL, 1)}


@pytest.mark.parametrize(("statement", "expected"), [
    ("UPDATE ledger_entry SET payload = '{\"number\":7}' WHERE sequence = 3", {(FindingKind.EDITED, 3)}),
    ("UPDATE ledger_entry SET payload = payload || ' ' WHERE sequence = 3", {(FindingKind.EDITED, 3)}),
    ("UPDATE ledger_entry SET actor = 'x' WHERE sequence = 6", {(FindingKind.EDITED, 6)}),
    ("UPDATE ledger_entry SET payload = '{' WHERE sequence = 3", {(FindingKind.UNREADABLE, 3)}),
    ("UPDATE ledger_entry SET recorded_at = 'noon' WHERE sequence = 3", {(FindingKind.UNREADABLE, 3)}),
    ("DELETE FROM ledger_entry WHERE sequence = 3", {(FindingKind.DROPPED, 3)}),
    ("DELETE FROM ledger_entry WHERE sequence IN (1, 2, 4)", {(FindingKind.DROPPED, 1), (FindingKind.DROPPED, 4)}),
    ("DELETE FROM ledger_entry WHERE sequence >= 5", {(FindingKind.CUT_TAIL, 5)}),
    ("DELETE FROM ledger_entry", {(FindingKind.CUT_TAIL, 1)}),
    ("DELETE FROM ledger_head", {(FindingKind.HEAD_MISMATCH, None)}),
    ("UPDATE ledger_head SET count = 4", {(FindingKind.HEAD_MISMATCH, 6)}),
    ("UPDATE ledger_head SET hash = 'x'", {(FindingKind.HEAD_MISMATCH, 6)}),
])
def test_damage_is_told_apart(ledger: Ledger, ledger_url: str, statement: str,
                              expected: set[tuple[FindingKind, int | None]]) -> None:
    fill(ledger)
    tamper(ledger_url, statement)
    assert kinds(ledger) == expected


def test_editing_swapping_cutting_and_dropping_are_four_findings(ledger: Ledger, ledger_url: str) -> None:
    for chain in ("edited", "swapped", "cut", "dropped"):
        fill(ledger, 6, chain)
    point, before = ledger.checkpoint(), {entry.sequence: entry.hash for entry in ledger.entries("cut")}
    tamper(ledger_url, "UPDATE ledger_entry SET actor = 'x' WHERE chain = 'edited' AND sequence = 3",
           "UPDATE ledger_entry SET sequence = 100 WHERE chain = 'swapped' AND sequence = 2",
           "UPDATE ledger_entry SET sequence = 2 WHERE chain = 'swapped' AND sequence = 3",
           "UPDATE ledger_entry SET sequence = 3 WHERE chain = 'swapped' AND sequence = 100",
           "DELETE FROM ledger_entry WHERE chain = 'cut' AND sequence > 4",
           f"UPDATE ledger_head SET count = 4, hash = '{before[4]}' WHERE chain = 'cut'",  # noqa: S608
           "DELETE FROM ledger_entry WHERE chain = 'dropped' AND sequence = 4")
    ledger.rebuild()
    result = ledger.verify(checkpoints=[point])
    assert {(finding.chain, finding.kind, finding.sequence) for finding in result.findings} == {
        ("edited", FindingKind.EDITED, 3), ("swapped", FindingKind.MOVED, 2), ("swapped", FindingKind.MOVED, 3),
        ("cut", FindingKind.CUT_TAIL, 5), ("dropped", FindingKind.DROPPED, 4)}
    assert (result.integrity, result.completeness) == (Verdict.BROKEN, Verdict.BROKEN)
    without = {finding.chain for finding in ledger.verify().findings}
    assert without == {"edited", "swapped", "dropped"}, "no head row shows a tail that was cut with it"


def test_every_checkpoint_counts_not_only_the_last(ledger: Ledger, ledger_url: str) -> None:
    """A tail that was cut before the last checkpoint was written is known to the ones before it."""
    fill(ledger)
    whole, fourth = ledger.checkpoint(), list(ledger.entries("aalund"))[3].hash
    tamper(ledger_url, "DELETE FROM ledger_entry WHERE sequence > 4",
           f"UPDATE ledger_head SET count = 4, hash = '{fourth}'")  # noqa: S608
    ledger.rebuild()
    assert ledger.verify(checkpoints=[ledger.checkpoint()]).sound
    assert {f.kind for f in ledger.verify(checkpoints=[whole, ledger.checkpoint()]).findings} == {FindingKind.CUT_TAIL}


@pytest.mark.parametrize("how", ["dropped", "emptied", "switched off"])
def test_a_guard_that_is_gone_or_does_nothing_is_a_finding(how: str, ledger: Ledger, ledger_url: str) -> None:
    fill(ledger)
    sqlite = ledger_url.startswith("sqlite")
    name = "ledger_entry_no_update" if sqlite else "ledger_entry_append_only"
    drop = f"DROP TRIGGER {name}" + ("" if sqlite else " ON ledger_entry")
    statements = {
        "dropped": [drop],
        "emptied": [drop, f"CREATE TRIGGER {name} BEFORE UPDATE ON ledger_entry BEGIN SELECT 1; END"] if sqlite else
        ["CREATE OR REPLACE FUNCTION ledger_entry_refuse() RETURNS trigger LANGUAGE plpgsql AS "
         "$$ BEGIN RETURN NEW; END $$"],
        "switched off": [drop] if sqlite else [f"ALTER TABLE ledger_entry DISABLE TRIGGER {name}"]}[how]
    engine = create_engine(ledger_url)
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()
    result = ledger.verify(checkpoints=[ledger.checkpoint()])
    assert [(finding.kind, name in finding.detail) for finding in result.findings] == [(FindingKind.UNGUARDED, True)]
    assert (result.integrity, result.completeness, result.sound) == (Verdict.UNPROVEN, Verdict.SOUND, False)
    assert upgrade_ledger(ledger_url)[2] == (name,)
    assert ledger.verify().sound
    with pytest.raises(Exception, match="append-only"), create_engine(ledger_url).begin() as connection:
        connection.exec_driver_sql("UPDATE ledger_entry SET actor = 'x'")


def test_personal_data_that_was_changed_or_taken_away_is_a_finding(ledger: Ledger, ledger_url: str) -> None:
    references = [ledger.put_personal("aalund", f"Person {number}") for number in range(4)]
    ledger.append("aalund", "notice.sent", {"to": references}, actor="me")
    ledger.erase_personal(references[3], "asked for", "me")
    assert ledger.verify().sound
    tamper(ledger_url, f"UPDATE ledger_personal SET text = 'Another' WHERE reference = '{references[0]}'",  # noqa: S608
           f"UPDATE ledger_personal SET salt = '00' WHERE reference = '{references[1]}'",  # noqa: S608
           f"UPDATE ledger_personal SET text = NULL, salt = NULL WHERE reference = '{references[2]}'")  # noqa: S608
    result = ledger.verify()
    assert result.integrity is Verdict.BROKEN
    assert {(finding.chain, finding.kind) for finding in result.findings} == {("aalund", FindingKind.PERSONAL)}
    assert sorted(next(number for number, reference in enumerate(references) if reference[:12] in finding.detail)
                  for finding in result.findings) == [0, 1, 2]
    assert ledger.verify("birkeby").findings == ()


def test_swapped_entries_are_named_by_where_they_belong(ledger: Ledger, ledger_url: str) -> None:
    fill(ledger)
    tamper(ledger_url, "UPDATE ledger_entry SET sequence = 100 WHERE sequence = 2",
           "UPDATE ledger_entry SET sequence = 2 WHERE sequence = 5",
           "UPDATE ledger_entry SET sequence = 5 WHERE sequence = 100")
    assert {(finding.kind, finding.sequence, finding.detail) for finding in ledger.verify().findings} == {
        (FindingKind.MOVED, 2, "Here stands what was recorded as entry 5."),
        (FindingKind.MOVED, 5, "Here stands what was recorded as entry 2.")}


def test_an_entry_moved_to_another_chain_is_missed_in_its_own(ledger: Ledger, ledger_url: str) -> None:
    fill(ledger)
    tamper(ledger_url, "UPDATE ledger_entry SET chain = 'birkeby' WHERE sequence = 1")
    result = ledger.verify()
    assert {(finding.chain, finding.kind) for finding in result.findings} == {
        ("aalund", FindingKind.DROPPED), ("birkeby", FindingKind.EDITED), ("birkeby", FindingKind.HEAD_MISMATCH)}
    assert (result.integrity, result.completeness) == (Verdict.BROKEN, Verdict.BROKEN)


def test_an_entry_rewritten_with_a_new_hash_is_found_by_the_next_one(ledger: Ledger, ledger_url: str) -> None:
    fill(ledger)
    old = list(ledger.entries("aalund"))[2]
    forged = entry_hash({"chain": "aalund", "sequence": 3, "previous": old.previous, "recorded_at": stamp(NOON),
                         "kind": old.kind, "actor": "x", "run": old.run, "payload": old.payload})
    tamper(ledger_url, f"UPDATE ledger_entry SET actor = 'x', hash = '{forged}' WHERE sequence = 3")  # noqa: S608
    assert kinds(ledger) == {(FindingKind.REWRITTEN, 3)}


def test_only_a_checkpoint_shows_a_tail_cut_with_its_head_row(ledger: Ledger, ledger_url: str) -> None:
    fill(ledger)
    point = ledger.checkpoint()
    previous = list(ledger.entries("aalund"))[3].hash
    tamper(ledger_url, "DELETE FROM ledger_entry WHERE sequence >= 5",
           f"UPDATE ledger_head SET count = 4, hash = '{previous}'")  # noqa: S608
    assert kinds(ledger) == {(FindingKind.LATEST_MISMATCH, 4)}, "the table of newest entries still knows the last one"
    ledger.rebuild()
    assert ledger.verify().sound and not ledger.verify().checkpointed
    assert kinds(ledger, point) == {(FindingKind.CUT_TAIL, 5)}
    fill(ledger)
    assert kinds(ledger, point) == {(FindingKind.HEAD_MISMATCH, 6)}


def test_appending_behind_a_head_row_that_lags_is_refused(ledger: Ledger, ledger_url: str) -> None:
    fill(ledger)
    tamper(ledger_url, "UPDATE ledger_head SET count = 4")
    with pytest.raises(EvidenceDamaged):
        fill(ledger, 1)


def test_reading_a_damaged_entry_raises_and_verifying_does_not(ledger: Ledger, ledger_url: str) -> None:
    fill(ledger)
    tamper(ledger_url, "UPDATE ledger_entry SET payload = '[]' WHERE sequence = 2")
    with pytest.raises(EvidenceDamaged, match="Entry 2"):
        list(ledger.entries())
    assert kinds(ledger) == {(FindingKind.UNREADABLE, 2)}


def test_an_export_is_verified_without_the_ledger(ledger: Ledger, ledger_url: str) -> None:
    fill(ledger)
    fill(ledger, 2, "birkeby")
    lines = list(ledger.export())
    assert json.loads(lines[0])["payload"] == {"number": 0, "text": "æøå 🎄"}
    result = verify_export(lines, [ledger.checkpoint()])
    assert result.sound and result.checkpointed and result.chains == {"aalund": 6, "birkeby": 2}
    assert verify_export(ledger.export("birkeby")).chains == {"birkeby": 2}
    tamper(ledger_url, "UPDATE ledger_entry SET payload = replace(payload, ':', ': ') WHERE sequence = 1",
           "DELETE FROM ledger_entry WHERE sequence = 4")
    assert verify_export(ledger.export()).findings == ledger.verify().findings


def test_personal_data_can_be_erased_while_the_evidence_stays(ledger: Ledger, ledger_url: str) -> None:
    reference = ledger.put_personal("aalund", "Anna Andersen <anna@example.com>")
    again = ledger.put_personal("aalund", "Anna Andersen <anna@example.com>")
    assert len({reference, again}) == 2 and len(reference) == 64
    notice = ledger.append("aalund", "notice.sent", {"to": reference}, actor="me")
    assert ledger.personal(reference) == "Anna Andersen <anna@example.com>"
    assert set(ledger.personals([reference, again, "unknown"])) == {reference, again}
    erased = ledger.erase_personal(reference, "asked for by the person", "me")
    assert (erased.chain, erased.kind) == ("aalund", "personal.erased")
    assert erased.payload == {"reference": reference, "reason": "asked for by the person"}
    assert ledger.personal(reference) is None and ledger.personal(again) is not None
    assert list(ledger.personals([reference, again])) == [again]
    assert list(ledger.entries("aalund")) == [notice, erased] and ledger.verify().sound
    for wrong in (reference, "unknown"):
        with pytest.raises(UsageError):
            ledger.erase_personal(wrong, "again", "me")
    tamper(ledger_url, "UPDATE ledger_personal SET text = 'Bo' WHERE text IS NOT NULL")
    with pytest.raises(EvidenceDamaged):
        ledger.personal(again)
