"""Who was told of a release, when, and who was not and why; and what waits for a person."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields

from opsctl.contract.gate import Delivery, Purpose, Request
from opsctl.contract.services import PRODUCT, Service
from opsctl.core.clock import iso
from opsctl.core.errors import OpsctlError
from opsctl.core.outcome import Outcome, Status
from opsctl.notices import register
from opsctl.notices.approval import known
from opsctl.notices.planning import plan
from opsctl.notices.register import Revision
from opsctl.notices.standing import require_domains
from opsctl.profiles.model import Profile
from opsctl.releases.catalogue import Catalogue
from opsctl.releases.version import Version
from opsctl.runs.service import gate
from opsctl.runs.workplace import Workplace

_WHY = {register.SENDING: "a sender was killed, or is at work: the outcome is unknown",
        register.UNKNOWN: "the connection was lost: the outcome is unknown",
        register.REFUSED: "the relay refused"}


@dataclass(frozen=True)
class Row:
    """One contact's delivery, or one customer without any. contact: name and address, personal data."""

    customer: str
    hosted_by: str
    release: str
    informed: str
    reason: str
    notice: str = ""
    revision: str = ""
    contact: str = ""
    at: str = ""
    reply: str = ""
    approved_by: str = ""
    sha256: str = ""


def coverage(workplace: Workplace, profiles: Iterable[Profile], release: str) -> tuple[Row, ...]:
    """A row for each contact a notice of `release` went to, and one for each customer who was not told, with why."""
    return tuple(row for profile in profiles for row in _rows(workplace, profile, release))


def table_text(rows: Iterable[Row]) -> str:
    """The rows as CSV (RFC 4180). A cell that a spreadsheet would take for a formula gets a quote in front."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([field.name for field in fields(Row)])
    for row in rows:
        writer.writerow([f"'{cell}" if cell[:1] in {"=", "+", "-", "@"} else cell for cell in asdict(row).values()])
    return out.getvalue()


def _rows(workplace: Workplace, profile: Profile, release: str) -> Iterator[Row]:
    drafts = [draft for draft in known(workplace, profile.customer) if draft.release == release]
    told = [draft for draft in drafts if draft.attempts]
    if not told:
        yield Row(profile.customer, profile.hosting, release, "no", _why_not(workplace, profile, release, drafts))
    for draft in told:
        for contact in draft.contacts:
            attempt = draft.attempts.get(contact)
            informed = attempt is not None and attempt.kind == register.ACCEPTED
            reason = "" if informed else _WHY[attempt.kind] if attempt else "not sent yet"
            reply = f"{attempt.code or ''} {attempt.reply}".strip() if attempt else ""
            yield Row(profile.customer, profile.hosting, release, "yes" if informed else "no", reason, draft.notice,
                      str(draft.number), workplace.ledger.personal(contact) or "erased",
                      iso(attempt.at) if attempt else "", reply, draft.approval.signer if draft.approval else "",
                      attempt.sha256 if attempt else "")


def _why_not(workplace: Workplace, profile: Profile, release: str, drafts: list[Revision]) -> str:
    if drafts:
        return "approved and not sent" if drafts[-1].approval else "drafted and not approved"
    decision = gate(profile, _request(Service.SOFTWARE_UPDATE_MINOR), workplace.clock.now())
    if not decision.allowed:
        return decision.reason
    installed = profile.ready.version
    if installed and Version.parse(installed) >= Version.parse(release):
        return f"has {PRODUCT} {installed} installed"
    return "not drafted"


def _request(service: Service) -> Request:
    return Request(service, Purpose.NEW_VALUE, Delivery.NOTICE)


def check(workplace: Workplace, profile: Profile, releases: Catalogue) -> Outcome:
    """What about this customer's notices waits for a person; NotCovered when the contract has none for it."""
    found = plan(profile, releases, workplace.clock.now())
    gate(profile, _request(found.service), workplace.clock.now()).require(profile.customer)
    drafts = known(workplace, profile.customer)
    lost = [draft for draft in drafts if draft.count(register.UNKNOWN) or draft.count(register.SENDING)]
    if lost:
        return _outcome(found.service, profile, Status.CHECK_FAILED, f"{lost[-1].notice}: an outcome is unknown",
                        "ask the contact or read the relay's log; then `opsctl notice send --again`")
    if found.facts is None:
        return _outcome(found.service, profile, Status.UNCHANGED, found.reason)
    draft = register.newest(drafts, found.facts.notice)
    return _outcome(found.service, profile, *_waiting(profile, found.facts.notice, draft))


def _waiting(profile: Profile, notice: str, draft: Revision | None) -> tuple[Status, str, str]:
    if draft is None:
        return Status.WARNING, f"{notice} is not drafted", f"run `opsctl notice draft {profile.customer}`"
    if draft.count(register.REFUSED):
        return (Status.CHECK_FAILED, f"{notice}: the relay refused {draft.count(register.REFUSED)} of "
                f"{len(draft.contacts)}", f"see `opsctl notice show {profile.customer} {notice}`")
    if draft.state == "sent":
        return Status.UNCHANGED, f"{notice} is sent", ""
    try:
        require_domains(profile)
    except OpsctlError as error:
        return Status.WARNING, error.message.removeprefix(f"{profile.customer}: "), error.resolution
    if draft.approval is None:
        return (Status.WARNING, f"{notice} revision {draft.number} waits for approval",
                f"opsctl notice approve {profile.customer} {notice} --key FILE")
    return (Status.WARNING, f"{notice} revision {draft.number} is approved and not sent to everybody",
            f"opsctl notice send {profile.customer}")


def _outcome(service: Service, profile: Profile, status: Status, summary: str, resolution: str = "") -> Outcome:
    return Outcome(profile.customer, service, status, summary, resolution)
