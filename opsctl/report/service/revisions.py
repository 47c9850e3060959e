"""Issued revisions: a report that was issued is reproduced, and one that differs is a new revision with its reason."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, replace

from opsctl.core.clock import iso
from opsctl.ledger.canonical import canonical, plain
from opsctl.ledger.model import Entry
from opsctl.report.service.model import Report


def digest(report: Report) -> str:
    """SHA-256 of the contents: what a revision says, without its own number and the ledger's length."""
    bare = replace(report, revision="", corrections=(), as_of="")
    return hashlib.sha256(canonical(plain(asdict(bare))).encode()).hexdigest()


def numbered(report: Report, issued: Sequence[Entry]) -> Report:
    """The report as the revision that it is, or as a draft of the next.

    issued: the `report.issued` entries of its month, in order.
    """
    if not issued:
        return replace(report, revision="draft")
    last = issued[-1].payload
    if last["sha256"] == digest(report):
        return replace(report, revision=f"revision {last['revision']}", corrections=_told(issued[:-1]),
                       as_of=last["as_of"])
    return replace(report, revision=f"draft of revision {int(last['revision']) + 1}", corrections=_told(issued))


def next_revision(report: Report, issued: Sequence[Entry]) -> int | None:
    """The number under which it would be issued; None when it is issued already."""
    if not issued:
        return 1
    return None if issued[-1].payload["sha256"] == digest(report) else int(issued[-1].payload["revision"]) + 1


def _told(issued: Sequence[Entry]) -> tuple[str, ...]:
    return tuple(f"revision {entry.payload['revision']} of {iso(entry.recorded_at)}"
                 + (f": {entry.payload['reason']}" if entry.payload["reason"] else "") for entry in issued)
