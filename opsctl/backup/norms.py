"""What is unusual of a backup, against the median of the last 14 good ones before it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import median

LAST = 14
FEWEST = 3
"""With fewer before it nothing is usual yet."""
SLOWER_SECONDS = 60.0
"""So much longer at least: twice of nearly nothing is no finding."""


class Unusual(StrEnum):
    """How a backup differs from those before it."""

    SMALL = "too small"
    LARGE = "too large"
    SLOW = "too slow"


@dataclass(frozen=True)
class Measure:
    """bytes in the store, seconds from start to manifest."""

    bytes: int
    seconds: float


@dataclass(frozen=True)
class Deviation:
    """What is unusual, in one word and one sentence."""

    unusual: Unusual
    reason: str


def deviations(before: Sequence[Measure], now: Measure) -> tuple[Deviation, ...]:
    """Half or twice the median size, or twice the median time; `before` oldest first."""
    last = before[-LAST:]
    if len(last) < FEWEST:
        return ()
    found = []
    usual = median(measure.bytes for measure in last)
    if not usual / 2 <= now.bytes <= usual * 2:
        which = Unusual.SMALL if now.bytes < usual else Unusual.LARGE
        found.append(Deviation(which, f"{now.bytes / 1e6:.1f} MB where {usual / 1e6:.1f} MB are usual: look whether "
                                      "the database holds what it should"))
    pace = median(measure.seconds for measure in last)
    if now.seconds > max(pace * 2, pace + SLOWER_SECONDS):
        found.append(Deviation(Unusual.SLOW, f"{now.seconds:.0f} s where {pace:.0f} s are usual: look at the host's "
                                             "disk and the link to the store"))
    return tuple(found)
