"""Verification and export read straight from the tables, in one snapshot, and trust nothing they read."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, select

from opsctl.ledger import guards, schema
from opsctl.ledger import latest as projection
from opsctl.ledger.export import by_chain, entry_line, head_line, witnesses_of
from opsctl.ledger.model import Checkpoint, Finding, FindingKind, Verification, conclude
from opsctl.ledger.personal import changed
from opsctl.ledger.records import Record
from opsctl.ledger.verify import examine

_COLUMNS = [schema.entry.c[name] for name in Record._fields]


def verify(connection: Connection, chain: str | None, given: Collection[Mapping[str, Checkpoint]]) -> Verification:
    """Read every entry of one chain, or of all, and say what is wrong. given: checkpoints kept elsewhere."""
    heads, known = checkpoints(connection, chain), by_chain(given, chain)
    findings = [Finding("", FindingKind.UNGUARDED, None, f"The trigger {name} that keeps entries from being changed "
                        "or deleted is not there as it was made.") for name in guards.missing(connection)]
    counts: dict[str, int] = {}
    for stored in _chains(connection, chain, {*heads, *known, *projection.chains(connection, chain)}):
        name = str(stored)
        head = heads.get(name)
        if head is not None and not _readable(head):
            findings.append(Finding(name, FindingKind.HEAD_MISMATCH, None, "The head row cannot be read."))
        elif head is None and name not in known:
            findings.append(Finding(name, FindingKind.HEAD_MISMATCH, None, "The chain has no head row."))
        witnesses = witnesses_of(head if head and _readable(head) else None, known.get(name, ()))
        newest = projection.Gathered()
        counts[name], found = examine(name, newest.take(_records(connection, stored)), witnesses)
        findings += [*found, *newest.compare(name, projection.stored_rows(connection, stored), found)]
    findings += [Finding(name, FindingKind.PERSONAL, None, detail) for name, detail in changed(connection, chain)]
    return conclude(counts, findings, vouched=set(counts) <= {*heads, *known} and bool(counts),
                    checkpointed=bool(counts) and set(counts) <= set(known))


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


def hashes_at(connection: Connection, places: Mapping[str, int]) -> dict[str, str]:
    """The hash of the entry at one place of each chain; a chain without an entry there is left out."""
    table = schema.entry
    found = {name: connection.scalar(select(table.c.hash).where(table.c.chain == name, table.c.sequence == sequence))
             for name, sequence in places.items()}
    return {name: str(digest) for name, digest in found.items() if digest is not None}


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
