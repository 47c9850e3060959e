"""Reading entries back: pages in a steady order."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, Select, func, select

from opsctl.ledger import schema
from opsctl.ledger.canonical import stamp, unstamp
from opsctl.ledger.database import Database
from opsctl.ledger.model import Entry
from opsctl.ledger.rows import entry_of

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
    # Within one chain an index over all chains must not be chosen: an expression keeps the planner from it.
    when = _table.c.recorded_at if selection.chain is None else func.coalesce(_table.c.recorded_at, "")
    if selection.since is not None:
        query = query.where(when >= stamp(selection.since))
    if selection.until is not None:
        query = query.where(when < stamp(selection.until))
    return query


def across(connection: Connection, kinds: Collection[str], since: datetime, until: datetime) -> Iterator[Entry]:
    """Entries of these kinds and times over all chains, by chain and sequence."""
    query = select(_table).where(_table.c.kind.in_(sorted(kinds)), _table.c.recorded_at >= stamp(since),
                                 _table.c.recorded_at < stamp(until)).order_by(_table.c.chain, _table.c.sequence)
    with connection.execute(query.execution_options(yield_per=1000)) as rows:
        yield from map(entry_of, rows)


def beginnings(connection: Connection) -> dict[str, datetime]:
    """By chain when its first entry was recorded."""
    query = select(_table.c.chain, _table.c.recorded_at).where(
        _table.c.chain.in_(select(schema.head.c.chain)), _table.c.sequence == 1)
    return {row.chain: unstamp(row.recorded_at) for row in connection.execute(query)}
