"""The forecast: its arithmetic, and how often it is wrong on series whose future is known."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsctl.storage.forecast import MINIMUM_DAYS, NOT_ENOUGH, alarming, forecast, growth
from tests.unit.storage.judging import score, table
from tests.unit.storage.series import KINDS

DAY = date(2026, 11, 1)
TODAY = DAY + timedelta(days=13)
QUIET = ("steady", "night batch", "log rotation", "restore", "step", "shrinking")


def days(*used: int) -> dict[date, int]:
    return {TODAY - timedelta(days=len(used) - 1 - number): value for number, value in enumerate(used)}


def line(count: int = 14, rate: int = 100) -> dict[date, int]:
    return days(*(rate * number for number in range(count)))


def test_growth_is_per_day_also_over_gaps() -> None:
    found = growth({day: value for day, value in line().items() if day.day not in {3, 7, 8}}, TODAY)
    assert found is not None
    assert (found.low, found.estimate, found.high, found.level) == (100, 100, 100, 1300)


def test_one_odd_day_does_not_move_it() -> None:
    found = growth({**line(), TODAY - timedelta(days=4): 90_000}, TODAY)
    assert found is not None
    assert found.estimate == pytest.approx(100, rel=0.02)


def test_a_step_that_stays_is_no_growth_and_one_that_goes_is_an_odd_day() -> None:
    stays = forecast(days(*[1000] * 7, *[5000] * 7), 10_000, TODAY)
    assert stays.text == "does not grow"
    assert stays.growth is not None
    assert stays.growth.level == 5000


def test_too_few_days_say_nothing() -> None:
    assert forecast(line(MINIMUM_DAYS - 1), 10_000, TODAY).text == NOT_ENOUGH
    assert forecast({}, 10_000, TODAY).text == NOT_ENOUGH
    assert forecast(line(MINIMUM_DAYS), 10_000, TODAY).growth is not None


def test_old_days_do_not_count() -> None:
    assert growth(line(), TODAY + timedelta(days=5)) is None


def test_the_day_it_is_full() -> None:
    found = forecast(line(), 2300, TODAY)
    assert found.full == TODAY + timedelta(days=10)
    assert alarming(found, TODAY, 14)
    assert not alarming(found, TODAY, 9)


def test_a_full_disk_is_full_today_whatever_the_fit_says() -> None:
    assert forecast(line(), 100, TODAY).full == TODAY


@settings(max_examples=60, deadline=None)
@given(used=st.lists(st.integers(0, 10**12), min_size=10, max_size=14), usable=st.integers(1, 10**13))
def test_the_interval_holds_the_estimate(used: list[int], usable: int) -> None:
    found = forecast(days(*used), usable, TODAY)
    assert found.growth is not None
    assert found.growth.low <= found.growth.estimate <= found.growth.high
    if found.full is not None:
        assert found.earliest is not None
        assert TODAY <= found.earliest <= found.full <= (found.latest or date.max)


@pytest.mark.parametrize("kind", QUIET)
def test_no_alarm_for_a_disk_that_does_not_fill(kind: str) -> None:
    assert score(kind, seeds=6).alarms == 0


@pytest.mark.parametrize("kind", ["slow leak", "leak from some day"])
def test_a_leak_is_never_missed(kind: str) -> None:
    found = score(kind, seeds=6)
    assert found.due > 0
    assert (found.missed, found.false) == (0, 0)


@pytest.mark.slow
def test_the_table_in_the_documentation_is_what_comes_out() -> None:
    text = (Path(__file__).resolve().parents[3] / "docs" / "surveillance.md").read_text(encoding="utf-8")
    assert table() in text


@pytest.mark.parametrize("kind", list(KINDS))
def test_what_the_forecast_misses_the_threshold_finds(kind: str) -> None:
    assert score(kind, seeds=3).missed_by_all == 0
