"""What the customer was told before, by the ledger: which releases, and the facts that people wrote."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from opsctl.ledger import Entry
from opsctl.notices.by_hand import MaintenanceSource, ModuleSource, Source, recalled
from opsctl.notices.model import NoticeKind, Recipient
from opsctl.profiles.model import Profile
from opsctl.runs.reported import LINKED
from opsctl.runs.reported import reported as by_the_log
from opsctl.runs.workplace import Workplace

DRAFTED, ACCEPTED = "notice.drafted", "notice.accepted"


@dataclass(frozen=True)
class Told:
    """A release that the customer was told of: the release file's newest revision that went out, and when."""

    release: str
    revision: int
    at: datetime


@dataclass(frozen=True)
class Written:
    """A revision that was drafted from a file of facts."""

    number: int
    kind: NoticeKind
    source: Source
    sent: bool


def told(workplace: Workplace, customer: str) -> tuple[Told, ...]:
    """Each release that a relay accepted a notice of, for any contact."""
    drafts: dict[tuple[str, int], Entry] = {}
    found: dict[str, Told] = {}
    for entry in workplace.ledger.entries(customer, kinds=(DRAFTED, ACCEPTED)):
        key = (entry.payload["notice"], entry.payload["revision"])
        if entry.kind == DRAFTED:
            drafts[key] = entry
        elif key in drafts and drafts[key].payload.get("release_revision"):
            said = drafts[key].payload
            found[said["release"]] = Told(said["release"], said["release_revision"], entry.recorded_at)
    return tuple(found.values())


def written(workplace: Workplace, customer: str, notice: str) -> tuple[Written, ...]:
    """The revisions of `notice` that were drafted from facts, oldest first."""
    entries = [entry for entry in workplace.ledger.entries(customer, kinds=(DRAFTED, ACCEPTED))
               if entry.payload["notice"] == notice]
    sent = {entry.payload["revision"] for entry in entries if entry.kind == ACCEPTED}
    return tuple(_written(entry.payload, sent) for entry in entries
                 if entry.kind == DRAFTED and entry.payload.get("source"))


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


def _written(said: Mapping[str, Any], sent: set[int]) -> Written:
    kind = NoticeKind(said["kind"])
    return Written(said["revision"], kind, recalled(kind, said["source"]), said["revision"] in sent)
