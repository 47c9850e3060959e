"""Who was told of a release, when, and who was not and why."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields

from opsctl.contract.gate import Delivery, Purpose, Request
from opsctl.contract.services import PRODUCT, Service
from opsctl.core.clock import iso
from opsctl.core.errors import UsageError
from opsctl.core.spreadsheet import safe
from opsctl.notices import register
from opsctl.notices.approval import known
from opsctl.notices.history import RECALLS, label
from opsctl.notices.model import NoticeKind
from opsctl.notices.planning import recipients
from opsctl.notices.register import Attempt, Revision
from opsctl.profiles.model import Profile
from opsctl.releases.catalogue import load
from opsctl.releases.version import Version
from opsctl.runs.installed import notified_version
from opsctl.runs.service import gate
from opsctl.runs.workplace import Workplace

_WHY = {register.SENDING: "a sender was killed, or is at work: the outcome is unknown",
        register.UNKNOWN: "the connection was lost: the outcome is unknown",
        register.REFUSED: "the relay refused", register.BOUNCED: "it bounced"}
_ANOTHER_MATTER = frozenset({NoticeKind.END_OF_SUPPORT, NoticeKind.MODULE_PROPOSAL})


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

    Its withdrawal and corrections have rows too; who got only those was not told of the release.
    Also for customers that the ledger knows and that have no profile any more.
    """
    known_profiles = tuple(profiles)
    rows = [row for profile in known_profiles for row in _rows(workplace, profile, release)]
    gone = sorted({*workplace.ledger.chains()} - {profile.customer for profile in known_profiles})
    rows += [row for customer in gone for draft in _told(workplace, customer, release)
             for row in _deliveries(workplace, customer, "", draft)]
    return tuple(rows)


def require_known(workplace: Workplace, release: Version) -> None:
    """UsageError when neither a draft in the ledger nor a release file knows this release."""
    drafts = (draft for customer in workplace.ledger.chains() for draft in known(workplace, customer))
    if any(draft.release == str(release) for draft in drafts):
        return
    if load(workplace.settings.releases).get(release) is None:
        raise UsageError(f"there is no release {release}, and no notice of one is drafted", "see `opsctl release list`")


def table_text(rows: Iterable[Row]) -> str:
    """The rows as CSV (RFC 4180). A cell that a spreadsheet would take for a formula gets a quote in front."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([field.name for field in fields(Row)])
    for row in rows:
        writer.writerow([safe(cell) for cell in asdict(row).values()])
    return out.getvalue()


def _told(workplace: Workplace, customer: str, release: str) -> list[Revision]:
    return [draft for draft in known(workplace, customer) if _about(draft, release) and draft.attempts]


def _about(draft: Revision, release: str) -> bool:
    """Whether the notice is about this release; the end of its support, or one of its modules, is another matter."""
    return draft.release == release and draft.kind not in _ANOTHER_MATTER


def _rows(workplace: Workplace, profile: Profile, release: str) -> Iterator[Row]:
    told = _told(workplace, profile.customer, release)
    if not told:
        yield Row(profile.customer, profile.hosting, release, "no", _why_not(workplace, profile, release))
        return
    written_to: set[str] = set()
    for draft in told:
        found = tuple(_deliveries(workplace, profile.customer, profile.hosting, draft))
        yield from found
        if draft.kind not in RECALLS:
            written_to.update(row.contact for row in found)
    for recipient in recipients(profile):
        person = label(recipient)
        if person not in written_to:
            yield Row(profile.customer, profile.hosting, release, "no", "a contact of the profile, in no notice of the "
                      "release that was sent", contact=person)


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
    drafts = [draft for draft in known(workplace, profile.customer) if _about(draft, release)]
    if drafts:
        return "approved and not sent" if drafts[-1].approval else "drafted and not approved"
    request = Request(Service.SOFTWARE_UPDATE_MINOR, Purpose.NEW_VALUE, Delivery.NOTICE)
    decision = gate(profile, request, workplace.clock.now(), workplace.ledger)
    if not decision.allowed:
        return decision.reason
    installed = notified_version(workplace, profile)
    if installed is not None and installed >= Version.parse(release):
        return f"has {PRODUCT} {installed} installed"
    return "not drafted"
