"""The records that open the gate: agreements (P50), access (P48), third-party permissions (P51), orders (P18, P20).

Pure: what the ledger holds goes in as events, what stands at an instant comes out. A record opens nothing before it
was recorded, before it was agreed, outside its window, after it expired, or after it was revoked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any

from opsctl.contract.terms import Permission

AGREEMENT_DAYS = 90
"""An agreement that names no end of its own holds so long after the day it was made (P50)."""
PLATFORM = "platform"
"""What an agreement names when it is about OS and middleware, not about a module of READY (P21)."""
RELEASES = "releases"
"""What an agreement names when it is about installing releases of READY where the customer hosts (P22, P23, P49)."""
_NEVER = datetime.max.replace(tzinfo=UTC)
OFFBOARDED = "customer.offboarding-started"
OFFBOARDING_ENDED = "customer.offboarding-cancelled"


class RecordKind(StrEnum):
    """The kinds; the word is the command's group and the event's first part."""

    AGREEMENT = "agreement"
    ACCESS = "access"
    PERMISSION = "permission"
    ORDER = "order"

    @property
    def added(self) -> str:
        """The ledger's kind of the entry that adds one."""
        return f"{self.value}.added"

    @property
    def revoked(self) -> str:
        """The ledger's kind of the entry that revokes one."""
        return f"{self.value}.revoked"


RECORD_KINDS: tuple[str, ...] = tuple(name for kind in RecordKind for name in (kind.added, kind.revoked))


@dataclass(frozen=True)
class Event:
    """One entry of the ledger, as far as the contract needs it."""

    kind: str
    at: datetime
    payload: Mapping[str, Any]


class RecordState(StrEnum):
    """Where an instant lies against a record."""

    HOLDS = "holds"
    NOT_YET = "not yet"
    ENDED = "ended"
    REVOKED = "revoked"


@dataclass(frozen=True)
class Record:
    """One record. `covers`: modules of an agreement, hosts of an access, the add-on of an order; empty for all.

    by: the reference of the person's name, which lies beside the chain so that it can be erased (`Ledger.personal`).
    valid_to is exclusive; None for an order without an end. details: what only this kind has, for people.
    """

    kind: RecordKind
    reference: str
    by: str
    valid_from: datetime
    valid_to: datetime | None
    covers: tuple[str, ...]
    recorded_at: datetime
    details: Mapping[str, str] = field(default_factory=dict)
    revoked_at: datetime | None = None
    reason: str = ""

    @property
    def opens(self) -> datetime:
        """The first instant at which it opens anything: what is written down afterwards opens nothing before."""
        return max(self.valid_from, self.recorded_at)

    def state(self, at: datetime) -> RecordState:
        """Where `at` lies."""
        if self.revoked_at is not None and at >= self.revoked_at:
            return RecordState.REVOKED
        if at < self.opens:
            return RecordState.NOT_YET
        return RecordState.ENDED if self.valid_to is not None and at >= self.valid_to else RecordState.HOLDS

    def permission(self) -> Permission:
        """The record as the gate takes it."""
        ends = [end for end in (self.valid_to, self.revoked_at) if end is not None]
        return Permission(self.reference, self.opens, min(ends) if ends else _NEVER,
                          frozenset(self.covers) if self.covers else None)


def stand(events: Iterable[Event]) -> tuple[Record, ...]:
    """The records, in the order in which they were added, with what revoked them. events: in the ledger's order."""
    found: dict[tuple[RecordKind, str], Record] = {}
    for event in events:
        kind = next((one for one in RecordKind if event.kind in {one.added, one.revoked}), None)
        if kind is None:
            continue
        key = kind, str(event.payload["reference"])
        if event.kind == kind.added:
            found[key] = record_of(kind, event)
        elif key in found:
            found[key] = replace(found[key], revoked_at=event.at, reason=str(event.payload["reason"]))
    return tuple(found.values())


def record_of(kind: RecordKind, event: Event) -> Record:
    """The record that an `.added` entry tells of."""
    content = event.payload
    ends = content["valid_to"]
    return Record(kind, str(content["reference"]), str(content["by"]), datetime.fromisoformat(content["valid_from"]),
                  datetime.fromisoformat(ends) if ends else None, tuple(content["covers"]), event.at,
                  dict(content["details"]))


@dataclass(frozen=True)
class Facts:
    """What the ledger adds to a profile's contract. service_ends: the last local day of a customer that leaves."""

    records: tuple[Record, ...] = ()
    service_ends: date | None = None

    def permissions(self, kind: RecordKind) -> tuple[Permission, ...]:
        """The records of one kind as the gate takes them."""
        return tuple(record.permission() for record in self.records if record.kind is kind)

    def orders(self, at: datetime) -> Mapping[str, str]:
        """Order reference by add-on, of what is ordered at `at`."""
        return {record.covers[0]: record.reference for record in self.records
                if record.kind is RecordKind.ORDER and record.state(at) is RecordState.HOLDS}


def facts(events: Iterable[Event]) -> Facts:
    """Everything that the entries add. events: in the ledger's order."""
    kept = tuple(events)
    ends: date | None = None
    for event in kept:
        if event.kind == OFFBOARDED:
            ends = date.fromisoformat(event.payload["last_day"])
        elif event.kind == OFFBOARDING_ENDED:
            ends = None
    return Facts(stand(kept), ends)


FACT_KINDS: tuple[str, ...] = (*RECORD_KINDS, OFFBOARDED, OFFBOARDING_ENDED)
"""The kinds of entries that `facts` reads."""


def agreement_end(agreed: datetime, window_end: datetime | None) -> datetime:
    """When an agreement made at `agreed` ends: with its window, and after 90 days at the latest without one (P50)."""
    return window_end if window_end is not None else agreed + timedelta(days=AGREEMENT_DAYS)
