"""Leases: compare-and-swap on one row per name, with times and expiry by the database's clock only."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, or_, select, text, update

from opsctl.core.clock import iso
from opsctl.core.errors import Locked
from opsctl.ledger import schema
from opsctl.ledger.canonical import require_label
from opsctl.ledger.model import Lease

_table = schema.lease
_COLUMNS = (_table.c.name, _table.c.owner, _table.c.fence, _table.c.since, _table.c.until, _table.c.milliseconds)
_NEW_NAME = text("INSERT INTO ledger_lease (name, fence, since, until, milliseconds) VALUES (:name, 0, 0, 0, 0) "
                 "ON CONFLICT (name) DO NOTHING")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def acquire(connection: Connection, now: ColumnElement[int], name: str, owner: str, seconds: float) -> Lease:
    """Take the lease when it is free or its time is over; Locked names who has it, since and until when."""
    require_label(name, "the lease's name")
    require_label(owner, "the lease's owner")
    if not seconds > 0:
        raise ValueError(f"a lease lasts more than 0 seconds, not {seconds}")
    duration = round(seconds * 1000)
    connection.execute(_NEW_NAME, {"name": name})
    taken = connection.execute(
        update(_table)
        .where(_table.c.name == name, or_(_table.c.owner.is_(None), _table.c.until <= now))
        .values(owner=owner, fence=_table.c.fence + 1, since=now, until=now + duration, milliseconds=duration)
        .returning(*_COLUMNS)).one_or_none()
    if taken is not None:
        return _lease(taken)
    holder = _lease(connection.execute(select(*_COLUMNS).where(_table.c.name == name)).one())
    raise Locked(f"{name} is held by {holder.owner} since {iso(holder.since)} until {iso(holder.until)}.",
                 "Wait until it ends. A run that died frees it at that time by itself.")


def renew(connection: Connection, now: ColumnElement[int], lease: Lease) -> Lease:
    """Give the lease its full time again, counted from now; Locked when somebody else has it.

    A lease whose time is over but which nobody took is renewed: no other work can have happened under it.
    """
    duration = round(lease.seconds * 1000)
    renewed = connection.execute(
        update(_table).where(*_mine(lease)).values(until=now + duration, milliseconds=duration)
        .returning(*_COLUMNS)).one_or_none()
    if renewed is None:
        raise _lost(connection, lease)
    return _lease(renewed)


def release(connection: Connection, now: ColumnElement[int], lease: Lease) -> None:
    """Free the lease for the next one. Nothing happens when it has been taken over: it is not ours to free."""
    connection.execute(update(_table).where(*_mine(lease)).values(owner=None, until=now))


def check_fence(connection: Connection, lease: Lease) -> None:
    """Locked unless `lease` is still its owner's; nobody can take it over until the transaction ends."""
    query = select(_table.c.fence).where(*_mine(lease)).with_for_update(read=True)
    if connection.execute(query).one_or_none() is None:
        raise _lost(connection, lease)


def held_leases(connection: Connection, now: ColumnElement[int]) -> list[Lease]:
    """Every lease that was not released, by name; `expired` ones may be taken over."""
    query = select(*_COLUMNS, (_table.c.until <= now).label("expired"))
    rows = connection.execute(query.where(_table.c.owner.is_not(None)).order_by(_table.c.name))
    return [_lease(row, expired=bool(row.expired)) for row in rows]


def _mine(lease: Lease) -> tuple[ColumnElement[bool], ...]:
    return (_table.c.name == lease.name, _table.c.fence == lease.fence, _table.c.owner == lease.owner)


def _lost(connection: Connection, lease: Lease) -> Locked:
    row = connection.execute(select(*_COLUMNS).where(_table.c.name == lease.name)).one_or_none()
    if row is None or row.owner is None:
        what = f"The lease {lease.name} of {lease.owner} was released."
    else:
        what = f"The lease {lease.name} was taken over by {row.owner} at {iso(_instant(row.since))}."
    return Locked(what, "Nothing was recorded. See what the other run did before this one is started again.")


def _lease(row: Any, *, expired: bool = False) -> Lease:
    return Lease(row.name, row.owner, row.fence, _instant(row.since), _instant(row.until),
                 row.milliseconds / 1000, expired)


def _instant(milliseconds: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=milliseconds)
