"""The newest runs and rollouts, from the ledger."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from opsctl.fleet.rollout import FINISHED, STARTED
from opsctl.runs.leftovers import MENDED

if TYPE_CHECKING:
    from opsctl.ledger import Entry, Ledger

NOT_ENDED, DIED = "not ended", "died"


@dataclass(frozen=True)
class Ran:
    """One run. status: NOT_ENDED while it is at work, or was killed; DIED once the next run has found it so."""

    run: str
    customer: str
    operation: str
    began: datetime
    status: str = NOT_ENDED
    summary: str = ""


def runs(ledger: Ledger, customer: str | None, count: int) -> list[Ran]:
    """The newest `count`, newest first, of one customer or all."""
    kinds = ("run.started", "run.finished", MENDED, STARTED, FINISHED)
    # Each run has two entries; those of runs that overlap may lie a little further back.
    entries = ledger.entries(customer, kinds=kinds, newest_first=True, limit=count * 4)
    return fold(reversed(list(entries)))[-count:][::-1]


def fold(entries: Iterable[Entry]) -> list[Ran]:
    """Runs by their start, from entries in the order of their recording."""
    found: dict[str, Ran] = {}
    for entry in entries:
        said = entry.payload
        if entry.kind == MENDED:
            for run in (one for one in said["died"] if one in found):
                found[run] = replace(found[run], status=DIED, summary=f"found and put right by {entry.run}")
        elif entry.kind in {"run.started", STARTED}:
            found[entry.run] = Ran(entry.run, entry.chain, str(said["operation"]), entry.recorded_at)
        elif entry.run in found:
            failed = said.get("failed") or []
            interrupted = said.get("stopped") == "interrupted"
            status = str(said["status"]) if entry.kind == "run.finished" else \
                "interrupted" if interrupted else "failed" if failed else "done"
            summary = str(said["summary"]) if entry.kind == "run.finished" else _rollout(said)
            found[entry.run] = replace(found[entry.run], status=status, summary=summary)
    return list(found.values())


def _rollout(said: Mapping[str, Any]) -> str:
    parts = [f"{what}: {', '.join(said[what])}" for what in ("failed", "untouched") if said.get(what)]
    return "; ".join(parts) or "every customer is done"
