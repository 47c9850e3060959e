"""How the platform of a customer stands by the ledger: an upgrade that was broken off, and what is kept of the last."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from opsctl.runs.installed import MOVED

if TYPE_CHECKING:
    from opsctl.ledger import Entry

STARTED = "upgrade.started"
SECURED = "upgrade.secured"
"""READY is stopped, its rows are counted, and the way back is there."""
RELEASED = "upgrade.released"
"""READY is about to be started on exactly those rows: from here on it may have taken writes."""
APPLIED = "upgrade.applied"
"""One per host or cluster, when all of the upgrade was proven."""
COMPLETED = "upgrade.completed"
REFUSED = "upgrade.refused"
TAKEN_BACK = "upgrade.taken_back"
STUCK = "upgrade.stuck"
FINISHED = "upgrade.finished"
KINDS = frozenset({STARTED, SECURED, RELEASED, COMPLETED, REFUSED, TAKEN_BACK, STUCK, FINISHED, MOVED})


@dataclass(frozen=True)
class Standing:
    """open: the start of an upgrade that neither ended well nor was taken back; then READY may be stopped.

    secured: its rows and snapshot, once the way back was there. released: READY may have taken writes since.
    kept: completed upgrades of which something is kept.
    """

    open: Entry | None = None
    secured: Mapping[str, Any] | None = None
    kept: tuple[Mapping[str, Any], ...] = ()
    released: bool = False


def standing(entries: Iterable[Entry]) -> Standing:
    """From the entries of KINDS, oldest first."""
    started: Entry | None = None
    secured: Mapping[str, Any] | None = None
    released = False
    kept: list[Mapping[str, Any]] = []
    for entry in entries:
        if entry.kind != STUCK:
            # Secured again: READY was stopped, and had written nothing.
            released = entry.kind == RELEASED
        if entry.kind == STARTED:
            started, secured = entry, None
        elif entry.kind == SECURED:
            secured = entry.payload
        elif entry.kind == FINISHED:
            kept = []
        elif entry.kind not in {RELEASED, STUCK}:
            started, secured = None, None
            # Since a move others host the system, on other hosts.
            kept = [] if entry.kind == MOVED else kept
        if entry.kind == COMPLETED:
            kept.append(entry.payload)
    return Standing(started, secured, tuple(kept), released)
