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
from opsctl.notices.planning import plan, recipients
from opsctl.notices.register import Attempt, Revision
from opsctl.notices.standing import require_domains
from opsctl.profiles.model import Profile
from opsctl.releases.catalogue import Catalogue
from opsctl.releases.version import Version
from opsctl.runs.service import gate
from opsctl.runs.workplace import Workplace

_WHY = {register.SENDING: "a sender was killed, or is at work: the outcome is unknown",
        register.UNKNOWN: "the connection was lost: the outcome is unknown",
        register.REFUSED: "the relay refused", register.BOUNCED: "it bounced"}


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
    confirmed: str = ""


def coverage(workplace: Workplace, profiles: Iterable[Profile], release: str) -> tuple[Row, ...]:
    """A row for each contact a notice of `release` went to, and one for each who was not told, with why.

    Also for customers that the ledger knows and that have no profile any more.
    """
    known_profiles = tuple(profiles)
    rows = [row for profile in known_profiles for row in _rows(workplace, profile, release)]
    gone = sorted({*workplace.ledger.chains()} - {profile.customer for profile in known_profiles})
    rows += [row for customer in gone for draft in _told(workplace, customer, release)
             for row in _deliveries(workplace, customer, "", draft)]
    return tuple(rows)


def table_text(rows: Iterable[Row]) -> str:
    """The rows as CSV (RFC 4180). A cell that a spreadsheet would take for a formula gets a quote in front."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([field.name for field in fields(Row)])
    for row in rows:
        writer.writerow([f"'{cell}" if cell[:1] in {"=", "+", "-", "@"} else cell for cell in asdict(row).values()])
    return out.getvalue()


def _told(workplace: Workplace, customer: str, release: str) -> list[Revision]:
    return [draft for draft in known(workplace, customer) if draft.release == release and draft.attempts]


def _rows(workplace: Workplace, profile: Profile, release: str) -> Iterator[Row]:
    told = _told(workplace, profile.customer, release)
    if not told:
        yield Row(profile.customer, profile.hosting, release, "no", _why_not(workplace, profile, release))
        return
    found = [row for draft in told for row in _deliveries(workplace, profile.customer, profile.hosting, draft)]
    yield from found
    for recipient in recipients(profile):
        person = f"{recipient.name} <{recipient.address}>"
        if person not in {row.contact for row in found}:
            yield Row(profile.customer, profile.hosting, release, "no", "a contact of the profile, in no notice that "
                      "was sent", contact=person)


def _deliveries(workplace: Workplace, customer: str, hosting: str, draft: Revision) -> Iterator[Row]:
    for contact in draft.contacts:
        attempt = draft.attempts.get(contact) or Attempt("", draft.drafted_at)
        informed = attempt.kind == register.ACCEPTED
        reason = "" if informed else _WHY.get(attempt.kind, "not sent yet")
        reason += " for now" if attempt.temporary else ""
        if attempt.report:
            reason = f"{reason}: {attempt.report}" if reason else f"reported {attempt.report}"
        yield Row(customer, hosting, draft.release, "yes" if informed else "no", reason, draft.notice,
                  str(draft.number), workplace.ledger.personal(contact) or "erased",
                  iso(attempt.at) if attempt.kind else "", f"{attempt.code or ''} {attempt.reply}".strip(),
                  draft.approval.signer if draft.approval else "", attempt.sha256,
                  draft.confirmation.reference if draft.confirmation else "")


def _why_not(workplace: Workplace, profile: Profile, release: str) -> str:
    drafts = [draft for draft in known(workplace, profile.customer) if draft.release == release]
    if drafts:
        return "approved and not sent" if drafts[-1].approval else "drafted and not approved"
    decision = gate(profile, _request(Service.SOFTWARE_UPDATE_MINOR), workplace.clock.now(), workplace.ledger)
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
    gate(profile, found.request, workplace.clock.now(), workplace.ledger).require(profile.customer)
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
