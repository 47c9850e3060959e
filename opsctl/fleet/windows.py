"""Maintenance windows and freezes: pure decisions in wall-clock time with an IANA zone.

A window belongs to the local day on which it starts. One whose end is not after its start runs
into the next day; `00:00`-`00:00` is the whole day. On the night the clocks go forward, a wall time
that does not exist is read with the offset before the change (PEP 495, fold=0): one hour later on the
new clock; a window that is empty by this does not happen. On the night they go back, the first of two
equal wall times opens and the second closes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from opsctl.core.clock import local_day, require_aware
from opsctl.profiles.parts import Freeze, Window

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

EASTERNMOST = timedelta(hours=14)


@dataclass(frozen=True)
class Occurrence:
    """One window on one day, half-open [opens, closes) in UTC; nothing starts after latest_start."""

    name: str
    zone: str
    opens: datetime
    closes: datetime
    latest_start: datetime


@dataclass(frozen=True)
class Opening:
    """May something start now? `occurrence` is the open one; `reason` says why not, or which one is open."""

    open: bool
    reason: str
    occurrence: Occurrence | None = None


def occurrences(windows: Sequence[Window], zone: str, since: date) -> Iterator[Occurrence]:
    """Every occurrence that starts on the local day `since` or later, in the order of opening; endless."""
    day = since
    waiting: list[Occurrence] = []
    while windows:
        found = (_occurrence(window, window.zone or zone, day) for window in windows
                 if WEEKDAYS[day.weekday()] in window.weekdays)
        # A window that lies in the hour the clocks skip does not happen on that night.
        waiting += [occurrence for occurrence in found if occurrence.opens < occurrence.closes]
        waiting.sort(key=lambda occurrence: occurrence.opens)
        day += timedelta(days=1)
        # Zones differ: nothing of a later day opens before its midnight in the easternmost one.
        settled = datetime.combine(day, time(0), UTC) - EASTERNMOST
        while waiting and waiting[0].opens < settled:
            yield waiting.pop(0)


def _instant(day: date, wall: str, zone: str, fold: int) -> datetime:
    hour, minute = wall.split(":")
    return datetime.combine(day, time(int(hour), int(minute), fold=fold), ZoneInfo(zone)).astimezone(UTC)


def _occurrence(window: Window, zone: str, day: date) -> Occurrence:
    opens = _instant(day, window.start, zone, fold=0)
    last_day = day if window.end > window.start else day + timedelta(days=1)
    closes = max(_instant(last_day, window.end, zone, fold) for fold in (0, 1))
    if window.latest_start_minutes is None:
        latest = closes
    else:
        latest = min(closes, opens + timedelta(minutes=window.latest_start_minutes))
    return Occurrence(window.name, zone, opens, closes, latest)


def opening(windows: Sequence[Window], freezes: Sequence[Freeze], zone: str, now: datetime,
            needs: timedelta = timedelta(0)) -> Opening:
    """May work that needs `needs` start at `now`? A freeze beats every window; no windows means never.

    A freeze that begins while a window is open closes it: work must end before either. Windows that follow one
    another without a gap are one: around-the-clock windows do not close at midnight.
    """
    now = require_aware(now)
    frozen = _frozen(freezes, zone, now)
    if frozen:
        return Opening(False, f"frozen until the end of {frozen.last_day}: {frozen.reason}")
    if not windows:
        return Opening(False, "the profile has no maintenance window")
    late = ""
    # A window of yesterday may still be open after midnight.
    since = local_day(now, zone) - timedelta(days=2)
    for occurrence in occurrences(windows, zone, since):
        if occurrence.opens > now:
            return Opening(False, late or f"the next window, {occurrence.name}, opens {_wall(occurrence)}")
        if now < occurrence.closes:
            coming = _next_freeze(freezes, zone, now)
            closes = _open_until(occurrences(windows, zone, since), occurrence.closes, now + needs)
            if now > occurrence.latest_start:
                late = f"window {occurrence.name} is open, but its latest start has passed"
            elif now + needs > closes:
                late = f"window {occurrence.name} closes too soon for work of {needs}"
            elif coming is not None and now + needs > _begins(coming, zone):
                late = f"window {occurrence.name} is open, but work of {needs} would run into the freeze that begins " \
                       f"on {coming.first_day}: {coming.reason}"
            else:
                return Opening(True, f"window {occurrence.name} is open", replace(occurrence, closes=closes))
    return Opening(False, late or "no window comes")


def _open_until(following: Iterator[Occurrence], closes: datetime, wanted: datetime) -> datetime:
    """When a window that closes at `closes` does, with those that join it; looked up no further than `wanted`."""
    for occurrence in following:
        if closes >= wanted or occurrence.opens > closes:
            break
        closes = max(closes, occurrence.closes)
    return closes


def upcoming(windows: Sequence[Window], freezes: Sequence[Freeze], zone: str, now: datetime,
             count: int) -> tuple[tuple[Occurrence, str], ...]:
    """The next `count` occurrences that are open or to come, each with the freeze's reason that closes it, or ''."""
    found: list[tuple[Occurrence, str]] = []
    for occurrence in occurrences(windows, zone, local_day(now, zone) - timedelta(days=2)):
        if occurrence.closes > now:
            frozen = _frozen(freezes, zone, max(now, occurrence.opens))
            found.append((occurrence, frozen.reason if frozen else ""))
        if len(found) == count:
            break
    return tuple(found)


def _frozen(freezes: Sequence[Freeze], zone: str, at: datetime) -> Freeze | None:
    day = local_day(at, zone)
    return next((freeze for freeze in freezes if freeze.first_day <= day <= freeze.last_day), None)


def _begins(freeze: Freeze, zone: str) -> datetime:
    """The first instant of its first day, where a zone changes its clock at midnight the one after the gap."""
    return _instant(freeze.first_day, "00:00", zone, fold=0)


def _next_freeze(freezes: Sequence[Freeze], zone: str, now: datetime) -> Freeze | None:
    """The next freeze to begin after `now`."""
    return min((freeze for freeze in freezes if _begins(freeze, zone) > now),
               key=lambda freeze: freeze.first_day, default=None)


def _wall(occurrence: Occurrence) -> str:
    local = occurrence.opens.astimezone(ZoneInfo(occurrence.zone))
    return f"{local:%A %-d %B %Y, %H:%M} ({occurrence.zone}, {occurrence.opens:%H:%M} UTC)"
