"""Made-up disks with a known future: a seeded generator to judge the forecast by.

Each series is a list of days, each with samples through the day (bytes used, and the volume's size), or nothing where
the host was not measured. The generator knows nothing of the forecast; it was written before it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

GIB = 1024**3
FIRST = date(2026, 1, 1)
LENGTH = 120
SAMPLES = 4


@dataclass(frozen=True)
class Disk:
    """used, size: bytes by day, four samples a day in `used`; measured: False on a day without a measurement."""

    kind: str
    seed: int
    used: Sequence[Sequence[float]]
    size: Sequence[float]
    measured: Sequence[bool]

    def maxima(self, until: int, window: int) -> dict[date, int]:
        """The daily maxima of the `window` days before day `until`, as the ledger would have them."""
        return {FIRST + timedelta(days=day): round(max(self.used[day]))
                for day in range(max(0, until - window), until) if self.measured[day]}

    def fills_on(self, since: int) -> int | None:
        """The first day from `since` on which the volume is really full; None when it is not."""
        return next((day for day in range(since, len(self.used)) if max(self.used[day]) >= self.size[day]), None)


def disk(kind: str, seed: int) -> Disk:
    """The series of this kind and seed: always the same."""
    made = random.Random(f"{kind}/{seed}")  # noqa: S311 - a seed, no secret
    size = made.choice([50, 100, 200, 500]) * GIB
    start = size * made.uniform(0.3, 0.6)
    base = [[start + made.gauss(0, size * 0.002) for _ in range(SAMPLES)] for _ in range(LENGTH)]
    plain = Disk(kind, seed, base, [size] * LENGTH, [made.random() > 0.02 for _ in range(LENGTH)])
    return KINDS[kind](plain, made)


def _added(found: Disk, amount: Callable[[int, int], float]) -> Disk:
    used = [[max(0.0, sample + amount(day, hour)) for hour, sample in enumerate(samples)]
            for day, samples in enumerate(found.used)]
    return Disk(found.kind, found.seed, used, found.size, found.measured)


def _steady(found: Disk, _: random.Random) -> Disk:
    return found


def _night_batch(found: Disk, made: random.Random) -> Disk:
    """Each night a batch takes a tenth of the disk and gives it back."""
    share = [found.size[0] * made.uniform(0.02, 0.12) for _ in range(LENGTH)]
    return _added(found, lambda day, hour: share[day] if hour == 0 else 0.0)


def _log_rotation(found: Disk, made: random.Random) -> Disk:
    """Logs grow for a week or two and are thrown away."""
    period, step = made.choice([7, 7, 14]), found.size[0] * made.uniform(0.004, 0.012)
    return _added(found, lambda day, hour: (day % period) * step)


def _restore(found: Disk, made: random.Random) -> Disk:
    """On one to three days a restored copy lies beside the data."""
    days = {made.randrange(20, LENGTH) + extra for extra in range(made.randint(1, 3))}
    share = found.size[0] * made.uniform(0.15, 0.35)
    return _added(found, lambda day, hour: share if day in days else 0.0)


def _enlarged(found: Disk, made: random.Random) -> Disk:
    """A disk that grows steadily and is made half as large again before it is full."""
    when = made.randrange(40, 80)
    rate = (found.size[0] * 0.9 - found.used[0][0]) / (when + made.randrange(2, 6))
    grown = _added(found, lambda day, hour: day * rate)
    size = [one * (1.0 if day < when else 2.5) for day, one in enumerate(found.size)]
    return Disk(found.kind, found.seed, grown.used, size, found.measured)


def _step(found: Disk, made: random.Random) -> Disk:
    """On one day a new data set is loaded and stays."""
    when, share = made.randrange(30, 90), found.size[0] * made.uniform(0.1, 0.2)
    return _added(found, lambda day, hour: share if day >= when else 0.0)


def _slow_leak(found: Disk, made: random.Random) -> Disk:
    """It grows a little each day and will be full between day 70 and 110."""
    rate = (found.size[0] - found.used[0][0]) / made.randrange(70, 110)
    return _added(found, lambda day, hour: day * rate)


def _leak_from_some_day(found: Disk, made: random.Random) -> Disk:
    """Quiet at first; from some day on it grows fast."""
    when = made.randrange(40, 70)
    rate = (found.size[0] - found.used[0][0]) / made.randrange(25, 40)
    return _added(found, lambda day, hour: max(0, day - when) * rate)


def _leak_under_batch(found: Disk, made: random.Random) -> Disk:
    return _night_batch(_slow_leak(found, made), made)


def _leak_under_rotation(found: Disk, made: random.Random) -> Disk:
    return _log_rotation(_slow_leak(found, made), made)


def _missing_days(found: Disk, made: random.Random) -> Disk:
    """A slow leak, measured on six days of ten."""
    leak = _slow_leak(found, made)
    return Disk(found.kind, found.seed, leak.used, leak.size, [made.random() < 0.6 for _ in range(LENGTH)])


def _outage(found: Disk, made: random.Random) -> Disk:
    """A slow leak; for twelve days nothing was measured."""
    leak, when = _slow_leak(found, made), made.randrange(30, 70)
    return Disk(found.kind, found.seed, leak.used, leak.size,
                [was and not when <= day < when + 12 for day, was in enumerate(leak.measured)])


def _shrinking(found: Disk, made: random.Random) -> Disk:
    rate = found.used[0][0] / made.randrange(200, 400)
    return _added(found, lambda day, hour: -day * rate)


KINDS: Mapping[str, Callable[[Disk, random.Random], Disk]] = {
    "steady": _steady, "night batch": _night_batch, "log rotation": _log_rotation, "restore": _restore,
    "disk enlarged": _enlarged, "step": _step, "slow leak": _slow_leak, "leak from some day": _leak_from_some_day,
    "leak under a night batch": _leak_under_batch, "leak under log rotation": _leak_under_rotation,
    "missing days": _missing_days, "outage of the measurement": _outage, "shrinking": _shrinking}
