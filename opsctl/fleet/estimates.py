"""How long work will need, by what it needed before: nothing is started that cannot end in its window."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from opsctl.core.outcome import Status
from opsctl.profiles.model import Profile
from opsctl.runs.workplace import Workplace

LAST = 5
RESERVE = 1.25
"""A run may take a quarter longer than the longest of the last."""


def needed(finished: Iterable[Mapping[str, Any]], operation: str, otherwise: timedelta) -> timedelta:
    """From payloads of `run.finished`, newest first: the longest of the last five that did something, and a reserve.

    otherwise: when there is none.
    """
    seconds = [float(payload["seconds"]) for payload in finished
               if payload["operation"] == operation and payload["status"] in {Status.DONE, Status.WARNING}][:LAST]
    return timedelta(seconds=round(max(seconds) * RESERVE)) if seconds else otherwise


def estimate(workplace: Workplace, profile: Profile, operation: str, otherwise: timedelta, *,
             least: timedelta = timedelta(0)) -> timedelta:
    """The same for a customer, from the ledger; never less than `least`, which this piece of work says of itself."""
    entries = workplace.ledger.entries(profile.customer, kinds=("run.finished",), newest_first=True, limit=500)
    return max(least, needed((entry.payload for entry in entries), operation, otherwise))
