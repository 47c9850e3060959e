"""P10 by the operator's own cadence: is the platform up to date at an instant. Pure, and light to load."""

from __future__ import annotations

from datetime import datetime

from opsctl.core.outcome import Status
from opsctl.promises.model import Word

GOOD_RUN = frozenset({Status.DONE.value, Status.UNCHANGED.value, Status.WARNING.value})
"""How a patch run ends that counts."""


def cadence(last: datetime, at: datetime, every_days: int) -> tuple[Word, str]:
    """The platform's verdict at `at`, from the last good patch run."""
    age = (at - last).days
    if age < every_days:
        return Word.KEPT, f"up to date {last:%Y-%m-%d}"
    return Word.BROKEN, f"last {age} days ago, every {every_days} wanted"
