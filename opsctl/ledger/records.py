"""A stored entry as verification sees it: raw fields of any type, read with suspicion."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, NamedTuple

from opsctl.ledger.canonical import canonical, entry_hash, unstamp

TEXTS = ("chain", "previous", "recorded_at", "kind", "actor", "run", "payload", "hash")


class Record(NamedTuple):
    """One row as it is stored. The types are what they should be; damage may have made them others."""

    chain: Any
    sequence: Any
    previous: Any
    recorded_at: Any
    kind: Any
    actor: Any
    run: Any
    payload: Any
    hash: Any


class Unreadable(Exception):
    """The record cannot be read as an entry; the text says why."""


@dataclass(slots=True)
class Place:
    """An entry at its place in the chain.

    content: what its hash is taken over; None once the hash was found right, to save memory.
    true: the place it was recorded at: the same when it is sound, another when it was moved, None when
    no place makes its hash right.
    """

    sequence: int
    previous: str
    hash: str
    content: dict[str, Any] | None
    true: int | None

    def fits(self, sequence: int) -> bool:
        """Would the hash be right if the entry stood at `sequence`?"""
        return self.content is not None and entry_hash({**self.content, "sequence": sequence}) == self.hash


def read_record(record: Record) -> Place:
    """Parse and hash; Unreadable when a field is not what it must be."""
    if not isinstance(record.sequence, int) or isinstance(record.sequence, bool) or record.sequence < 1:
        raise Unreadable("its sequence is not a positive number")
    for name in TEXTS:
        if not isinstance(getattr(record, name), str):
            raise Unreadable(f"its {name} is not text")
    try:
        unstamp(record.recorded_at)
    except ValueError as error:
        raise Unreadable("its time is not a time") from error
    payload = _payload(record.payload)
    content = {**record._asdict(), "payload": payload}
    del content["hash"]
    try:
        # Another spelling of the same value (spaces, keys twice) is an edit, though it parses alike.
        sound = canonical(payload) == record.payload and entry_hash(content) == record.hash
        if not sound:
            content["payload"] = payload if canonical(payload) == record.payload else record.payload
    except (ValueError, RecursionError) as error:
        raise Unreadable("its text is not Unicode") from error
    if sound:
        return Place(record.sequence, record.previous, record.hash, None, record.sequence)
    return Place(record.sequence, record.previous, record.hash, content, None)


def _payload(text: str) -> dict[str, Any]:
    try:
        payload = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Unreadable("its payload is not JSON") from error
    if not isinstance(payload, dict):
        raise Unreadable("its payload is not a mapping")
    return payload
