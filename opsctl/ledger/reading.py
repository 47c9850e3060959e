"""Reading entries back: pages in a steady order, and rows turned into values."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Select, select

from opsctl.core.errors import EvidenceDamaged
from opsctl.ledger import schema
from opsctl.ledger.canonical import stamp, unstamp
from opsctl.ledger.database import Database
from opsctl.ledger.model import Entry, Latest

_table = schema.entry
PAGE = 500


@dataclass(frozen=True)
class Selection:
    """Which entries, in which order. since: inclusive; until: exclusive; limit: None for all."""

    chain: str | None = None
    kinds: frozenset[str] | None = None
    run: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    newest_first: bool = False
    limit: int | None = None


def read(database: Database, selection: Selection) -> Iterator[Entry]:
    """The selected entries: by sequence within one chain, by arrival over all.

    Pages of their own short transactions: what is appended meanwhile may be seen at the end, and nobody
    waits for a slow reader. EvidenceDamaged for a row that cannot be read.
    """
    key: Column[int] = _table.c.id if selection.chain is None else _table.c.sequence
    query = _filtered(selection).order_by(key.desc() if selection.newest_first else key)
    left, last = selection.limit, None
    while left is None or left > 0:
        size = PAGE if left is None else min(PAGE, left)
        page = query.limit(size)
        if last is not None:
            page = page.where(key < last if selection.newest_first else key > last)
        with database.reading() as connection:
            rows = connection.execute(page).all()
        yield from map(entry_of, rows)
        if len(rows) < size:
            return
        last = getattr(rows[-1], key.name)
        left = None if left is None else left - size


def _filtered(selection: Selection) -> Select[Any]:
    query = select(_table)
    if selection.chain is not None:
        query = query.where(_table.c.chain == selection.chain)
    if selection.kinds is not None:
        query = query.where(_table.c.kind.in_(sorted(selection.kinds)))
    if selection.run is not None:
        query = query.where(_table.c.run == selection.run)
    if selection.since is not None:
        query = query.where(_table.c.recorded_at >= stamp(selection.since))
    if selection.until is not None:
        query = query.where(_table.c.recorded_at < stamp(selection.until))
    return query


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
        return Latest(row.topic, row.chain, row.sequence, unstamp(row.recorded_at), payload)
    except (ValueError, TypeError, RecursionError) as error:
        raise EvidenceDamaged(f"The newest entry {row.topic} of the chain {row.chain} cannot be read.",
                              "Run `opsctl ledger verify` to see everything that is wrong.") from error
