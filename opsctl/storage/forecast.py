"""When a volume will be full: the median of the slopes between all pairs of days (Theil-Sen).

One odd day, such as a backup that was copied there and removed, moves a mean but not this median.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from itertools import combinations
from statistics import median

MINIMUM_DAYS = 3
"""Fewer days than this say nothing about growth."""


def growth_per_day(used: Mapping[date, int]) -> float | None:
    """Bytes a day (negative when it shrinks); None with fewer than MINIMUM_DAYS days."""
    if len(used) < MINIMUM_DAYS:
        return None
    return median((used[later] - used[earlier]) / (later - earlier).days
                  for earlier, later in combinations(sorted(used), 2))


def days_until_full(available: int, growth: float | None) -> float | None:
    """Days until `available` bytes are gone; None when it does not grow or that is not known."""
    if growth is None or growth <= 0:
        return None
    return available / growth
