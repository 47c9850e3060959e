"""The page's small pictures as SVG paths: short texts with whole numbers, since there are thousands of them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import groupby

from opsctl.promises.model import Word
from opsctl.report.fleet.model import Disk

CELL = 6
"""Units per day of a calendar; the gap between days comes from the line's dashes."""
HEIGHT = 40
PAST, AHEAD = 30, 30
"""Days of a plot before and after today."""
_SHAPES = {Word.KEPT: "k", Word.BROKEN: "b", Word.UNKNOWN: "u", Word.NOT_DUE: "n", Word.NOT_COVERED: "o"}


def calendar(days: Sequence[tuple[date, Word]]) -> tuple[tuple[str, str], ...]:
    """Paths by class: one line for each run of equal days. Classes differ in height as well as in colour."""
    paths: dict[str, str] = {}
    place = 0
    for word, run in groupby(days, key=lambda one: one[1]):
        length = len(list(run)) * CELL
        name = _SHAPES.get(word, "u")
        paths[name] = paths.get(name, "") + f"M{place} 8h{length}"
        place += length
    return tuple(paths.items())


def calendar_words(days: Sequence[tuple[date, Word]]) -> str:
    """The calendar for who does not see it: counts, and the broken days by name."""
    if not days:
        return "no backups owed"
    counts = {word: sum(1 for _, one in days if one is word) for word in Word}
    told = ", ".join(f"{count} {word.value}" for word, count in counts.items() if count)
    broken = [f"{day:%-d %B}" for day, word in days if word is Word.BROKEN]
    return f"backups of {len(days)} days: {told}" + (f"; broken on {', '.join(broken[-8:])}" if broken else "")


def curve(disk: Disk) -> str:
    """The use of the last days, as a line; today is at x = PAST, 100 % at y = 0."""
    if not disk.used:
        return ""
    last = disk.used[-1][0]
    points = [(PAST - (last - day).days, _y(value)) for day, value in disk.used]
    return "M" + "L".join(f"{x} {y}" for x, y in _thinned(points))


def cone(disk: Disk) -> str:
    """The forecast's interval, from today's use; empty without a forecast."""
    if disk.low is None or disk.high is None or not disk.used:
        return ""
    end = PAST + AHEAD
    return (f"M{PAST} {_y(disk.now)}L{end} {_y(disk.now + disk.high * AHEAD)}"
            f"V{_y(disk.now + disk.low * AHEAD)}z")


def ahead(disk: Disk) -> str:
    """The forecast itself, as a line; empty without one."""
    if disk.estimate is None or not disk.used:
        return ""
    return f"M{PAST} {_y(disk.now)}L{PAST + AHEAD} {_y(disk.now + disk.estimate * AHEAD)}"


def _y(percent: float) -> int:
    return round(HEIGHT * (1 - min(100.0, max(0.0, percent)) / 100))


def _thinned(points: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Without points between two of the same height: a disk that does not move is two points."""
    for place, point in enumerate(points):
        inner = 0 < place < len(points) - 1
        if not (inner and points[place - 1][1] == point[1] == points[place + 1][1]):
            yield point
