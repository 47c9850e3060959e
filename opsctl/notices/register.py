"""What the ledger says of a customer's notices: each revision with its approval and its deliveries. Pure.

A notice is prepared (`notice.drafted`), then approved. Per contact the states are `sending`, then `accepted`,
`refused` or `unknown`; `bounced` when a delivery report says later that it did not arrive. A `sending` that no answer
follows belongs to a sender that was killed, unless one is at work now.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from opsctl.contract.gate import Delivery, Purpose, Request
from opsctl.contract.services import Service
from opsctl.ledger import Entry
from opsctl.notices.model import NoticeKind

DRAFTED, APPROVED = "notice.drafted", "notice.approved"
SENDING, ACCEPTED, REFUSED, UNKNOWN = "notice.sending", "notice.accepted", "notice.refused", "notice.unknown"
BOUNCED, REPORTED, CONFIRMED = "notice.bounced", "notice.reported", "notice.confirmed"
KINDS = (DRAFTED, APPROVED, SENDING, ACCEPTED, REFUSED, UNKNOWN, BOUNCED, REPORTED, CONFIRMED)

ANNOUNCING = frozenset({NoticeKind.PLANNED, NoticeKind.MAINTENANCE_PLANNED, NoticeKind.MAINTENANCE_CHANGED})
"""Kinds that say what will happen; they hold the times in the facts that they were drafted from."""


@dataclass(frozen=True)
class Approval:
    """Who signed which hash, and the signature, armoured. security: the notice closes a vulnerability."""

    signer: str
    at: datetime
    sha256: str
    signature: str
    security: bool = False


@dataclass(frozen=True)
class Attempt:
    """The last state of a delivery: `kind` of the entry, the relay's reply, the hash of the bytes handed over.

    report: what a delivery report said later, such as `delayed: 4.4.1`. reports: the hashes of the reports read, also
    of what was sent before.
    """

    kind: str
    at: datetime
    code: int = 0
    reply: str = ""
    temporary: bool = False
    sha256: str = ""
    report: str = ""
    reports: tuple[str, ...] = ()


@dataclass(frozen=True)
class Confirmation:
    """The customer said that the notice arrived. reference: how, in the operator's words."""

    at: datetime
    actor: str
    reference: str


@dataclass(frozen=True)
class Revision:
    """One drafted revision. contacts: personal references, in the order of the draft's recipients.

    service, purpose: what it delivers under the contract (P22, P23), as the draft recorded it. until: the end of
    what it announces; None when it announces nothing.
    """

    notice: str
    number: int
    release: str
    kind: NoticeKind
    sha256: str
    contacts: tuple[str, ...]
    drafter: str
    drafted_at: datetime
    dated: datetime
    changed: tuple[str, ...]
    parts: Mapping[str, str]
    approval: Approval | None = None
    attempts: Mapping[str, Attempt] = field(default_factory=dict)
    confirmation: Confirmation | None = None
    service: Service = Service.SOFTWARE_UPDATE_MINOR
    purpose: Purpose = Purpose.NEW_VALUE
    delivery: Delivery = Delivery.NOTICE
    until: datetime | None = None

    @property
    def request(self) -> Request:
        """What the gate is asked when this notice is approved or sent."""
        return Request(self.service, self.purpose, self.delivery)

    def count(self, kind: str) -> int:
        """How many contacts' last state is `kind`."""
        return sum(1 for contact in self.contacts if contact in self.attempts and self.attempts[contact].kind == kind)

    @property
    def state(self) -> str:
        """One word for people; the gravest that is true of any contact."""
        if self.count(UNKNOWN):
            return "unknown"
        if self.count(SENDING):
            return "sending"
        if self.count(REFUSED):
            return "refused"
        if self.count(BOUNCED):
            return "bounced"
        if self.count(ACCEPTED):
            return "sent" if self.count(ACCEPTED) == len(self.contacts) else "partly sent"
        return "approved" if self.approval else "prepared"


def revisions(entries: Iterable[Entry]) -> tuple[Revision, ...]:
    """All revisions of one customer's chain, in the order in which they were drafted."""
    found: dict[tuple[str, int], Revision] = {}
    for entry in entries:
        key = (entry.payload["notice"], entry.payload["revision"])
        if entry.kind == DRAFTED:
            found[key] = _drafted(entry)
        elif key in found and entry.kind == APPROVED:
            # Only the hash that was signed is approved.
            if entry.payload["sha256"] == found[key].sha256:
                found[key] = replace(found[key], approval=_approval(entry))
        elif key in found and entry.kind == CONFIRMED:
            told = Confirmation(entry.recorded_at, entry.actor, entry.payload["reference"])
            found[key] = replace(found[key], confirmation=told)
        elif key in found and entry.kind in KINDS:
            contact = entry.payload["contact"]
            attempt = _attempt(entry, found[key].attempts.get(contact))
            found[key] = replace(found[key], attempts={**found[key].attempts, contact: attempt})
    return tuple(found.values())


def newest(known: Iterable[Revision], notice: str | None = None) -> Revision | None:
    """The revision drafted last, of `notice` when given; None when there is none."""
    fitting = [revision for revision in known if notice is None or revision.notice == notice]
    return fitting[-1] if fitting else None


def _drafted(entry: Entry) -> Revision:
    said: Mapping[str, Any] = entry.payload
    kind = NoticeKind(said["kind"])
    usual = Service.SOFTWARE_UPDATE_MAJOR if kind is NoticeKind.MAJOR else Service.SOFTWARE_UPDATE_MINOR
    return Revision(said["notice"], said["revision"], said["release"], kind, said["sha256"],
                    tuple(said["recipients"]), entry.actor, entry.recorded_at,
                    datetime.fromisoformat(said["drafted_at"]), tuple(said["changed"]), said["parts"],
                    service=Service(said.get("service", usual)),
                    purpose=Purpose(said.get("purpose", Purpose.NEW_VALUE)),
                    delivery=Delivery(said.get("delivery", Delivery.NOTICE)),
                    until=datetime.fromisoformat(said["source"]["end"]) if kind in ANNOUNCING else None)


def _approval(entry: Entry) -> Approval:
    said = entry.payload
    return Approval(said["signer"], entry.recorded_at, said["sha256"], said["signature"], said.get("security", False))


def _attempt(entry: Entry, before: Attempt | None) -> Attempt:
    """A step of the delivery, or what a report adds to the step before."""
    said = entry.payload
    if entry.kind in {BOUNCED, REPORTED} and before is not None:
        kind = BOUNCED if entry.kind == BOUNCED else before.kind
        return replace(before, kind=kind, report=f"{said['action']}: {said['status']} {said['diagnostic']}".strip(),
                       reports=(*before.reports, said["report"]))
    return Attempt(entry.kind, entry.recorded_at, said.get("code", 0), said.get("reply", ""),
                   said.get("temporary", False), said.get("sha256", ""), reports=before.reports if before else ())
