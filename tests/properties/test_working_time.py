"""The levels' clock against a walk over every second, and random calendars against a walk over every minute.

The walk asks the wall clock of each second whether it is working time; it shares no arithmetic with the code.
"""

from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import holidays
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsctl.contract.levels import LEVELS
from opsctl.core.calendar import Interval, WorkingCalendar, total, union, used_between, used_up
from opsctl.support.calendars import load
from opsctl.support.clock import deadline, verdict

DAYS = 17
# Both clock changes, Easter, Christmas and New Year, 5 June, a leap day, an ordinary week.
STARTS = [date(2026, 10, 19), date(2026, 3, 25), date(2026, 4, 1), date(2026, 12, 21), date(2026, 6, 1),
          date(2028, 2, 27), date(2026, 11, 16)]
CALENDARS = ["dk-public", "dk-company", "always-open"]
LATER = datetime(2030, 1, 1, tzinfo=UTC)
COMPANY = {(6, 5), (12, 24), (12, 31)}
PUBLIC = set(holidays.country_holidays("DK", years=range(2026, 2029)))


def midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def works(name: str, local: datetime) -> bool:
    if name == "always-open":
        return True
    if local.date() in PUBLIC or (name == "dk-company" and (local.month, local.day) in COMPANY):
        return False
    minutes = local.hour * 60 + local.minute
    return local.weekday() < 5 and 8 * 60 <= minutes < (14 * 60 + 30 if local.weekday() == 4 else 16 * 60)


@cache
def seconds(name: str, start: date) -> bytes:
    """One byte for each second from midnight UTC of `start`: 1 where the Danish wall clock says it is working time."""
    zone = ZoneInfo("Europe/Copenhagen")
    first = int(midnight(start).timestamp())
    return bytes(works(name, datetime.fromtimestamp(second, zone)) for second in range(first, first + DAYS * 86400))


def paused(track: bytes, pauses: list[tuple[int, int]]) -> bytes:
    left = bytearray(track)
    for opens, closes in pauses:
        span = slice(max(0, opens), max(0, closes))
        left[span] = bytes(len(left[span]))
    return bytes(left)


def walk_to(track: bytes, second: int, budget: int) -> tuple[int, int]:
    """The second at which `budget` is used up, and the last one at which not more is."""
    while budget:
        budget -= track[second]
        second += 1
    at = second
    while not track[second]:
        second += 1
    return at, second


cases = st.tuples(st.sampled_from(CALENDARS), st.sampled_from(STARTS), st.sampled_from(sorted(LEVELS)),
                  st.integers(0, 4 * 86400))
# In any order, apart or overlapping, also from before receipt.
edges = st.lists(st.tuples(st.integers(-7200, 3 * 86400), st.integers(1, 86400)).map(
    lambda pause: (pause[0], pause[0] + pause[1])), max_size=4)


@pytest.mark.slow
@settings(deadline=None, max_examples=150)
@given(cases, edges)
def test_deadline_is_the_walk_s(case: tuple[str, date, str, int], edges: list[tuple[int, int]]) -> None:
    name, start, letter, offset = case
    pauses = [(offset + opens, offset + closes) for opens, closes in edges]
    base = midnight(start)
    spans = [Interval(base + timedelta(seconds=opens), base + timedelta(seconds=closes)) for opens, closes in pauses]
    found = deadline(LEVELS[letter], base + timedelta(seconds=offset), load(name), spans)
    budget = LEVELS[letter].working_hours * 3600
    at, last = walk_to(paused(seconds(name, start), pauses), offset, budget)
    assert (found.deadline - base).total_seconds() == at
    assert (found.last_in_time - base).total_seconds() == last
    assert (found.without_pause - base).total_seconds() == walk_to(seconds(name, start), offset, budget)[0]


@pytest.mark.slow
@settings(deadline=None, max_examples=150)
@given(cases, edges, st.integers(0, 12 * 86400))
def test_verdict_is_the_walk_s(case: tuple[str, date, str, int], edges: list[tuple[int, int]], after: int) -> None:
    name, start, letter, offset = case
    pauses = [(offset + opens, offset + closes) for opens, closes in edges]
    base = midnight(start)
    spans = [Interval(base + timedelta(seconds=opens), base + timedelta(seconds=closes)) for opens, closes in pauses]
    handled = base + timedelta(seconds=offset + after)
    found = verdict(LEVELS[letter], base + timedelta(seconds=offset), handled, LATER, load(name), spans)
    used = sum(paused(seconds(name, start), pauses)[offset:offset + after])
    assert found.used.total_seconds() == used
    assert found.in_time is (used <= LEVELS[letter].working_hours * 3600)
    # In time exactly up to the last instant at which not more than the budget is used.
    assert found.in_time is (handled <= found.deadline.last_in_time)


ZONES = ["Europe/Copenhagen", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"]
# Opening hours apart from the hours that clock changes skip or repeat, and whole days.
spans = st.lists(st.integers(4 * 60, 1440), max_size=4, unique=True).map(sorted).map(
    lambda found: tuple((found[i], found[i + 1]) for i in range(0, len(found) - 1, 2))) | st.just(((0, 1440),))
calendars = st.builds(lambda hours, zone, closed: WorkingCalendar("any", zone, dict(enumerate(hours)), {
    date(2026, 1, 1) + timedelta(days=day): "closed" for day in closed}),
    st.lists(spans, min_size=7, max_size=7).filter(any), st.sampled_from(ZONES), st.sets(st.integers(60, 310)))
# Around the clock changes of 2026 on three continents.
instants = st.builds(lambda day, minute: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=day, minutes=minute),
                     st.sampled_from([65, 86, 92, 200, 275, 296, 303]), st.integers(0, 2880))
minutes = st.integers(0, 4320)


def open_minutes(calendar: WorkingCalendar, start: datetime, length: int) -> int:
    zone = ZoneInfo(calendar.zone)
    locals_ = ((start + timedelta(minutes=minute)).astimezone(zone) for minute in range(length))
    return sum(any(opens <= local.hour * 60 + local.minute < closes
                   for opens, closes in calendar.hours[local.weekday()])
               for local in locals_ if local.date() not in calendar.closing_days)


@settings(deadline=None, max_examples=100)
@given(calendars, instants, minutes)
def test_any_calendar_counts_what_its_wall_clock_shows(calendar: WorkingCalendar, start: datetime, length: int) -> None:
    used = total(used_between(calendar, start, start + timedelta(minutes=length)))
    assert used == timedelta(minutes=open_minutes(calendar, start, length))


pause_lists = st.lists(st.builds(lambda start, length: Interval(start, start + timedelta(minutes=length)), instants,
                                 st.integers(1, 4320)), max_size=5)


@settings(deadline=None)
@given(calendars, instants, pause_lists, st.integers(1, 10_000))
def test_what_is_used_at_the_deadline_is_the_budget(calendar: WorkingCalendar, start: datetime,
                                                    pauses: list[Interval], budget: int) -> None:
    amount = timedelta(seconds=budget)
    found = used_up(calendar, start, amount, pauses)
    assert total(found.counted) == amount
    assert used_between(calendar, start, found.at, pauses) == found.counted
    assert total(used_between(calendar, start, found.last, pauses)) == amount
    assert total(used_between(calendar, start, found.at - timedelta(microseconds=1), pauses)) < amount
    assert total(used_between(calendar, start, found.last + timedelta(microseconds=1), pauses)) > amount
    for earlier, later in pairwise(found.counted):
        assert earlier.closes <= later.opens


@given(pause_lists)
def test_a_union_is_apart_and_holds_the_same_instants(pauses: list[Interval]) -> None:
    apart = union(pauses)
    assert all(earlier.closes < later.opens for earlier, later in pairwise(apart))
    edges = sorted({edge for pause in pauses for edge in pause})
    for edge in edges:
        assert any(p.opens <= edge < p.closes for p in pauses) is any(p.opens <= edge < p.closes for p in apart)
