"""The levels' clock: deadline and verdict, counted in working time from receipt (P31-P33, P39-P43).

Pure: the calendars are passed in. The clock starts at receipt, or at the next opening, and stops when a person starts
handling. Which version of a calendar counts is decided by the day of receipt, so that no later edit changes a verdict.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from opsctl.contract.levels import Level
from opsctl.core.calendar import Interval, total, used_between, used_up
from opsctl.core.clock import iso, local_day
from opsctl.core.errors import ConfigurationError, UsageError
from opsctl.support.model import CalendarVersion, Deadline, LevelChange, Standing, Verdict


def version_at(versions: Sequence[CalendarVersion], received: datetime) -> CalendarVersion:
    """The version that governs a request received at `received`; `versions` ascend.

    ConfigurationError when the calendar begins later: its closing days are not known for then.
    """
    governing = [version for version in versions
                 if version.effective_from <= local_day(received, version.working.zone)]
    if not governing:
        first = versions[0]
        day = local_day(received, first.working.zone)
        raise ConfigurationError(
            f"calendar {first.working.name} has no table of closing days for {day}",
            f"its first version begins on {first.effective_from}; name another calendar, or correct --received")
    return governing[-1]


def deadline(level: Level, received: datetime, versions: Sequence[CalendarVersion],
             pauses: Sequence[Interval] = (), changes: Sequence[LevelChange] = ()) -> Deadline:
    """When handling must have been started, at the level of the last of `changes`, counted from receipt (P44).

    UsageError for pauses or changes that cannot be meant, ConfigurationError for a year without closing days.
    """
    check_pauses(pauses)
    _check_changes(level, received, changes)
    version = version_at(versions, received)
    levels = [(level, received), *((change.level, change.at) for change in changes)]
    history = tuple(Standing(stood, since, used_up(version.working, received, _budget(stood), pauses).at)
                    for stood, since in levels)
    final, since = levels[-1]
    budget = _budget(final)
    found = used_up(version.working, received, budget, pauses)
    from_change, late = None, False
    if changes:
        from_change = used_up(version.working, since, budget, pauses).at
        late = total(used_between(version.working, received, since, pauses)) > budget
    return Deadline(final, received, version, budget, found.at, found.last,
                    used_up(version.working, received, budget).at, found.counted, history, from_change, late)


def verdict(level: Level, received: datetime, handled: datetime, now: datetime, versions: Sequence[CalendarVersion],
            pauses: Sequence[Interval] = (), changes: Sequence[LevelChange] = ()) -> Verdict:
    """Whether handling was started in time. Of a pause only what lies between receipt and the start of handling counts.

    UsageError when handling started before receipt or lies after `now`: what has not happened has no verdict.
    """
    if handled < received:
        raise UsageError(f"handling started at {iso(handled)}, before the request was received at {iso(received)}",
                         "correct --received or --handled")
    if handled > now:
        raise UsageError(f"handling started at {iso(handled)}, which lies in the future: it is {iso(now)} now",
                         "there is no verdict yet; ask `opsctl support deadline`, or answer as of a later time by --at")
    check_pauses(pauses)
    due = deadline(level, received, versions, pauses, changes)
    working = due.calendar.working
    counted = used_between(working, received, handled, pauses)
    return Verdict(due, handled, total(counted), total(used_between(working, received, handled)), counted)


def check_pauses(pauses: Sequence[Interval]) -> None:
    """UsageError for a pause that is empty or reversed. Those that overlap count once, as their union."""
    for pause in pauses:
        if pause.closes <= pause.opens:
            raise UsageError(f"the pause from {iso(pause.opens)} to {iso(pause.closes)} ends when or before it begins",
                             "write it as FROM/TO, the earlier time first")


def _check_changes(level: Level, received: datetime, changes: Sequence[LevelChange]) -> None:
    for earlier, later in pairwise(changes):
        if later.at <= earlier.at:
            raise UsageError(f"the change of level at {iso(later.at)} does not come after the one before it",
                             "give changes of level in the order in which they were made")
    before = level
    for change in changes:
        if change.at < received:
            raise UsageError(f"the level changes at {iso(change.at)}, before receipt at {iso(received)}",
                             "correct --level-change or --received")
        if change.level == before:
            raise UsageError(f"the level is {before.letter} already when it changes to {before.letter} at "
                             f"{iso(change.at)}", "leave the change out, or correct the level")
        before = change.level


def _budget(level: Level) -> timedelta:
    return timedelta(hours=level.working_hours)
