"""Whether backups were restored for the exercise in time. Pure: from the ledger's entries.

The interval is the operator's, `backup.rehearse_days`, counted in the customer's local days for each database.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from opsctl.core.clock import iso, local_day

if TYPE_CHECKING:
    from opsctl.ledger import Entry

REHEARSED, REHEARSAL_FAILED, COMPLETED = "backup.rehearsed", "backup.rehearsal-failed", "backup.completed"
KINDS = (REHEARSED, REHEARSAL_FAILED, COMPLETED)


class Rehearsal(StrEnum):
    """How it stands. NONE: there is no backup to rehearse yet."""

    IN_TIME = "in time"
    DUE = "due"
    LATE = "late"
    FAILED = "failed"
    NONE = "no backup yet"


@dataclass(frozen=True)
class RehearsalState:
    """One database. last: the local day of the last one that succeeded; seconds: what it took."""

    database: str
    state: Rehearsal
    detail: str
    last: date | None = None
    seconds: float | None = None

    @property
    def due(self) -> bool:
        """Is one to be done now?"""
        return self.state in {Rehearsal.DUE, Rehearsal.LATE, Rehearsal.FAILED}


def rehearsal_states(databases: Sequence[str], entries: Iterable[Entry], today: date, every_days: int,
                     zone: str) -> tuple[RehearsalState, ...]:
    """One state per database. entries: of KINDS, in order; one is late the day after it was due."""
    found = tuple(entries)
    return tuple(_state(name, [entry for entry in found if entry.payload.get("database") == name], today, every_days,
                        zone) for name in databases)


def _state(name: str, entries: Sequence[Entry], today: date, every: int, zone: str) -> RehearsalState:
    tries = [entry for entry in entries if entry.kind != COMPLETED]
    good = [entry for entry in tries if entry.kind == REHEARSED]
    last = local_day(good[-1].recorded_at, zone) if good else None
    seconds = took(good[-1].payload) if good else None
    if tries and tries[-1].kind == REHEARSAL_FAILED:
        return RehearsalState(name, Rehearsal.FAILED, f"failed {iso(tries[-1].recorded_at)}: "
                              f"{tries[-1].payload.get('reason', '')}", last, seconds)
    if last is not None:
        age = (today - last).days
        state = Rehearsal.IN_TIME if age < every else Rehearsal.DUE if age == every else Rehearsal.LATE
        timed = f", {seconds:.1f} s" if seconds is not None else ""
        return RehearsalState(name, state, f"the last one on {last}{timed}; one is due every {every} days", last,
                              seconds)
    made = [entry for entry in entries if entry.kind == COMPLETED]
    if not made:
        return RehearsalState(name, Rehearsal.NONE, "there is no backup to restore yet")
    waited = (today - local_day(made[0].recorded_at, zone)).days
    return RehearsalState(name, Rehearsal.LATE if waited > every else Rehearsal.DUE,
                          "no backup was ever restored for the exercise")


def took(payload: Mapping[str, Any]) -> float:
    """Seconds of a whole rehearsal: download, preparation, trial."""
    return float(sum(payload.get("seconds", {}).values()))
