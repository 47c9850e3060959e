"""What the customer was told before, by the ledger: which releases, and the facts that people wrote."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from opsctl.ledger import Entry
from opsctl.notices import register
from opsctl.notices.by_hand import MaintenanceSource, ModuleSource, Source, recalled
from opsctl.notices.model import NoticeKind, Recipient
from opsctl.profiles.model import Profile
from opsctl.runs.reported import LINKED
from opsctl.runs.reported import reported as by_the_log
from opsctl.runs.workplace import Workplace

DRAFTED, ACCEPTED = register.DRAFTED, register.ACCEPTED
_STATES = (register.SENDING, ACCEPTED, register.REFUSED, register.UNKNOWN)
RECALLS = frozenset({NoticeKind.CORRECTION, NoticeKind.WITHDRAWAL})
"""Kinds that speak of what was told before; they tell nobody of a release who was not told of it."""


@dataclass(frozen=True)
class Corrected:
    """A correction that was drafted. told, told_at: what the customer had been told, and when, at its first draft.

    whole: everybody has the newest draft of it.
    """

    told: int
    told_at: datetime
    whole: bool


@dataclass(frozen=True)
class Told:
    """A release that the customer was told of: the release file's newest revision that went out, and when.

    corrected: the corrections that were drafted, by the release file's revision.
    """

    release: str
    revision: int
    at: datetime
    corrected: Mapping[int, Corrected] = field(default_factory=dict)


@dataclass(frozen=True)
class Written:
    """A revision that was drafted from a file of facts.

    sent: the relay took it, for any contact. heard: it may have been told, because it was sent, or because nobody knows
    what became of it.
    """

    number: int
    kind: NoticeKind
    source: Source
    sent: bool
    heard: bool


def told(workplace: Workplace, customer: str) -> tuple[Told, ...]:
    """Each release that a relay accepted a notice of, for any contact. Withdrawals and corrections speak of what was
    told before them, so they are not counted themselves."""
    entries = tuple(workplace.ledger.entries(customer, kinds=register.KINDS))
    last = {one.notice: one for one in register.revisions(entries)}
    drafts: dict[tuple[str, int], Mapping[str, Any]] = {}
    found: dict[str, Told] = {}
    for entry in entries:
        key = (entry.payload["notice"], entry.payload["revision"])
        if entry.kind == DRAFTED:
            drafts[key] = entry.payload
            release = entry.payload["release"]
            if entry.payload["kind"] == NoticeKind.CORRECTION and release in found:
                found[release] = _corrected(found[release], entry.payload, last[key[0]])
        elif entry.kind == ACCEPTED and key in drafts and _tells(drafts[key]):
            said = drafts[key]
            earlier = found[said["release"]].corrected if said["release"] in found else {}
            found[said["release"]] = Told(said["release"], said["release_revision"], entry.recorded_at, earlier)
    return tuple(found.values())


def _tells(said: Mapping[str, Any]) -> bool:
    """Whether this draft tells of the content of a release."""
    return bool(said.get("release_revision")) and NoticeKind(said["kind"]) not in RECALLS


def _corrected(before: Told, said: Mapping[str, Any], newest: register.Revision) -> Told:
    """`before`, with a correction that is drafted now; its first draft says what it speaks of."""
    if said["release_revision"] in before.corrected:
        return before
    whole = newest.count(register.ACCEPTED) == len(newest.contacts)
    drafted = Corrected(before.revision, before.at, whole)
    return replace(before, corrected={**before.corrected, said["release_revision"]: drafted})


def written(workplace: Workplace, customer: str, notice: str) -> tuple[Written, ...]:
    """The revisions of `notice` that were drafted from facts, oldest first."""
    entries = [entry for entry in workplace.ledger.entries(customer, kinds=(DRAFTED, *_STATES))
               if entry.payload["notice"] == notice]
    sent = {entry.payload["revision"] for entry in entries if entry.kind == ACCEPTED}
    return tuple(_written(entry.payload, sent, _heard(entries)) for entry in entries
                 if entry.kind == DRAFTED and entry.payload.get("source"))


def _heard(entries: Sequence[Entry]) -> set[int]:
    """The revisions that the relay took or may have taken. A later refusal of another try, or a report that it bounced,
    proves nothing about the first."""
    last = {(entry.payload["revision"], entry.payload["contact"]): entry.kind for entry in entries
            if entry.kind in _STATES}
    return {number for (number, _), kind in last.items() if kind == register.SENDING} | {
        entry.payload["revision"] for entry in entries if entry.kind in {ACCEPTED, register.UNKNOWN}}


def reached(workplace: Workplace, customer: str, notice: str, revision: int, recipients: Sequence[Recipient]) -> bool:
    """Whether the relay took this revision for all of `recipients`, and it was meant for nobody else."""
    entries = [entry for entry in workplace.ledger.entries(customer, kinds=(DRAFTED, ACCEPTED))
               if (entry.payload["notice"], entry.payload["revision"]) == (notice, revision)]
    contacts = {name for entry in entries if entry.kind == DRAFTED for name in entry.payload["recipients"]}
    if contacts != {entry.payload["contact"] for entry in entries if entry.kind == ACCEPTED}:
        return False
    return set(workplace.ledger.personals(contacts).values()) == {label(recipient) for recipient in recipients}


def label(recipient: Recipient) -> str:
    """How the personal data beside the chain name a contact."""
    return f"{recipient.name} <{recipient.address}>"


def address_in(labelled: str) -> str:
    """The address in what `label` made; a name may hold what a mail header would want quoted. Empty for nothing."""
    return labelled.rpartition(" <")[2].removesuffix(">")


def notice_of(kind: NoticeKind, source: Source) -> str:
    """The id of the notice that is drafted from `source`."""
    if isinstance(source, MaintenanceSource):
        return f"maintenance.{source.id}"
    return f"module.{source.module}" if isinstance(source, ModuleSource) else f"{kind.value}-{source.release}"


def reported(workplace: Workplace, profile: Profile) -> frozenset[str]:
    """The ids of the errors that this customer reported (P08): by the error log, and by its profile for what came
    before the log."""
    return by_the_log(workplace.ledger.entries(profile.customer, kinds=(LINKED,))) | frozenset(profile.reported_errors)


def _written(said: Mapping[str, Any], sent: set[int], heard: set[int]) -> Written:
    kind, number = NoticeKind(said["kind"]), said["revision"]
    return Written(number, kind, recalled(kind, said["source"]), number in sent, number in heard)
