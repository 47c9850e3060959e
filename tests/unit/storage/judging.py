"""The forecast judged on the seeded series: alarms counted as true, false and missed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from opsctl.storage.forecast import alarming, forecast
from tests.unit.storage.series import FIRST, KINDS, LENGTH, Disk, disk

WITHIN = 14
THRESHOLD = 0.8
SEEDS, EVERY = 20, 4


@dataclass
class Score:
    """days: judgements. silent: without a forecast. due: really full within 14 days.

    false: an alarm, and not full within twice the time. missed_by_all: the threshold did not warn either.
    """

    kind: str
    days: int = 0
    silent: int = 0
    alarms: int = 0
    false: int = 0
    due: int = 0
    missed: int = 0
    missed_by_all: int = 0


def score(kind: str, seeds: int = SEEDS) -> Score:
    """All judgements of one kind."""
    total = Score(kind)
    for seed in range(seeds):
        made = disk(kind, seed)
        for day in range(16, LENGTH - 2 * WITHIN - 1, EVERY):
            _judge(made, day, total)
    return total


def _judge(made: Disk, day: int, total: Score) -> None:
    today, size = FIRST + timedelta(days=day - 1), round(made.size[day - 1])
    if max(made.used[day - 1]) >= size:
        return
    found = forecast(made.maxima(day, 60), size, today)
    alarm = alarming(found, today, WITHIN)
    full = next((later for later in range(day, LENGTH) if max(made.used[later]) >= size), None)
    left = None if full is None else full - day + 1
    total.days += 1
    total.silent += found.growth is None
    total.alarms += alarm
    total.false += alarm and (left is None or left > 2 * WITHIN)
    if left is not None and left <= WITHIN:
        total.due += 1
        total.missed += not alarm
        total.missed_by_all += not alarm and max(made.used[day - 1]) < THRESHOLD * size


def table() -> str:
    """The counts as a Markdown table, for docs/surveillance.md."""
    lines = ["| series | judged | no forecast | alarms | false | really full within 14 days | missed by the forecast "
             "| missed by the 80 % threshold too |", "|---|---|---|---|---|---|---|---|"]
    for kind in KINDS:
        one = score(kind)
        lines.append(f"| {kind} | {one.days} | {one.silent} | {one.alarms} | {one.false} | {one.due} | {one.missed} | "
                     f"{one.missed_by_all} |")
    return "\n".join(lines)
