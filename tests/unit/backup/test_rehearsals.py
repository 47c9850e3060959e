"""When a restore for the exercise is due, late or failed, by database and local day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from opsctl.backup.rehearsals import COMPLETED, REHEARSAL_FAILED, REHEARSED, Rehearsal, rehearsal_states

# Half an hour before midnight in Copenhagen.
LATE_EVENING = datetime(2026, 11, 1, 22, 30, tzinfo=UTC)
TODAY = datetime(2026, 11, 1).date()


def entry(kind: str, at: datetime, database: str = "ready", **more: Any) -> Any:
    return SimpleNamespace(kind=kind, recorded_at=at, payload={"database": database, **more})


def state(days: int, *entries: Any) -> Any:
    [found] = rehearsal_states(["ready"], entries, TODAY + timedelta(days=days), 7, "Europe/Copenhagen")
    return found


@pytest.mark.parametrize(("days", "told"), [(0, Rehearsal.IN_TIME), (6, Rehearsal.IN_TIME), (7, Rehearsal.DUE),
                                            (8, Rehearsal.LATE), (60, Rehearsal.LATE)])
def test_every_seven_local_days(days: int, told: Rehearsal) -> None:
    made = entry(COMPLETED, LATE_EVENING)
    done = entry(REHEARSED, LATE_EVENING, seconds={"download": 1.5, "trial": 2.0})
    found = state(days, made, done)
    assert (found.state, found.seconds, found.due) == (told, 3.5, told is not Rehearsal.IN_TIME)
    assert "every 7 days" in found.detail


@pytest.mark.parametrize(("days", "told"), [(0, Rehearsal.DUE), (7, Rehearsal.DUE), (8, Rehearsal.LATE)])
def test_one_that_was_never_done_is_due_from_the_first_backup(days: int, told: Rehearsal) -> None:
    assert state(days, entry(COMPLETED, LATE_EVENING)).state is told


def test_without_a_backup_there_is_nothing_to_restore() -> None:
    found = state(90)
    assert (found.state, found.due) == (Rehearsal.NONE, False)


def test_one_that_failed_is_due_again_until_one_succeeds() -> None:
    tries = [entry(REHEARSED, LATE_EVENING, seconds={}),
             entry(REHEARSAL_FAILED, LATE_EVENING + timedelta(days=1), reason="pg_amcheck found a damaged page")]
    found = state(2, *tries)
    assert (found.state, found.due, found.last) == (Rehearsal.FAILED, True, TODAY)
    assert "damaged page" in found.detail
    assert state(2, *tries, entry(REHEARSED, LATE_EVENING + timedelta(days=2), seconds={})).state is Rehearsal.IN_TIME


def test_each_database_has_its_own_turn() -> None:
    entries = [entry(COMPLETED, LATE_EVENING), entry(COMPLETED, LATE_EVENING, "archive"),
               entry(REHEARSED, LATE_EVENING, seconds={})]
    found = rehearsal_states(["ready", "archive"], entries, TODAY, 7, "Europe/Copenhagen")
    assert [one.state for one in found] == [Rehearsal.IN_TIME, Rehearsal.DUE]
