"""The values of the levels' clock: a calendar's version, a pause, a change of level, and the two answers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from opsctl.contract.levels import Level
from opsctl.core.calendar import Interval, WorkingCalendar


@dataclass(frozen=True)
class CalendarVersion:
    """One sealed state of a named calendar.

    It governs requests received from the local day `effective_from` until the next version's, for good: a later version
    never judges them. issued: the day on which it was made. digest: SHA-256 of its file.
    """

    number: int
    issued: date
    effective_from: date
    working: WorkingCalendar
    digest: str = ""


@dataclass(frozen=True)
class LevelChange:
    """Kamstrup set another level at this instant (P44)."""

    level: Level
    at: datetime


@dataclass(frozen=True)
class Standing:
    """One level in the history of a request: since when it stood, and the deadline it gave, counted from receipt."""

    level: Level
    since: datetime
    deadline: datetime


@dataclass(frozen=True)
class Deadline:
    """When handling must have been started.

    deadline: the earliest instant at which the budget is used. last_in_time: the latest at which not more is used.
    from_change: the budget counted from the last change of level, the working target when that change came too late.
    late_at_change: the budget was overdrawn before the level was changed. counted: what adds up to the budget.
    """

    level: Level
    received: datetime
    calendar: CalendarVersion
    budget: timedelta
    deadline: datetime
    last_in_time: datetime
    without_pause: datetime
    counted: tuple[Interval, ...]
    history: tuple[Standing, ...]
    from_change: datetime | None = None
    late_at_change: bool = False


@dataclass(frozen=True)
class Verdict:
    """Whether handling was started in time: working time used is at most the budget (P43).

    counted: what adds up to `used`. used_without_pause: the same with no pause taken off.
    """

    deadline: Deadline
    handled: datetime
    used: timedelta
    used_without_pause: timedelta
    counted: tuple[Interval, ...]

    @property
    def in_time(self) -> bool:
        """Judged by time used, not by the deadline: between a close and the next opening no working time passes."""
        return self.used <= self.deadline.budget

    @property
    def late_by(self) -> timedelta:
        """Working time beyond the budget; zero when in time."""
        return max(timedelta(0), self.used - self.deadline.budget)
