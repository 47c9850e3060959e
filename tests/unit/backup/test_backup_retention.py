"""Retention rule by rule; the property over 400 days is in tests/properties."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from opsctl.backup.retention import Candidate, Decision, decide

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def candidate(days: float, *, good: bool = True, database: str = "ready", readable: bool = True,
              recorded: bool = True, damaged: bool = False) -> Candidate:
    return Candidate(f"{database}-{days}", database, NOW - timedelta(days=days), good, readable, recorded,
                     damaged)


def verdicts(*backups: Candidate, clock: datetime = NOW, minimum: int = 1, **more: dict[str, str]) -> list[str]:
    found = decide(backups, NOW, clock, keep_days=30, minimum_good=minimum, **more)
    assert all(verdict.reason for verdict in found)
    assert [verdict.backup for verdict in found] == list(backups)
    return [verdict.decision.value for verdict in found]


def test_thirty_times_24_hours_to_the_second() -> None:
    just = timedelta(seconds=1) / timedelta(days=1)
    assert verdicts(candidate(30), candidate(30 - just), candidate(0)) == ["remove", "keep", "keep"]


def test_the_newest_good_ones_stay_however_old() -> None:
    old = [candidate(day) for day in (90, 80, 70, 60)]
    assert verdicts(*old, minimum=3) == ["remove", "keep", "keep", "keep"]
    assert verdicts(candidate(400)) == ["keep"]


def test_failed_ones_neither_count_nor_stay() -> None:
    assert verdicts(candidate(60), candidate(50, good=False), candidate(40, good=False)) == ["keep", "remove", "remove"]
    assert verdicts(candidate(5, good=False), candidate(60)) == ["keep", "keep"]


def test_damaged_ones_do_not_count_while_there_are_good_ones() -> None:
    broken = [candidate(day, damaged=True) for day in (60, 50, 40)]
    assert verdicts(candidate(90), *broken) == ["keep", "remove", "remove", "remove"]
    # Too few good ones: of the damaged ones the newest stay too, as before they were found out.
    assert verdicts(candidate(90), *broken, minimum=3) == ["keep", "remove", "keep", "keep"]
    assert verdicts(*broken) == ["remove", "remove", "keep"]
    told = decide([candidate(90), *broken], NOW, NOW, keep_days=30, minimum_good=2)
    assert [verdict.reason.count("damaged by its last check") for verdict in told] == [0, 1, 1, 1]


def test_each_database_has_its_own_newest() -> None:
    assert verdicts(candidate(60, database="one"), candidate(40, database="two")) == ["keep", "keep"]


@pytest.mark.parametrize("apart", [timedelta(minutes=10, seconds=1), -timedelta(minutes=10, seconds=1),
                                   timedelta(days=365), -timedelta(days=365)])
def test_nothing_goes_when_the_clocks_are_apart(apart: timedelta) -> None:
    assert verdicts(candidate(90), candidate(0), clock=NOW + apart) == ["keep", "keep"]


def test_ten_minutes_are_tolerated() -> None:
    for apart in (timedelta(minutes=10), -timedelta(minutes=10)):
        assert verdicts(candidate(90), candidate(0), clock=NOW + apart) == ["remove", "keep"]


def test_nothing_goes_while_one_cannot_be_read() -> None:
    assert verdicts(candidate(90), candidate(60, readable=False, good=False), candidate(0)) == ["keep"] * 3


def test_what_the_ledger_does_not_know_stays() -> None:
    assert verdicts(candidate(90, good=False, recorded=False), candidate(0)) == ["keep", "keep"]


def test_pins_and_locks_hold() -> None:
    one, two, three = candidate(90), candidate(80), candidate(0)
    found = decide((one, two, three), NOW, NOW, keep_days=30, minimum_good=1, pins={one.backup_id: "audit 2026"},
                   locked={two.backup_id: "compliance until 2027-01-01T00:00:00Z"})
    assert [verdict.decision for verdict in found] == [Decision.KEEP, Decision.RETAINED, Decision.KEEP]
    assert "audit 2026" in found[0].reason
    assert "2027-01-01" in found[1].reason


def test_a_time_in_the_future_is_young() -> None:
    assert verdicts(candidate(-3), candidate(0)) == ["keep", "keep"]
