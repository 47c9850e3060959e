"""The working calendar's own rules."""

from datetime import UTC, date, datetime, timedelta

import pytest

from opsctl.core.calendar import Interval, WorkingCalendar, closed_days, union, used_between, used_up

ALWAYS = WorkingCalendar("always", "Europe/Copenhagen", dict.fromkeys(range(7), ((0, 1440),)))


def test_a_day_around_a_change_of_the_clock_has_its_real_length() -> None:
    lengths = [sum((span.length for span in ALWAYS.day(day)), timedelta(0))
               for day in (date(2026, 3, 29), date(2026, 10, 25), date(2026, 11, 24))]
    assert lengths == [timedelta(hours=23), timedelta(hours=25), timedelta(hours=24)]


def test_no_minute_is_lost_at_midnight() -> None:
    start = datetime(2026, 11, 24, 22, 59, 30, tzinfo=UTC)
    found = used_up(ALWAYS, start, timedelta(minutes=1))
    assert found.at == found.last == start + timedelta(minutes=1)
    at_midnight = used_up(ALWAYS, start, timedelta(seconds=30))
    assert at_midnight.at == at_midnight.last


def test_fractions_of_a_second_are_kept() -> None:
    start = datetime(2026, 11, 24, 9, 0, 0, 250_000, tzinfo=UTC)
    (only,) = used_between(ALWAYS, start, start + timedelta(microseconds=1))
    assert only.length == timedelta(microseconds=1)


def test_instants_without_a_zone_are_refused() -> None:
    with pytest.raises(ValueError, match="needs a zone"):
        used_between(ALWAYS, datetime(2026, 11, 24), datetime(2026, 11, 25))


@pytest.mark.parametrize("spans", [((960, 480),), ((480, 960), (900, 1000)), ((0, 1441),), ((-1, 5),), ((5, 5),)])
def test_hours_that_do_not_ascend(spans: tuple[tuple[int, int], ...]) -> None:
    with pytest.raises(ValueError, match="must ascend"):
        WorkingCalendar("odd", "UTC", {0: spans})


def test_a_calendar_that_never_opens_is_refused_instead_of_searched_for_ever() -> None:
    with pytest.raises(ValueError, match="never open"):
        WorkingCalendar("closed", "UTC", {0: ()})


def test_a_budget_is_positive() -> None:
    with pytest.raises(ValueError, match="positive"):
        used_up(ALWAYS, datetime(2026, 11, 24, tzinfo=UTC), timedelta(0))


def test_shared_time_of_pauses_is_taken_off_once() -> None:
    hour = [datetime(2026, 11, 24, hour, tzinfo=UTC) for hour in range(6)]
    assert union([Interval(hour[2], hour[4]), Interval(hour[0], hour[3])]) == [Interval(hour[0], hour[4])]
    assert union([Interval(hour[0], hour[5]), Interval(hour[1], hour[2])]) == [Interval(hour[0], hour[5])]


def test_without_counted_time_no_closed_days_lie_between() -> None:
    assert closed_days(ALWAYS, ()) == {}
