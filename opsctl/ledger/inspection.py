"""Verification and export read straight from the tables, in one snapshot, and trust nothing they read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, select

from opsctl.ledger import latest as projection
from opsctl.ledger import schema
from opsctl.ledger.export import entry_line, head_line, witnesses_of
from opsctl.ledger.model import Checkpoint, Finding, FindingKind, Verification, conclude
from opsctl.ledger.records import Record
from opsctl.ledger.verify import examine

_COLUMNS = [schema.entry.c[name] for name in Record._fields]


def verify(connection: Connection, chain: str | None, checkpoint: Mapping[str, Checkpoint] | None) -> Verification:
    """Read every entry of one chain, or of all, and say what is wrong."""
    heads = checkpoints(connection, chain)
    given = {name: Checkpoint(*seen) for name, seen in (checkpoint or {}).items() if chain in {None, name}}
    findings: list[Finding] = []
    counts: dict[str, int] = {}
    for stored in _chains(connection, chain, {*heads, *given, *projection.chains(connection, chain)}):
        name = str(stored)
        head = heads.get(name)
        if head is not None and not _readable(head):
            findings.append(Finding(name, FindingKind.HEAD_MISMATCH, None, "The head row cannot be read."))
        elif head is None and name not in given:
            findings.append(Finding(name, FindingKind.HEAD_MISMATCH, None, "The chain has no head row."))
        witnesses = witnesses_of(head if head and _readable(head) else None, given.get(name))
        newest = projection.Gathered()
        counts[name], found = examine(name, newest.take(_records(connection, stored)), witnesses)
        findings += [*found, *newest.compare(name, projection.stored_rows(connection, stored), found)]
    return conclude(counts, findings, vouched=set(counts) <= {*heads, *given} and bool(counts),
                    checkpointed=bool(counts) and set(counts) <= set(given))


def export(connection: Connection, chain: str | None) -> Iterator[str]:
    """Every entry as a line, each chain ended by a line with its head."""
    heads = checkpoints(connection, chain)
    for stored in _chains(connection, chain, set(heads)):
        for record in _records(connection, stored):
            yield entry_line(record)
        head = heads.get(str(stored))
        if head is not None and _readable(head):
            yield head_line(str(stored), head)


def checkpoints(connection: Connection, chain: str | None = None) -> dict[str, Checkpoint]:
    """What the head rows say, by chain."""
    table = schema.head
    query = select(table.c.chain, table.c.count, table.c.hash).order_by(table.c.chain)
    if chain is not None:
        query = query.where(table.c.chain == chain)
    return {str(row[0]): Checkpoint(row[1], row[2]) for row in connection.execute(query)}


def _chains(connection: Connection, chain: str | None, known: set[str]) -> list[Any]:
    """The chains by name, with those that only entries, or only a head row or a checkpoint, name."""
    query = select(schema.entry.c.chain).distinct()
    if chain is not None:
        query = query.where(schema.entry.c.chain == chain)
    stored = {str(name): name for name in connection.scalars(query)}
    return [stored.get(name, name) for name in sorted({*stored, *known})]


def _records(connection: Connection, chain: Any) -> Iterator[Record]:
    query = select(*_COLUMNS).where(schema.entry.c.chain == chain).order_by(schema.entry.c.sequence)
    with connection.execution_options(yield_per=1000).execute(query) as rows:
        for row in rows:
            yield Record(*row)


def _readable(head: Checkpoint) -> bool:
    return isinstance(head.length, int) and isinstance(head.head, str)
