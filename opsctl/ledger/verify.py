"""What is wrong with a chain: a pure decision over its records, its head row and a checkpoint."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from opsctl.ledger.model import GENESIS, Checkpoint, Finding, FindingKind
from opsctl.ledger.records import Place, Record, Unreadable, read_record


@dataclass(frozen=True)
class Witness:
    """Something that knew the chain at some length. name: how a finding calls it.

    latest: it should know the chain's present end (the head row), not an earlier one (a checkpoint).
    """

    name: str
    checkpoint: Checkpoint
    latest: bool


def examine(chain: str, records: Iterable[Record], witnesses: Iterable[Witness]) -> tuple[int, list[Finding]]:
    """How many records the chain has, and its findings by place. Records come in the order of sequence."""
    return _Examination(chain, list(witnesses)).run(records)


class _Examination:
    """One chain's examination; the steps share the places and add findings."""

    def __init__(self, chain: str, witnesses: list[Witness]) -> None:
        self.chain = chain
        self.witnesses = witnesses
        self.places: list[Place] = []
        self.unreadable: set[int] = set()
        self.findings: list[Finding] = []

    def run(self, records: Iterable[Record]) -> tuple[int, list[Finding]]:
        count = self._read(records)
        trace(self.places, [witness.checkpoint for witness in self.witnesses])
        self._damaged()
        self._links()
        occupied = {place.true or place.sequence for place in self.places} | self.unreadable
        self._gaps(occupied)
        self.hashes: dict[int, set[str]] = defaultdict(set)
        for place in self.places:
            self.hashes[place.true or place.sequence].add(place.hash)
        for witness in self.witnesses:
            self._ask(witness, max(occupied, default=0))
        self.findings.sort(key=lambda finding: (finding.sequence or 0, finding.kind))
        return count, self.findings

    def _find(self, kind: FindingKind, sequence: int | None, detail: str) -> None:
        self.findings.append(Finding(self.chain, kind, sequence, detail))

    def _read(self, records: Iterable[Record]) -> int:
        count = highest = 0
        for record in records:
            count += 1
            try:
                place = read_record(record)
            except Unreadable as error:
                known = record.sequence if isinstance(record.sequence, int) else None
                if known is not None and known > 0:
                    self.unreadable.add(known)
                self._find(FindingKind.UNREADABLE, known, f"The entry cannot be read: {error}.")
                continue
            if place.sequence <= highest:
                self._find(FindingKind.MOVED, place.sequence,
                           f"The entry stands after entry {highest}, or stands there twice.")
            highest = max(highest, place.sequence)
            self.places.append(place)
        return count

    def _damaged(self) -> None:
        for place in self.places:
            if place.true is None:
                self._find(FindingKind.EDITED, place.sequence, "The content does not match its hash.")
            elif place.true != place.sequence:
                self._find(FindingKind.MOVED, place.sequence, f"Here stands what was recorded as entry {place.true}.")

    def _links(self) -> None:
        """Entries whose own hash is right, but which the next one does not follow: rewritten with a new hash."""
        before: Place | None = Place(0, "", GENESIS, None, 0)
        for place in self.places:
            if place.true != place.sequence:
                before = None
                continue
            if before and place.sequence == before.sequence + 1 and place.previous != before.hash:
                self._find(FindingKind.REWRITTEN, max(before.sequence, 1),
                           f"Entry {place.sequence} was chained to another entry than the one before it: "
                           "one of the two was rewritten together with its hash.")
            before = place

    def _gaps(self, occupied: set[int]) -> None:
        before = 0
        for sequence in sorted(occupied):
            if sequence > before + 1:
                first, last = before + 1, sequence - 1
                what = f"Entry {first} is" if first == last else f"Entries {first} to {last} are"
                self._find(FindingKind.DROPPED, first, f"{what} missing.")
            before = sequence

    def _ask(self, witness: Witness, last: int) -> None:
        count, head = witness.checkpoint
        if count > last:
            self._find(FindingKind.CUT_TAIL, last + 1,
                       f"The {witness.name} knows {count} entries, and the chain ends at {last}.")
            return
        if witness.latest and count < last:
            self._find(FindingKind.HEAD_MISMATCH, last,
                       f"The {witness.name} knows {count} entries only, and the chain ends at {last}.")
            return
        hashes = self.hashes.get(count, set())
        if (hashes and head not in hashes) or (count == 0 and head != GENESIS):
            self._find(FindingKind.HEAD_MISMATCH, count or None,
                       f"The {witness.name} knows another entry {count} than the one that stands there.")


def trace(places: list[Place], anchors: Iterable[Checkpoint]) -> None:
    """Find where damaged entries were recorded, by the links from entries whose place is certain.

    Sets `true` where the entry's hash is right for the place its neighbours' links name. Linear in time.
    """
    damaged = [place for place in places if place.true is None]
    following: dict[str, list[Place]] = defaultdict(list)
    own: dict[str, list[Place]] = defaultdict(list)
    for place in damaged:
        following[place.previous].append(place)
        own[place.hash].append(place)
    pending = [(GENESIS, 0), *((anchor.head, anchor.length) for anchor in anchors)]
    pending += [known for place in places if place.true is not None for known in _knows(place, place.true)]
    while pending:
        known, sequence = pending.pop()
        for place, candidate in _candidates(own[known], following[known], sequence):
            if place.true is None and place.fits(candidate):
                place.true = candidate
                pending += _knows(place, candidate)


def _knows(place: Place, sequence: int) -> list[tuple[str, int]]:
    return [(place.hash, sequence), (place.previous, sequence - 1)]


def _candidates(own: list[Place], following: list[Place], sequence: int) -> Iterator[tuple[Place, int]]:
    yield from ((place, sequence) for place in own)
    yield from ((place, sequence + 1) for place in following)
