"""Generated history: many entries at once into an empty ledger, marked as such in every chain, and never mixed.

A ledger that has any entry takes none; a ledger that holds generated history takes nothing else. The chains, heads,
personal data and newest entries are those of a real one, so that everything that reads a ledger reads this too.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Connection, insert, select

from opsctl.core.errors import ConfigurationError
from opsctl.core.outcome import OPERATOR
from opsctl.ledger import latest, schema, subjects
from opsctl.ledger.canonical import canonical, stamp
from opsctl.ledger.model import GENERATED, GENESIS, Entry, Subject
from opsctl.ledger.rows import Newest
from opsctl.ledger.topics import topic

if TYPE_CHECKING:
    from opsctl.ledger.database import Database

_AT_ONCE = 2000


class Made(NamedTuple):
    """One entry to come. actor is the ledger's for all of them."""

    at: datetime
    kind: str
    run: str
    payload: Mapping[str, Any]


@dataclass(frozen=True)
class Chain:
    """A chain's entries in order, and the personal data beside them as (reference, salt, text, instant)."""

    name: str
    entries: Sequence[Made]
    personal: Sequence[tuple[str, str, str, datetime]] = ()
    subjects: Callable[[Iterable[Entry]], Iterable[Subject]] | None = None
    """From the chain's entries the index of what they are about."""


def is_generated(connection: Connection) -> bool:
    """Whether the ledger holds generated history: its marker is the first entry of the chain operator."""
    table = schema.entry
    query = select(table.c.kind).where(table.c.chain == OPERATOR, table.c.sequence == 1)
    return bool(connection.scalar(query) == GENERATED)


def begin(database: Database, actor: str, marker: Made) -> None:
    """Mark an empty ledger as generated; ConfigurationError when anything was ever recorded there."""
    with database.writing() as connection:
        if connection.scalar(select(schema.head.c.chain).limit(1)) or connection.scalar(
                select(schema.entry.c.id).limit(1)):
            raise ConfigurationError(f"The ledger at {database.place} has entries: it takes no generated history.",
                                     "Name a ledger that does not exist yet; generated history is never mixed with "
                                     "evidence.")
        _write(connection, Chain(OPERATOR, [marker]), actor, 0, GENESIS)


def load(database: Database, actor: str, chains: Iterable[Chain], marker: Made) -> int:
    """Write chains into a ledger that `begin` marked; returns how many entries. Indexes are made at the end."""
    count = 1
    indexes = sorted(schema.entry.indexes, key=lambda index: str(index.name))
    with database.writing() as connection:
        for index in indexes:
            index.drop(connection)
    for chain in chains:
        with database.writing() as connection:
            length, head = _head(connection, chain.name)
            entries = chain.entries if length else [marker, *chain.entries]
            _write(connection, replace(chain, entries=entries), actor, length, head)
            count += len(entries)
    with database.writing() as connection:
        for index in indexes:
            index.create(connection)
    database.fold_log()
    return count


def _head(connection: Connection, chain: str) -> tuple[int, str]:
    row = connection.execute(select(schema.head.c.count, schema.head.c.hash)
                             .where(schema.head.c.chain == chain)).one_or_none()
    return (row[0], row[1]) if row else (0, GENESIS)


def _write(connection: Connection, chain: Chain, actor: str, length: int, head: str) -> None:
    rows: list[dict[str, Any]] = []
    newest: dict[str, Newest] = {}
    for place, made in enumerate(chain.entries, start=length + 1):
        payload, at = canonical(made.payload), stamp(made.at)
        content = {"chain": chain.name, "sequence": place, "previous": head, "recorded_at": at, "kind": made.kind,
                   "actor": actor, "run": made.run}
        head = _hash(content, payload)
        rows.append({**content, "payload": payload, "hash": head})
        name = topic(made.kind, made.payload)
        newest[name] = Newest(name, chain.name, place, at, payload)
    for start in range(0, len(rows), _AT_ONCE):
        connection.execute(insert(schema.entry), rows[start:start + _AT_ONCE])
    if length:
        connection.execute(schema.head.delete().where(schema.head.c.chain == chain.name))
        connection.execute(schema.latest.delete().where(schema.latest.c.chain == chain.name,
                                                        schema.latest.c.topic.in_(newest)))
    connection.execute(insert(schema.head), {"chain": chain.name, "count": length + len(rows), "hash": head})
    latest.put_many(connection, newest.values())
    if chain.subjects is not None:
        for subject in chain.subjects(_entries(chain, actor, length)):
            subjects.put(connection, chain.name, subject)
    if chain.personal:
        connection.execute(insert(schema.personal), [
            {"reference": reference, "chain": chain.name, "salt": salt, "text": text, "recorded_at": stamp(at),
             "erased_at": None} for reference, salt, text, at in chain.personal])


def _entries(chain: Chain, actor: str, length: int) -> Iterable[Entry]:
    return (Entry(chain.name, place, made.kind, made.at, actor, made.run, made.payload, "", "")
            for place, made in enumerate(chain.entries, start=length + 1))


def _hash(content: Mapping[str, Any], payload: str) -> str:
    """`entry_hash`, with the payload's canonical text put in as it is: it need not be made twice."""
    text = (f'{{"actor":{_text(content["actor"])},"chain":{_text(content["chain"])},"kind":{_text(content["kind"])},'
            f'"payload":{payload},"previous":"{content["previous"]}","recorded_at":"{content["recorded_at"]}",'
            f'"run":{_text(content["run"])},"sequence":{content["sequence"]}}}')
    return hashlib.sha256(text.encode()).hexdigest()


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)
