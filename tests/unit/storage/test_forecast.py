from datetime import date, timedelta

import pytest

from opsctl.storage.forecast import days_until_full, growth_per_day

DAY = date(2026, 11, 1)


def days(*used: int) -> dict[date, int]:
    return {DAY + timedelta(days=number): value for number, value in enumerate(used)}


def test_growth_is_per_day_also_over_gaps() -> None:
    assert growth_per_day(days(0, 100, 200, 300)) == 100
    assert growth_per_day({DAY: 0, DAY + timedelta(days=10): 1000, DAY + timedelta(days=20): 2000}) == 100


def test_one_odd_day_does_not_move_it() -> None:
    assert growth_per_day(days(0, 100, 200, 90_000, 400, 500, 600)) == pytest.approx(100, rel=0.02)


def test_too_few_days_say_nothing() -> None:
    assert growth_per_day(days(0, 1000)) is None
    assert growth_per_day({}) is None


def test_days_until_full() -> None:
    assert days_until_full(1000, 100) == 10
    assert days_until_full(0, 100) == 0
    assert [days_until_full(1000, growth) for growth in (0, -5, None)] == [None, None, None]
