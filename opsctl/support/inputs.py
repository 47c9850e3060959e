"""What people type about a request, read strictly: times with their offset, pauses, levels, changes of level."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from opsctl.contract.levels import LEVELS, Level
from opsctl.core.calendar import Interval
from opsctl.core.errors import UsageError
from opsctl.support.model import LevelChange

ZONE = "Europe/Copenhagen"
"""In which the support hours are, and times are shown (P32)."""
YEARS = range(1990, 2100)
"""What a request may be about."""


def level(letter: str) -> Level:
    """The level of one letter, A to D; UsageError for any other."""
    if letter not in LEVELS:
        raise UsageError(f"there is no level {letter!r}",
                         "the levels are " + ", ".join(f"{one.letter} ({one.title})" for one in LEVELS.values()))
    return LEVELS[letter]


def instant(text: str, zone: str, option: str) -> datetime:
    """An ISO 8601 time with its offset, in UTC. UsageError otherwise, with the offset that `zone` has at that time."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{option}: {text!r} is not a time",
                         "write it as 2026-11-23T09:00:00+01:00 or 2026-11-23T08:00:00Z") from None
    if found.tzinfo is None:
        raise _without_zone(found, zone, option)
    if not YEARS[0] < found.year < YEARS[-1]:
        raise UsageError(f"{option}: {text} must lie in the years {YEARS[0] + 1} to {YEARS[-1] - 1}",
                         "correct the year")
    return found.astimezone(UTC)


def pause(text: str, zone: str) -> Interval:
    """`FROM/TO`; UsageError when it is not two times."""
    parts = text.split("/")
    if len(parts) == 2 and parts[1] in {"", ".."}:
        raise UsageError(f"--pause: {text!r} has no end", "a wait that lasts has given no deadline yet: write the end, "
                         "or leave the pause out")
    if len(parts) != 2:
        raise UsageError(f"--pause: {text!r} is not FROM/TO",
                         "write it as 2026-11-24T10:00:00+01:00/2026-11-25T09:00:00+01:00")
    return Interval(instant(parts[0], zone, "--pause"), instant(parts[1], zone, "--pause"))


def level_change(text: str, zone: str) -> LevelChange:
    """`LEVEL@TIME`; UsageError when it is not."""
    letter, found, when = text.partition("@")
    if not found:
        raise UsageError(f"--level-change: {text!r} is not LEVEL@TIME", "write it as A@2026-11-23T10:00:00+01:00")
    return LevelChange(level(letter), instant(when, zone, "--level-change"))


def _without_zone(wall: datetime, zone: str, option: str) -> UsageError:
    """Why a time without offset is refused; a clock change makes it mean two instants, or none."""
    if not YEARS[0] < wall.year < YEARS[-1]:
        return UsageError(f"{option}: {wall.isoformat()} is a time without a zone", "write its offset behind it")
    tz = ZoneInfo(zone)
    first, second = wall.replace(tzinfo=tz, fold=0), wall.replace(tzinfo=tz, fold=1)
    if first.utcoffset() == second.utcoffset():
        return UsageError(f"{option}: {wall.isoformat()} is a time without a zone",
                          f"write {first.isoformat()} for the time in {zone}, or the offset that is meant")
    if first.astimezone(UTC) < second.astimezone(UTC):
        return UsageError(f"{option}: {wall.isoformat()} comes twice in {zone}, where clocks are set back in that hour",
                          f"write {first.isoformat()} for the first time, {second.isoformat()} for the second")
    later, earlier = (moment.astimezone(UTC).astimezone(tz) for moment in (first, second))
    return UsageError(f"{option}: {wall.isoformat()} does not exist in {zone}, where clocks skip that hour",
                      f"write {later.isoformat()} or {earlier.isoformat()}, whichever is meant")
