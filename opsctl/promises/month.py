"""A month of local days, half-open in time: what a register or a report is about."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from opsctl.core.clock import day_bounds, local_day
from opsctl.core.errors import UsageError

_WRITTEN = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")
YEARS = range(1990, 2100)


@dataclass(frozen=True, order=True)
class Month:
    """A calendar month."""

    year: int
    number: int

    def __str__(self) -> str:
        return f"{self.year:04}-{self.number:02}"

    @property
    def first(self) -> date:
        """Its first day."""
        return date(self.year, self.number, 1)

    @property
    def following(self) -> Month:
        """The month after it."""
        return Month(self.year + 1, 1) if self.number == 12 else Month(self.year, self.number + 1)

    @property
    def before(self) -> Month:
        """The month before it."""
        return Month(self.year - 1, 12) if self.number == 1 else Month(self.year, self.number - 1)

    def days(self) -> Iterator[date]:
        """Its days in order."""
        day = self.first
        while day < self.following.first:
            yield day
            day += timedelta(days=1)

    def bounds(self, zone: str) -> tuple[datetime, datetime]:
        """First instant and first instant of the next month, in UTC."""
        return day_bounds(self.first, zone)[0], day_bounds(self.following.first, zone)[0]


def month_of(instant: datetime, zone: str) -> Month:
    """The local month of an instant."""
    day = local_day(instant, zone)
    return Month(day.year, day.month)


def parse(text: str) -> Month:
    """`2026-10`; UsageError for anything else."""
    match = _WRITTEN.fullmatch(text)
    if match is None or int(match[1]) not in YEARS:
        raise UsageError(f"--month: {text[:20]!r} is not a month", "write it as 2026-10")
    return Month(int(match[1]), int(match[2]))
