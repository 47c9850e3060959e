"""A working calendar: which time counts, how much of it lies in a span, and when an amount is used up.

Everything is instants in UTC. Opening hours are wall-clock times in the calendar's zone; each day is converted on its
own, and hours are never added to local time: across a change of the clock that would be one hour wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from opsctl.core.clock import local_day, require_aware
from opsctl.core.errors import ConfigurationError

MINUTES_OF_A_DAY = 24 * 60
_NOTHING = timedelta(0)


class Interval(NamedTuple):
    """The instants [opens, closes), aware, in UTC: the first counts, the last does not."""

    opens: datetime
    closes: datetime

    @property
    def length(self) -> timedelta:
        """Real time from first to last."""
        return self.closes - self.opens


class UsedUp(NamedTuple):
    """When an amount of working time is used up.

    at: the earliest such instant. last: the latest instant at which not more is used; later than `at` when that is a
    close, because no working time passes until the next opening. counted: what was added up, in order.
    """

    at: datetime
    last: datetime
    counted: tuple[Interval, ...]


@dataclass(frozen=True)
class WorkingCalendar:
    """Opening hours of each weekday and the days that are closed.

    hours: by weekday (0 is Monday) spans of minutes after midnight, ascending; 1440 is 24:00. A wall-clock time that a
    clock change skips or repeats is read as Python reads it (PEP 495, fold 0).
    closing_days: the reason by local day. years: those whose closing days are known; None when there never are any.
    """

    name: str
    zone: str
    hours: Mapping[int, tuple[tuple[int, int], ...]]
    closing_days: Mapping[date, str] = field(default_factory=dict)
    years: AbstractSet[int] | None = None

    def __post_init__(self) -> None:
        if not any(self.hours.values()):
            raise ValueError(f"calendar {self.name} is never open")
        for spans in self.hours.values():
            edges = [edge for span in spans for edge in span]
            if edges != sorted(set(edges)) or any(not 0 <= edge <= MINUTES_OF_A_DAY for edge in edges):
                raise ValueError(f"calendar {self.name}: spans must ascend without overlap, from 0 to 1440")

    def day(self, day: date) -> list[Interval]:
        """The open spans of one local day; ConfigurationError for a year whose closing days are not known."""
        if self.years is not None and day.year not in self.years:
            raise ConfigurationError(
                f"calendar {self.name} has no table of closing days for {day.year}",
                f"it has {min(self.years)} to {max(self.years)}; add the year in a new version of the calendar "
                "(scripts/generate_calendars.py): without one every public holiday would count as working time")
        if day in self.closing_days:
            return []
        return [Interval(self._instant(day, opens), self._instant(day, closes))
                for opens, closes in self.hours.get(day.weekday(), ())]

    def _instant(self, day: date, minute: int) -> datetime:
        days, rest = divmod(minute, MINUTES_OF_A_DAY)
        wall = time(rest // 60, rest % 60)
        return datetime.combine(day + timedelta(days=days), wall, ZoneInfo(self.zone)).astimezone(UTC)


def union(pauses: Iterable[Interval]) -> list[Interval]:
    """The same instants as `pauses`, ascending and apart: time that two pauses share is taken off once."""
    merged: list[Interval] = []
    for pause in sorted(pauses):
        if merged and pause.opens <= merged[-1].closes:
            merged[-1] = Interval(merged[-1].opens, max(merged[-1].closes, pause.closes))
        else:
            merged.append(pause)
    return merged


def used_between(calendar: WorkingCalendar, start: datetime, end: datetime,
                 pauses: Iterable[Interval] = ()) -> tuple[Interval, ...]:
    """The counted intervals in [start, end), in order; their lengths add up to the working time used."""
    end = require_aware(end)
    clipped = (Interval(span.opens, min(span.closes, end))
               for span in _counted(calendar, require_aware(start), pauses, local_day(end, calendar.zone)))
    return tuple(span for span in clipped if span.length > _NOTHING)


def used_up(calendar: WorkingCalendar, start: datetime, budget: timedelta,
            pauses: Iterable[Interval] = ()) -> UsedUp:
    """When `budget` of working time is used, counted from `start`; `budget` must be positive."""
    if budget <= _NOTHING:
        raise ValueError("a budget of working time is positive")
    left = budget
    counted: list[Interval] = []
    for span in _counted(calendar, require_aware(start), pauses, date.max):
        if left == _NOTHING:
            return UsedUp(counted[-1].closes, span.opens, tuple(counted))
        taken = Interval(span.opens, min(span.closes, span.opens + left))
        counted.append(taken)
        left -= taken.length
        if left == _NOTHING and taken.closes < span.closes:
            return UsedUp(taken.closes, taken.closes, tuple(counted))
    raise AssertionError("days end before working time does")  # date.max is 8000 years off


def working_day_over(calendar: WorkingCalendar, start: datetime, days: int) -> datetime:
    """When the `days`-th working day after the local day of `start` closes; with 0 the first close after `start`."""
    start = require_aware(start)
    day = local_day(start, calendar.zone) + timedelta(days=min(days, 1))
    left = max(days, 1)
    while True:
        spans = calendar.day(day)
        if spans and spans[-1].closes > start:
            left -= 1
            if not left:
                return spans[-1].closes
        day += timedelta(days=1)


def total(counted: Iterable[Interval]) -> timedelta:
    """The working time of counted intervals."""
    return sum((span.length for span in counted), _NOTHING)


def closed_days(calendar: WorkingCalendar, counted: Sequence[Interval]) -> dict[date, str]:
    """The closing days, with their reasons, from the first to the last counted interval."""
    if not counted:
        return {}
    first, last = (local_day(span.opens, calendar.zone) for span in (counted[0], counted[-1]))
    return {day: why for day, why in sorted(calendar.closing_days.items()) if first <= day <= last}


def _counted(calendar: WorkingCalendar, start: datetime, pauses: Iterable[Interval],
             last_day: date) -> Iterator[Interval]:
    """Open spans from `start` on without the pauses, to the end of `last_day`."""
    apart = union(pauses)
    day = local_day(start, calendar.zone)
    while day <= last_day:
        for span in calendar.day(day):
            opens = max(span.opens, start)
            for pause in apart:
                if opens < pause.opens < span.closes:
                    yield Interval(opens, pause.opens)
                if pause.opens < span.closes and pause.closes > opens:
                    opens = pause.closes
            if opens < span.closes:
                yield Interval(opens, span.closes)
        day += timedelta(days=1)
