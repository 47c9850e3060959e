"""The index of subjects: where the entries about one thing stand in their chain, and how it ranks in a list.

It is written in the transaction that appends the entry, decides nothing, and can be made anew from the entries.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from sqlalchemy import Connection, delete, insert, select, text

from opsctl.ledger import schema
from opsctl.ledger.model import Subject

_table = schema.subject
_PUT = text(
    "INSERT INTO ledger_subject (room, chain, name, rank, label, count, last, entries) "
    "VALUES (:room, :chain, :name, :rank, :label, :count, :last, :entries) ON CONFLICT (room, chain, name) "
    "DO UPDATE SET rank = :rank, label = :label, count = :count, last = :last, entries = :entries")


def put(connection: Connection, chain: str, subject: Subject) -> None:
    """Write the subject's row, in place of the one before."""
    connection.execute(_PUT, _row(chain, subject))


def replace(connection: Connection, room: str, chain: str, subjects: Iterable[Subject]) -> None:
    """Write all rows of one chain anew."""
    connection.execute(delete(_table).where(_table.c.room == room, _table.c.chain == chain))
    rows = [_row(chain, subject) for subject in subjects]
    if rows:
        connection.execute(insert(_table), rows)


def of_chain(connection: Connection, room: str, chain: str) -> list[Subject]:
    """All rows of one chain, by name. ValueError for a row whose entries cannot be read."""
    query = select(_table).where(_table.c.room == room, _table.c.chain == chain).order_by(_table.c.name)
    return [Subject(row.room, row.name, row.rank, row.label, tuple(json.loads(row.entries)))
            for row in connection.execute(query)]


def _row(chain: str, subject: Subject) -> dict[str, object]:
    return {"room": subject.room, "chain": chain, "name": subject.name, "rank": subject.rank, "label": subject.label,
            "count": len(subject.entries), "last": max(subject.entries), "entries": json.dumps(subject.entries)}
