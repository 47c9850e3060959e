"""P10 by the operator's own cadence: is the platform up to date at an instant. Pure, and light to load."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from opsctl.contract.gate import Purpose
from opsctl.core.outcome import Status
from opsctl.promises.model import Word

GOOD_RUN = frozenset({Status.DONE.value, Status.UNCHANGED.value, Status.WARNING.value})
"""How a patch run ends that counts."""


def security_alone(run: Mapping[str, Any]) -> bool:
    """Whether a patch run was for security fixes and nothing else. run: the payload of its end."""
    return run.get("purpose") == Purpose.PROTECT


def counts(run: Mapping[str, Any], day: date, today: date, agreed: Callable[[date], bool]) -> bool:
    """Whether a good patch run brought all that the contract gives. Security fixes alone are that only where no
    agreement covers the other updates (P05): on the run's own local day, or today. agreed: is one valid on a day?"""
    return not security_alone(run) or not (agreed(day) and agreed(today))


def cadence(last: datetime, at: datetime, every_days: int) -> tuple[Word, str]:
    """The platform's verdict at `at`, from the last good patch run."""
    age = (at - last).days
    if age < every_days:
        return Word.KEPT, f"up to date {last:%Y-%m-%d}"
    return Word.BROKEN, f"last {age} days ago, every {every_days} wanted"
