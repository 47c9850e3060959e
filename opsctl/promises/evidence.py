"""A customer's evidence as the register reads it: the sound entries, and where some are damaged or gone.

An entry whose hash is not right proves nothing, and what is gone may have been anything: on a day that touches such a
place, what has no evidence is unknown, not broken.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from opsctl.ledger.canonical import unstamp
from opsctl.ledger.model import Entry, FindingKind

if TYPE_CHECKING:
    from opsctl.ledger import Ledger

START = datetime.min.replace(tzinfo=UTC)
END = datetime.max.replace(tzinfo=UTC)
_FIELDS = ("chain", "sequence", "kind", "recorded_at", "actor", "run", "payload", "previous", "hash")


@dataclass(frozen=True)
class Evidence:
    """entries: sound ones, in order. gaps: spans in which entries are damaged or gone. findings: what is wrong.

    begins: when the first entry was recorded that tells of work; None where there is none.
    """

    entries: tuple[Entry, ...]
    begins: datetime | None = None
    gaps: tuple[tuple[datetime, datetime], ...] = ()
    findings: tuple[str, ...] = ()

    def of(self, *kinds: str) -> tuple[Entry, ...]:
        """The entries of these kinds, in order."""
        return tuple(entry for entry in self.entries if entry.kind in kinds)

    def gap_in(self, since: datetime, until: datetime) -> bool:
        """May evidence recorded in [since, until) be damaged or gone?"""
        return any(start < until and end > since for start, end in self.gaps)


def of_entries(entries: Sequence[Entry]) -> Evidence:
    """Evidence that is sound as a whole."""
    return Evidence(tuple(entries), _begins(entries))


def read(ledger: Ledger, customer: str, until: datetime) -> Evidence:
    """Everything recorded about `customer` before `until`; damage is told, never raised."""
    from opsctl.ledger.export import verify_export

    lines = list(ledger.export(customer))
    verification = verify_export(lines)
    wrong = {finding.sequence for finding in verification.findings if finding.kind is not FindingKind.DROPPED}
    known = sorted((entry for entry in _entries(lines) if entry.chain == customer), key=lambda entry: entry.sequence)
    sound = [entry for entry in known if entry.sequence not in wrong]
    findings = tuple(f"{finding.kind.value}{f' at {customer}:{finding.sequence}' if finding.sequence else ''}: "
                     f"{finding.detail}" for finding in verification.findings)
    places = [finding.sequence for finding in verification.findings]
    kept = tuple(entry for entry in sound if entry.recorded_at < until)
    return Evidence(kept, _begins(kept), tuple(_around(sound, place) for place in places), findings)


def _begins(entries: Iterable[Entry]) -> datetime | None:
    """When the records begin. Reports that were issued or noted are none: issuing one must not change what it says."""
    return next((entry.recorded_at for entry in entries if not entry.kind.startswith("report.")), None)


def _entries(lines: Iterable[str]) -> Iterable[Entry]:
    for line in lines:
        try:
            value = json.loads(line)
            if "head" not in value:
                yield Entry(**{**{name: value[name] for name in _FIELDS}, "recorded_at": unstamp(value["recorded_at"])})
        except (ValueError, TypeError, KeyError):
            continue  # a line that cannot be read is among the verification's findings


def _around(sound: Sequence[Entry], place: int | None) -> tuple[datetime, datetime]:
    """From the last sound entry before the place to the first after it: there the missing one was recorded."""
    if place is None:
        return START, END
    before = [entry.recorded_at for entry in sound if entry.sequence < place]
    after = [entry.recorded_at for entry in sound if entry.sequence > place]
    # Where the clock was set back between them, the span is the same the other way round.
    first, last = (before[-1] if before else START), (after[0] if after else END)
    return min(first, last), max(first, last)
