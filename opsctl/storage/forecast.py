"""When a volume will be full: the median of the slopes between all pairs of days (Theil-Sen), with its interval.

From daily maxima of the last two weeks. One odd day, such as a restore beside the data, moves a mean but not this
median; a data set that was loaded once and stays is a step, not growth, and is taken out before. The interval is that
of Sen (1968), from the ranks of the slopes. Too few days give no forecast, and a forecast never replaces a threshold.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import combinations, pairwise
from math import sqrt
from statistics import median

WINDOW_DAYS = 14
MINIMUM_DAYS = 10
"""So many of the window's days must have been measured."""
CONFIDENCE = 1.645
"""The normal quantile of a two-sided interval of 90 %."""
STEP_FACTOR = 6
STEP_SHARE = 0.03
NOT_ENOUGH = "not enough data"


@dataclass(frozen=True)
class Growth:
    """Bytes a day: the estimate and its 90 % interval. level: bytes used on the last day, by the fitted line."""

    low: float
    estimate: float
    high: float
    level: float
    days: int


@dataclass(frozen=True)
class Forecast:
    """When a volume is full. growth: None with too few days. earliest, latest: of the interval; None means never."""

    growth: Growth | None
    full: date | None = None
    earliest: date | None = None
    latest: date | None = None

    @property
    def text(self) -> str:
        """For people; one of few fixed forms."""
        if self.growth is None:
            return NOT_ENOUGH
        if self.earliest is None:
            return "does not grow"
        if self.full is None:
            return f"not at this growth; {self.earliest} at the earliest"
        return f"about {self.full}, from {self.earliest} to {self.latest or 'never'}"


def growth(used: Mapping[date, int], today: date) -> Growth | None:
    """The growth of the daily maxima `used` over the WINDOW_DAYS before and with `today`; None with too few days."""
    first = today - timedelta(days=WINDOW_DAYS)
    days = sorted(day for day in used if first < day <= today)
    if len(days) < MINIMUM_DAYS:
        return None
    places = [(day - days[0]).days for day in days]
    values = _without_steps([float(used[day]) for day in days])
    slopes = sorted((values[later] - values[earlier]) / (places[later] - places[earlier])
                    for earlier, later in combinations(range(len(days)), 2))
    estimate = median(slopes)
    # Sen's interval: the slopes whose ranks lie so far from the middle that chance explains no more.
    count = len(days)
    spread = CONFIDENCE * sqrt(count * (count - 1) * (2 * count + 5) / 18)
    low = slopes[max(0, int((len(slopes) - spread) / 2))]
    high = slopes[min(len(slopes) - 1, int((len(slopes) + spread) / 2))]
    level = median(value - estimate * place for value, place in zip(values, places, strict=True)) \
        + estimate * places[-1]
    return Growth(low, estimate, high, level, count)


def forecast(used: Mapping[date, int], usable: int, today: date) -> Forecast:
    """When `usable` bytes will be used up, from the daily maxima `used`."""
    found = growth(used, today)
    if found is None:
        return Forecast(None)
    left = max(0.0, usable - found.level)
    return Forecast(found, *(_after(today, left, slope) for slope in (found.estimate, found.high, found.low)))


def alarming(found: Forecast, today: date, within_days: int) -> bool:
    """Is it to be full within so many days, and is the growth more than chance?"""
    return found.full is not None and found.latest is not None and (found.full - today).days <= within_days


def _after(today: date, left: float, slope: float) -> date | None:
    if slope <= 0 or left / slope > 3650:
        return None
    return today + timedelta(days=round(left / slope))


def _without_steps(values: Sequence[float]) -> list[float]:
    """The values with jumps up that were not undone taken out: what was loaded once is no growth."""
    changes = [later - earlier for earlier, later in pairwise(values)]
    usual = median(abs(change) for change in changes)
    result = list(values)
    for place, change in enumerate(changes, start=1):
        if change > max(STEP_FACTOR * usual, STEP_SHARE * max(values)) and _stays(values, place, change):
            result[place:] = [value - change for value in result[place:]]
    moved = values[-1] - result[-1]
    return [value + moved for value in result]


def _stays(values: Sequence[float], place: int, change: float) -> bool:
    return min(values[place:]) > values[place - 1] + change / 2
