"""The table of newest entries: written with its entry, verified against it, made anew, on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import create_engine, text

from opsctl.core.clock import FixedClock, SystemClock
from opsctl.core.errors import EvidenceDamaged, Locked
from opsctl.ledger import FindingKind, Ledger, Verdict, open_ledger, upgrade_ledger
from tests.contracts.test_ledger_contract import tamper

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOON)


@pytest.fixture
def ledger(ledger_url: str, clock: FixedClock) -> Iterator[Ledger]:
    opened = open_ledger(ledger_url, clock)
    yield opened
    opened.close()


def fill(ledger: Ledger) -> None:
    for chain in ("aalund", "birkeby"):
        ledger.append(chain, "network.checked", {"level": "ok"}, actor="me")
        ledger.append(chain, "run.finished", {"operation": "patch apply", "status": "done"}, actor="me")
        ledger.append(chain, "run.finished", {"operation": "patch apply", "status": "failed"}, actor="me")
        ledger.append(chain, "backup.completed", {"database": "ready", "day": "2026-11-23"}, actor="me")
        ledger.append(chain, "network.checked", {"level": "critical"}, actor="me")


def found(ledger: Ledger) -> set[tuple[str, FindingKind, int | None]]:
    return {(one.chain, one.kind, one.sequence) for one in ledger.verify().findings}


def test_the_newest_of_each_topic_is_read_over_all_chains_at_once(ledger: Ledger, clock: FixedClock) -> None:
    fill(ledger)
    clock.move(timedelta(hours=1))
    ledger.append("birkeby", "network.checked", {"level": "warning"}, actor="me")
    rows = ledger.newest(["network.checked", "run.finished/patch apply/done", "never"])
    assert {(row.topic, row.chain, row.sequence, row.payload.get("level")) for row in rows} == {
        ("network.checked", "aalund", 5, "critical"), ("network.checked", "birkeby", 6, "warning"),
        ("run.finished/patch apply/done", "aalund", 2, None), ("run.finished/patch apply/done", "birkeby", 2, None)}
    assert {row.recorded_at for row in rows if row.sequence == 6} == {NOON + timedelta(hours=1)}
    assert ledger.verify().sound


def test_an_entry_that_was_refused_is_not_the_newest(ledger: Ledger) -> None:
    fill(ledger)
    lease = ledger.acquire("aalund/x", "one", 60)
    ledger.release(lease)
    with pytest.raises(Locked):
        ledger.append("aalund", "network.checked", {"level": "ok"}, actor="me", lease=lease)
    assert [row.sequence for row in ledger.newest(["network.checked"])] == [5, 5]


@pytest.mark.parametrize(("statement", "sequence"), [
    ("UPDATE ledger_latest SET payload = '{\"level\":\"ok\"}' WHERE topic = 'network.checked' AND chain = 'aalund'", 5),
    ("UPDATE ledger_latest SET recorded_at = '2026-11-24T12:00:00.000000Z' WHERE topic = 'network.checked' "
     "AND chain = 'aalund'", 5),
    ("UPDATE ledger_latest SET sequence = 1 WHERE topic = 'network.checked' AND chain = 'aalund'", 5),
    ("UPDATE ledger_latest SET sequence = 99 WHERE topic = 'network.checked' AND chain = 'aalund'", 5),
    ("DELETE FROM ledger_latest WHERE topic = 'backup.completed/ready' AND chain = 'aalund'", 4),
    ("INSERT INTO ledger_latest VALUES ('backup.completed/other', 'aalund', 3, '2026-11-23T12:00:00.000000Z', '{}')",
     None),
])
def test_a_changed_projection_is_found_and_made_anew(ledger: Ledger, ledger_url: str, statement: str,
                                                     sequence: int | None) -> None:
    fill(ledger)
    tamper(ledger_url, statement)
    assert found(ledger) == {("aalund", FindingKind.LATEST_MISMATCH, sequence)}
    assert ledger.verify().integrity is Verdict.BROKEN
    assert "ledger rebuild" in ledger.verify().findings[0].detail
    assert ledger.rebuild() == 8
    assert ledger.verify().sound


def test_a_row_of_a_chain_that_is_not_there_is_found(ledger: Ledger, ledger_url: str) -> None:
    fill(ledger)
    tamper(ledger_url, "INSERT INTO ledger_latest VALUES ('backup.completed/a', 'cedervig', 3, 'x', '{}')")
    assert ("cedervig", FindingKind.LATEST_MISMATCH, None) in found(ledger)


def test_a_changed_projection_is_found_beside_other_damage(ledger: Ledger, ledger_url: str) -> None:
    fill(ledger)
    tamper(ledger_url, "UPDATE ledger_entry SET actor = 'x' WHERE chain = 'aalund' AND sequence = 3",
           "UPDATE ledger_latest SET payload = '{}' WHERE topic = 'network.checked' AND chain = 'aalund'")
    assert found(ledger) == {("aalund", FindingKind.EDITED, 3), ("aalund", FindingKind.LATEST_MISMATCH, 5)}


def test_a_projection_that_cannot_be_read_is_damage(ledger: Ledger, ledger_url: str) -> None:
    fill(ledger)
    tamper(ledger_url, "UPDATE ledger_latest SET payload = '[' WHERE topic = 'network.checked' AND chain = 'aalund'")
    with pytest.raises(EvidenceDamaged, match=r"network\.checked of the chain aalund"):
        ledger.newest(["network.checked"])


def test_the_upgrade_of_an_older_ledger_fills_it(ledger_url: str) -> None:
    ledger = open_ledger(ledger_url, SystemClock())
    fill(ledger)
    rows = set(map(str, ledger.newest(["network.checked"])))
    ledger.close()
    tamper(ledger_url, "DROP TABLE ledger_subject", "DROP TABLE ledger_latest",
           "DROP INDEX ledger_entry_kind_recorded_at",
           "UPDATE ledger_revision SET version_num = '0002'")
    assert upgrade_ledger(ledger_url)[0] == "0002"
    again = open_ledger(ledger_url, SystemClock())
    assert set(map(str, again.newest(["network.checked"]))) == rows
    assert again.verify().sound
    again.close()


def test_one_kind_over_all_chains_is_read_by_an_index(sqlite_url: str) -> None:
    open_ledger(sqlite_url, SystemClock()).close()
    with create_engine(sqlite_url).connect() as connection:
        plan = " ".join(str(row) for row in connection.execute(text(
            "EXPLAIN QUERY PLAN SELECT * FROM ledger_entry WHERE kind IN ('a', 'b') AND recorded_at >= '2026'")))
    assert "ledger_entry_kind_recorded_at" in plan


def test_within_one_chain_the_chain_s_own_index_is_used(sqlite_url: str) -> None:
    from opsctl.ledger.reading import Selection, _filtered

    open_ledger(sqlite_url, SystemClock()).close()
    query = _filtered(Selection("aalund", frozenset({"a"}), None, NOON, NOON, limit=4))
    with create_engine(sqlite_url).connect() as connection:
        compiled = query.compile(connection, compile_kwargs={"literal_binds": True})
        plan = " ".join(str(row) for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}"))
    assert "ledger_entry_chain_kind_sequence" in plan, plan
