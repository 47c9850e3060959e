"""Appending to a chain: one transaction that locks the head row, checks the fence and writes all rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, text, update

from opsctl.core.clock import Clock, require_aware
from opsctl.ledger import latest, schema
from opsctl.ledger.canonical import canonical, entry_hash, plain, require_label, stamp
from opsctl.ledger.leases import check_fence
from opsctl.ledger.model import GENESIS, Checkpoint, Entry, Lease
from opsctl.ledger.topics import topic

_HEAD = select(schema.head.c.count, schema.head.c.hash)
_NEW_HEAD = text("INSERT INTO ledger_head (chain, count, hash) VALUES (:chain, 0, :hash) "
                 "ON CONFLICT (chain) DO NOTHING")


@dataclass(frozen=True)
class Draft:
    """An entry before it has its place in the chain; checked before any lock is taken."""

    chain: str
    kind: str
    actor: str
    run: str
    payload: Mapping[str, Any]


def draft(chain: str, kind: str, payload: Mapping[str, Any], actor: str, run: str) -> Draft:
    """Check what was handed in. TypeError or ValueError, naming the place, for what is no evidence."""
    if not isinstance(payload, Mapping):
        raise TypeError(f"payload must be a mapping, not {type(payload).__name__}")
    return Draft(require_label(chain, "chain"), require_label(kind, "kind"), require_label(actor, "actor"),
                 require_label(run, "run", empty=True), plain(payload))


def write(connection: Connection, new: Draft, clock: Clock, lease: Lease | None, at: datetime | None) -> Entry:
    """Append `new` inside the connection's transaction. Locked when `lease` is no longer its owner's."""
    if lease is not None:
        check_fence(connection, lease)
    head = _locked_head(connection, new.chain)
    # The clock is read under the lock, so that entries of one clock are in the order of time.
    recorded_at = require_aware(clock.now() if at is None else at)
    content = {"chain": new.chain, "sequence": head.length + 1, "previous": head.head,
               "recorded_at": stamp(recorded_at), "kind": new.kind, "actor": new.actor, "run": new.run,
               "payload": new.payload}
    digest = entry_hash(content)
    payload = canonical(new.payload)
    connection.execute(insert(schema.entry), {**content, "payload": payload, "hash": digest})
    latest.put(connection, topic(new.kind, new.payload), content, payload)
    connection.execute(update(schema.head).where(schema.head.c.chain == new.chain)
                       .values(count=head.length + 1, hash=digest))
    return Entry(new.chain, head.length + 1, new.kind, recorded_at, new.actor, new.run, new.payload, head.head,
                 digest)


def _locked_head(connection: Connection, chain: str) -> Checkpoint:
    """The chain's head row, locked until the transaction ends; SQLite holds its one write lock already."""
    query = _HEAD.where(schema.head.c.chain == chain).with_for_update()
    row = connection.execute(query).one_or_none()
    if row is None:
        connection.execute(_NEW_HEAD, {"chain": chain, "hash": GENESIS})
        row = connection.execute(query).one()
    return Checkpoint(row[0], row[1])
