"""How installations of READY ended at a customer, by the ledger: what the customer is told afterwards (P49). Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from opsctl.runs.installed import INSTALLED, STARTED, STUCK, TAKEN_BACK

if TYPE_CHECKING:
    from opsctl.ledger import Entry


@dataclass(frozen=True)
class Ended:
    """One installation that came to its end: several releases of one run that follow each other are one.

    start: when the first was begun, READY not yet stopped. end: when the proof of its end was recorded. taken_back: it
    did not succeed, and `before` runs again. run: the one that has the proof.
    """

    before: str
    release: str
    start: datetime
    end: datetime
    taken_back: bool
    run: str


def ended(entries: Iterable[Entry]) -> tuple[Ended, ...]:
    """From the entries of `standing.KINDS`, oldest first. What was refused untouched, or is stuck, has not ended."""
    found: list[Ended] = []
    begun: Entry | None = None
    for entry in entries:
        if entry.kind == STARTED:
            begun = entry
        elif entry.kind == STUCK:
            continue
        else:
            if begun is not None and entry.kind in {INSTALLED, TAKEN_BACK}:
                _add(found, begun, entry)
            begun = None
    return tuple(found)


def _add(found: list[Ended], begun: Entry, entry: Entry) -> None:
    said = begun.payload
    one = Ended(str(said["from"]), str(said["to"]), begun.recorded_at, entry.recorded_at, entry.kind == TAKEN_BACK,
                entry.run)
    last = found[-1] if found else None
    follows = last is not None and not last.taken_back and not one.taken_back and last.run == one.run
    if last is not None and follows and last.release == one.before:
        found[-1] = replace(last, release=one.release, end=one.end)
    else:
        found.append(one)
