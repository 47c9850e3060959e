"""Times and lengths as `opsctl support` shows them."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from opsctl.core.clock import iso


def local(moment: datetime, zone: str) -> str:
    """`Mon 2026-11-23 09:00:00 CET`; parts of a second are kept on record and not shown."""
    there = moment.astimezone(ZoneInfo(zone)).replace(microsecond=0)
    return f"{there:%a} {there.replace(tzinfo=None).isoformat(' ')} {there:%Z}"


def both(moment: datetime, zone: str) -> str:
    """Local and in UTC."""
    return f"{local(moment, zone)} ({iso(moment.replace(microsecond=0))})"


def hours(length: timedelta) -> str:
    """Hours, also beyond 24, minutes and seconds: a working day has no 24 hours to count days by."""
    minutes, rest = divmod(length, timedelta(minutes=1))
    fraction = f".{rest.microseconds:06d}" if rest.microseconds else ""
    return f"{minutes // 60}:{minutes % 60:02d}:{rest.seconds:02d}{fraction}"


def seconds(length: float) -> str:
    """As `hours`, from seconds."""
    return hours(timedelta(seconds=length))
