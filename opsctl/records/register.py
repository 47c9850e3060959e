"""Adding, revoking and reading the records that open the gate: append-only, two people at once exclude each other.

The ledger gets `agreement.added`, `access.added`, `permission.added`, `order.added` and the same with `.revoked`. Names
of persons lie beside the chain.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from opsctl.contract.records import RECORD_KINDS, Event, Record, RecordKind, RecordState, stand
from opsctl.core.clock import iso
from opsctl.core.errors import UsageError
from opsctl.core.outcome import Outcome, Status
from opsctl.core.text import unprintable
from opsctl.ledger import held
from opsctl.runs.service import LEASE_SECONDS
from opsctl.runs.workplace import Workplace

if TYPE_CHECKING:
    from opsctl.ledger import HeldLease

LONGEST = 200
"""Characters of a reference, a name or a reason."""


@dataclass(frozen=True)
class Grant:
    """What somebody wants to add; `by`: the person's name in plain text. Times as `Record` has them.

    defaulted: fields that were computed from the present instant, so that giving the same again is no difference.
    """

    kind: RecordKind
    reference: str
    by: str
    valid_from: datetime
    valid_to: datetime | None
    covers: tuple[str, ...] = ()
    details: dict[str, str] = field(default_factory=dict)
    defaulted: frozenset[str] = frozenset()


def records(workplace: Workplace, customer: str, kind: RecordKind | None = None) -> tuple[Record, ...]:
    """The customer's records by the ledger, in the order in which they were added."""
    entries = workplace.ledger.entries(customer, kinds=RECORD_KINDS)
    found = stand(Event(entry.kind, entry.recorded_at, entry.payload) for entry in entries)
    return tuple(record for record in found if kind in {None, record.kind})


def find(workplace: Workplace, customer: str, kind: RecordKind, reference: str) -> Record:
    """The record called `reference`; UsageError when there is none."""
    for record in records(workplace, customer, kind):
        if record.reference == reference:
            return record
    raise UsageError(f"{customer} has no {kind} {reference!r} on record", f"see `opsctl {kind} list {customer}`")


def person(workplace: Workplace, record: Record) -> str:
    """Who granted it; `(erased)` once the name was erased."""
    return workplace.ledger.personal(record.by) or "(erased)"


def add(workplace: Workplace, customer: str, grant: Grant) -> Outcome:
    """Record `grant`; UNCHANGED when the very same is on record, UsageError when the reference means something else.

    Raises Locked while somebody else changes this customer's records.
    """
    _require_sound(grant, workplace.clock.now())
    with _alone(workplace, customer, grant.kind) as lease:
        for known in records(workplace, customer, grant.kind):
            if known.reference == grant.reference:
                return _again(workplace, customer, grant, known)
        if grant.kind is RecordKind.ORDER:
            _require_new_order(workplace, customer, grant)
        ledger = workplace.ledger
        payload = {"reference": grant.reference, "by": ledger.put_personal(customer, grant.by),
                   "valid_from": iso(grant.valid_from), "valid_to": iso(grant.valid_to) if grant.valid_to else None,
                   "covers": list(grant.covers), "details": dict(grant.details)}
        entry = ledger.append(customer, grant.kind.added, payload, actor=workplace.actor, lease=lease)
    return Outcome(customer, grant.kind.value, Status.DONE, f"{grant.reference} recorded; {window(grant)}",
                   data={"reference": grant.reference, "entry": entry.reference})


def revoke(workplace: Workplace, customer: str, kind: RecordKind, reference: str, reason: str) -> Outcome:
    """Revoke a record from this instant on; UsageError for one that is unknown or revoked already."""
    reason = _line(reason, "the reason")
    with _alone(workplace, customer, kind) as lease:
        record = find(workplace, customer, kind, reference)
        if record.revoked_at is not None:
            raise UsageError(f"{reference} was revoked at {iso(record.revoked_at)} already: {record.reason}",
                             f"see `opsctl {kind} show {customer} {reference}`")
        entry = workplace.ledger.append(customer, kind.revoked, {"reference": reference, "reason": reason},
                                        actor=workplace.actor, lease=lease)
    return Outcome(customer, kind.value, Status.DONE, f"{reference} revoked from {iso(entry.recorded_at)} on: {reason}",
                   data={"reference": reference, "entry": entry.reference, "revoked_at": iso(entry.recorded_at)})


def window(grant: Grant | Record) -> str:
    """From when to when, in words."""
    return f"holds from {iso(grant.valid_from)} " + (f"to {iso(grant.valid_to)}" if grant.valid_to else "on")


def _again(workplace: Workplace, customer: str, grant: Grant, known: Record) -> Outcome:
    if known.revoked_at is not None:
        raise UsageError(f"{grant.reference} was on record and was revoked at {iso(known.revoked_at)}",
                         "record what is agreed now under a reference of its own")
    same = all(getattr(known, name) == getattr(grant, name)
               for name in ("valid_from", "valid_to", "covers", "details") if name not in grant.defaulted)
    if same and person(workplace, known) == grant.by:
        return Outcome(customer, grant.kind.value, Status.UNCHANGED, f"{grant.reference} is on record as it is given")
    raise UsageError(f"{grant.reference} is on record with other content: {window(known)}",
                     f"see `opsctl {grant.kind} show {customer} {grant.reference}`; to correct it, revoke it and "
                     "record it under a reference of its own")


def _require_new_order(workplace: Workplace, customer: str, grant: Grant) -> None:
    for known in records(workplace, customer, RecordKind.ORDER):
        if known.covers == grant.covers and known.state(workplace.clock.now()) is RecordState.HOLDS:
            raise UsageError(f"{grant.covers[0]} is ordered already, by {known.reference}",
                             f"revoke it first: `opsctl order revoke {customer} {known.reference} --reason ...`")


def _require_sound(grant: Grant, now: datetime) -> None:
    _line(grant.reference, "the reference")
    _line(grant.by, "the person's name (--by)")
    for name, text in grant.details.items():
        _line(text, name)
    if grant.valid_to is not None and grant.valid_to <= grant.valid_from:
        raise UsageError(f"--to {iso(grant.valid_to)} does not lie after --from {iso(grant.valid_from)}",
                         "correct one of them")
    if grant.valid_to is not None and grant.valid_to <= now:
        raise UsageError(f"it ended at {iso(grant.valid_to)} already, so it would open nothing",
                         "a record counts from when it is written down; agree a new time with the customer")


def _line(text: str, what: str) -> str:
    if not text.strip() or text != text.strip() or unprintable(text) or len(text.splitlines()) != 1:
        raise UsageError(f"{what} must be one line of text, without spaces at its ends", "write it out")
    if len(text) > LONGEST:
        raise UsageError(f"{what} has more than {LONGEST} characters", "shorten it")
    return text


@contextmanager
def _alone(workplace: Workplace, customer: str, kind: RecordKind) -> Iterator[HeldLease]:
    with held(workplace.ledger, f"{customer}/records", f"{kind} by {workplace.actor}", LEASE_SECONDS) as lease:
        yield lease
