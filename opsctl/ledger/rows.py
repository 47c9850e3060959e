"""A stored row as a value; no database library here."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, NamedTuple

from opsctl.core.clock import require_aware
from opsctl.core.errors import EvidenceDamaged
from opsctl.ledger.canonical import unstamp
from opsctl.ledger.model import Entry, Latest


class Newest(NamedTuple):
    """A row of the newest entries: the entry's own fields, as they are stored."""

    topic: Any
    chain: Any
    sequence: Any
    recorded_at: Any
    payload: Any


def entry_of(row: Any) -> Entry:
    """The row as a value; EvidenceDamaged when it is none. Its hash is `verify`'s matter."""
    try:
        payload = json.loads(row.payload)
        if not isinstance(payload, dict) or not isinstance(row.sequence, int):
            raise TypeError("its payload is not a mapping, or its place not a number")
        return Entry(row.chain, row.sequence, row.kind, unstamp(row.recorded_at), row.actor, row.run, payload,
                     row.previous, row.hash)
    except (ValueError, TypeError, RecursionError) as error:
        raise EvidenceDamaged(f"Entry {row.sequence} of the chain {row.chain} cannot be read.",
                              "Run `opsctl ledger verify` to see everything that is wrong.") from error


def latest_of(row: Any) -> Latest:
    """A row of the newest entries as a value; EvidenceDamaged when it is none."""
    try:
        payload = json.loads(row.payload)
        if not isinstance(payload, dict) or not isinstance(row.sequence, int):
            raise TypeError("its payload is not a mapping, or its place not a number")
        # Whether it is written as it should be is `verify`'s matter; there are thousands of these.
        at = require_aware(datetime.fromisoformat(row.recorded_at))
        return Latest(row.topic, row.chain, row.sequence, at, payload)
    except (ValueError, TypeError, RecursionError) as error:
        raise EvidenceDamaged(f"The newest entry {row.topic} of the chain {row.chain} cannot be read.",
                              "Run `opsctl ledger verify` to see everything that is wrong.") from error
