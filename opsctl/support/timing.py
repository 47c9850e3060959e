"""Clocks and verdicts as they are put on record: which calendar, which version, and its hash. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from opsctl.contract.levels import LEVELS
from opsctl.core.calendar import Interval, used_up
from opsctl.support.clock import deadline, verdict
from opsctl.support.model import CalendarVersion, Deadline, LevelChange, Verdict
from opsctl.support.request import Clock, Request


def clock_of(found: Deadline, pauses: Sequence[Interval] = ()) -> Clock:
    """The clock to record for `found`; what is used exactly at a close is reached at the next opening."""
    version = found.calendar
    half, near = (used_up(version.working, found.received, found.budget * share, pauses).last for share in (0.5, 0.75))
    return Clock(found.level.letter, version.working.name, version.number, version.digest,
                 found.budget // timedelta(seconds=1), found.deadline, found.last_in_time, found.without_pause, half,
                 near, found.from_change, found.late_at_change)


def first_clock(level: str, received: datetime, versions: Sequence[CalendarVersion]) -> Clock:
    """The clock of a request that was just received."""
    return clock_of(deadline(LEVELS[level], received, versions))


def computed(request: Request, versions: Sequence[CalendarVersion], *, received: datetime | None = None,
             change: LevelChange | None = None) -> Deadline:
    """The deadline computed anew from the request's own history, with one more change of level when given."""
    first, *later = request.grades
    changes = [LevelChange(LEVELS[one.level], one.at) for one in later]
    return deadline(LEVELS[first.level], received or request.received, versions,
                    pauses_of(request, change.at if change else None), [*changes, change] if change else changes)


def judged(request: Request, handled: datetime, versions: Sequence[CalendarVersion], now: datetime, *,
           level: str = "", received: datetime | None = None) -> Verdict:
    """The verdict for a start of handling at `handled`, at the level that stands unless another is given."""
    pauses = [Interval(one.opens, min(one.closes, handled)) for one in pauses_of(request, handled)
              if one.opens < handled]
    return verdict(LEVELS[level or request.level], received or request.received, handled, now, versions, pauses)


def pauses_of(request: Request, until: datetime | None = None) -> list[Interval]:
    """The waits that stop the clock. One that lasts ends at `until`, and is left out without it."""
    ends = [(wait.since, wait.until or until) for wait in request.waits if wait.pauses]
    return [Interval(since, end) for since, end in ends if end is not None and since < end]
