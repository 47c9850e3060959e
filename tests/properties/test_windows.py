"""Maintenance windows against a minute-by-minute walk of the wall clock, on every kind of night."""

from datetime import UTC, date, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from opsctl.fleet.windows import WEEKDAYS, occurrences, opening
from opsctl.profiles.parts import Freeze, Window

ZONES = ["Europe/Copenhagen", "America/New_York", "Australia/Lord_Howe", "UTC", "Asia/Kathmandu"]
walls = st.builds(lambda hour, minute: f"{hour:02d}:{minute:02d}", st.integers(0, 23), st.integers(0, 59))
windows = st.builds(lambda days, start, end: Window(name="w", weekdays=tuple(days), start=start, end=end),
                    st.sets(st.sampled_from(WEEKDAYS), min_size=1).map(sorted), walls, walls)
# Around both clock changes of 2026 in Europe and America, and an ordinary week.
instants = st.builds(lambda day, minute: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=day, minutes=minute),
                     st.sampled_from([66, 67, 87, 88, 150, 297, 298, 304, 305]), st.integers(0, 1440))


@given(windows, st.sampled_from(ZONES))
def test_every_occurrence_has_a_positive_length_of_at_most_25_hours(window: Window, zone: str) -> None:
    for occurrence in islice(occurrences([window], zone, date(2026, 3, 1)), 60):
        length = occurrence.closes - occurrence.opens
        assert timedelta(0) < length <= timedelta(hours=26)
        assert occurrence.opens <= occurrence.latest_start <= occurrence.closes


@given(windows, st.sampled_from(ZONES), instants)
def test_open_exactly_when_the_wall_clock_is_inside(window: Window, zone: str, now: datetime) -> None:
    tz = ZoneInfo(zone)

    def inside(instant: datetime) -> bool:
        local = instant.astimezone(tz)
        wall, today, before = f"{local:%H:%M}", WEEKDAYS[local.weekday()], WEEKDAYS[local.weekday() - 1]
        if window.start < window.end:
            return today in window.weekdays and window.start <= wall < window.end
        return (today in window.weekdays and wall >= window.start) or (before in window.weekdays and wall < window.end)

    # Within two hours of a clock change the wall clock alone does not decide; elsewhere it does.
    steady = len({(now + timedelta(hours=hours)).astimezone(tz).utcoffset() for hours in (-27, 0, 27)}) == 1
    if steady:
        assert opening([window], [], zone, now).open is inside(now)


@given(windows, st.sampled_from(ZONES), instants)
def test_a_freeze_beats_every_window(window: Window, zone: str, now: datetime) -> None:
    day = now.astimezone(ZoneInfo(zone)).date()
    decision = opening([window], [Freeze(first_day=day, last_day=day, reason="stocktaking")], zone, now)
    assert not decision.open
    assert "stocktaking" in decision.reason


@given(windows, st.sampled_from(ZONES), instants, st.integers(0, 3000))
def test_work_never_starts_that_cannot_end(window: Window, zone: str, now: datetime, minutes: int) -> None:
    needs = timedelta(minutes=minutes)
    decision = opening([window], [], zone, now, needs)
    if decision.open:
        assert decision.occurrence is not None
        assert decision.occurrence.opens <= now
        assert now + needs <= decision.occurrence.closes


@given(windows, st.sampled_from(ZONES), instants, st.integers(0, 600), st.integers(0, 3))
def test_what_may_start_ends_before_its_window_and_before_any_freeze(window: Window, zone: str, now: datetime,
                                                                     minutes: int, days: int) -> None:
    first = now.astimezone(ZoneInfo(zone)).date() + timedelta(days=days)
    freeze = Freeze(first_day=first, last_day=first, reason="r")
    needs = timedelta(minutes=minutes)
    found = opening([window], [freeze], zone, now, needs)
    if found.open:
        assert found.occurrence is not None and now + needs <= found.occurrence.closes
        moment = now
        while moment < now + needs:
            assert moment.astimezone(ZoneInfo(zone)).date() != first
            moment += timedelta(minutes=10)
