"""What is due for one customer tonight: pure decisions with their reasons."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from opsctl.fleet.windows import Opening


@dataclass(frozen=True)
class Due:
    """due: do it now. reason: why, or why not; shown to people as it stands."""

    due: bool
    reason: str


def backup_due(days: Collection[date], today: date) -> Due:
    """One good full backup per local calendar day (P16); a second one in a day is not needed."""
    if today in days:
        return Due(False, f"a good backup of {today} exists")
    return Due(True, f"no good backup of {today} yet")


def check_due(last: date | None, today: date, level: str = "ok") -> Due:
    """Once per local day, and again while the last measurement is none or critical. level: what it found."""
    if last == today and level not in {"ok", "warning"}:
        return Due(True, f"checked on {today}, and the result was {level or 'not kept'}")
    if last == today:
        return Due(False, f"checked on {today}")
    return Due(True, "not checked today")


def patch_due(last: datetime | None, now: datetime, every_days: int, window: Opening, backed_up: bool) -> Due:
    """Patch when the operator's cadence says so, the window is open, and today's backup is good.

    last: when the platform was last brought up to date. Late is skipped, never caught up in the day.
    """
    if last is not None and now - last < timedelta(days=every_days):
        return Due(False, f"up to date since {last:%Y-%m-%d}; due every {every_days} days")
    if not window.open:
        return Due(False, window.reason)
    if not backed_up:
        return Due(False, "there is no good backup of today to go back to")
    return Due(True, window.reason)
