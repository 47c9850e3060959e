"""Too small, too large and too slow, against the median of the last 14."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from opsctl.adapters.objects.memory import MemoryObjects
from opsctl.backup.catalog import catalog
from opsctl.backup.days import DayVerdict, days
from opsctl.backup.norms import Measure, Unusual, deviations
from tests.unit.backup.made import NOON, bench

USUAL = [Measure(size, seconds) for size, seconds in ((100, 10), (104, 12), (98, 11), (101, 10))]


@pytest.mark.parametrize(("now", "told"), [
    (Measure(102, 11), []), (Measure(199, 11), []), (Measure(51, 69), []),
    (Measure(49, 11), [Unusual.SMALL]), (Measure(209, 11), [Unusual.LARGE]), (Measure(100, 71), [Unusual.SLOW]),
    (Measure(1, 3600), [Unusual.SMALL, Unusual.SLOW])])
def test_what_is_far_from_the_usual_is_told_apart(now: Measure, told: list[Unusual]) -> None:
    assert [found.unusual for found in deviations(USUAL, now)] == told


def test_with_few_before_it_nothing_is_unusual() -> None:
    assert deviations(USUAL[:2], Measure(1, 9999)) == ()


def test_old_ones_are_forgotten() -> None:
    """A database that grew is not unusual for ever."""
    assert deviations([Measure(1, 1)] * 30 + [Measure(1000, 1)] * 14, Measure(1000, 1)) == ()


def test_a_day_says_what_is_unusual_of_its_backup(tmp_path: Path) -> None:
    found = bench(tmp_path)
    store = MemoryObjects(found.clock)
    for back in (5, 4, 3, 2):
        found.make(store, started=NOON - timedelta(days=back))
    found.make(store, started=NOON - timedelta(days=1), body=b"tiny")
    shown = catalog(found.workplace, found.profile, store=store)
    told = days(found.profile, shown, NOON, count=3, records_since=NOON - timedelta(days=9))
    assert [(day.verdict, day.unusual) for day in told] == [
        (DayVerdict.NOT_DUE, ()), (DayVerdict.KEPT, (Unusual.SMALL,)), (DayVerdict.KEPT, ())]
    assert "usual" in told[1].reason
