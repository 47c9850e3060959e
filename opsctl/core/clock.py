"""Time as an argument: decisions take an instant, only the outermost layer asks the clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo


class Clock(Protocol):
    """Tells the present instant."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class FixedClock:
    """A clock that stands still until it is moved; for tests and for questions with `--at`."""

    def __init__(self, instant: datetime) -> None:
        self._instant = require_aware(instant)

    def now(self) -> datetime:
        return self._instant

    def move(self, by: timedelta) -> None:
        """Move the clock by `by`; negative values set it back."""
        self._instant += by


def require_aware(instant: datetime) -> datetime:
    """Return `instant` in UTC; ValueError when it has no zone."""
    if instant.tzinfo is None:
        raise ValueError("an instant needs a zone, for example 2026-11-23T09:00:00+01:00")
    return instant.astimezone(UTC)


def local_day(instant: datetime, zone: str) -> date:
    """The calendar day of `instant` in the IANA zone `zone` (P16: a day is a local day)."""
    return require_aware(instant).astimezone(ZoneInfo(zone)).date()


def day_bounds(day: date, zone: str) -> tuple[datetime, datetime]:
    """First instant of the local day and first instant of the next, in UTC: 23, 24 or 25 hours apart."""
    tz = ZoneInfo(zone)
    start = datetime.combine(day, time(0), tz).astimezone(UTC)
    end = datetime.combine(day + timedelta(days=1), time(0), tz).astimezone(UTC)
    return start, end


def iso(instant: datetime) -> str:
    """RFC 3339 text in UTC with a `Z`, microseconds only where they are not zero."""
    return require_aware(instant).isoformat().replace("+00:00", "Z")
