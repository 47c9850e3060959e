"""What the ledger says of a customer's notices: each revision with its approval and its deliveries. Pure.

Per contact the states are `sending`, then `accepted`, `refused` or `unknown`. A `sending` that no answer follows
belongs to a sender that was killed, unless one is at work now.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from opsctl.contract.services import Service
from opsctl.ledger import Entry
from opsctl.notices.model import NoticeKind

DRAFTED, APPROVED = "notice.drafted", "notice.approved"
SENDING, ACCEPTED, REFUSED, UNKNOWN = "notice.sending", "notice.accepted", "notice.refused", "notice.unknown"
KINDS = (DRAFTED, APPROVED, SENDING, ACCEPTED, REFUSED, UNKNOWN)


@dataclass(frozen=True)
class Approval:
    """Who signed which hash, and the signature, armoured."""

    signer: str
    at: datetime
    sha256: str
    signature: str


@dataclass(frozen=True)
class Attempt:
    """The last state of a delivery: `kind` of the entry, the relay's reply, the hash of the bytes handed over."""

    kind: str
    at: datetime
    code: int = 0
    reply: str = ""
    temporary: bool = False
    sha256: str = ""


@dataclass(frozen=True)
class Revision:
    """One drafted revision. contacts: personal references, in the order of the draft's recipients."""

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

    @property
    def service(self) -> Service:
        """The service that the notice delivers (P22, P23)."""
        major = self.kind is NoticeKind.MAJOR
        return Service.SOFTWARE_UPDATE_MAJOR if major else Service.SOFTWARE_UPDATE_MINOR

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
        if self.count(ACCEPTED):
            return "sent" if self.count(ACCEPTED) == len(self.contacts) else "partly sent"
        return "approved" if self.approval else "drafted"


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
        elif key in found and entry.kind in KINDS:
            attempts = {**found[key].attempts, entry.payload["contact"]: _attempt(entry)}
            found[key] = replace(found[key], attempts=attempts)
    return tuple(found.values())


def newest(known: Iterable[Revision], notice: str | None = None) -> Revision | None:
    """The revision drafted last, of `notice` when given; None when there is none."""
    fitting = [revision for revision in known if notice is None or revision.notice == notice]
    return fitting[-1] if fitting else None


def _drafted(entry: Entry) -> Revision:
    said: Mapping[str, Any] = entry.payload
    return Revision(said["notice"], said["revision"], said["release"], NoticeKind(said["kind"]), said["sha256"],
                    tuple(said["recipients"]), entry.actor, entry.recorded_at,
                    datetime.fromisoformat(said["drafted_at"]), tuple(said["changed"]), said["parts"])


def _approval(entry: Entry) -> Approval:
    said = entry.payload
    return Approval(said["signer"], entry.recorded_at, said["sha256"], said["signature"])


def _attempt(entry: Entry) -> Attempt:
    said = entry.payload
    return Attempt(entry.kind, entry.recorded_at, said.get("code", 0), said.get("reply", ""),
                   said.get("temporary", False), said.get("sha256", ""))
