"""Record a delivery report: find the message it is about by its Message-ID, and say so in the ledger.

The ledger holds no address, so the identity is computed anew for each message that was sent and compared.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from opsctl.core.errors import UsageError
from opsctl.core.outcome import Outcome, Status
from opsctl.notices import bounces, mail, register
from opsctl.notices.approval import known
from opsctl.notices.bounces import DeliveryReport, Fate
from opsctl.notices.history import address_in
from opsctl.notices.register import Revision
from opsctl.profiles.model import Profile
from opsctl.runs.service import Run, perform
from opsctl.runs.workplace import Workplace

OPERATION = "notice bounce"


@dataclass(frozen=True)
class Found:
    """The message a report is about: whose, which revision, which contact."""

    profile: Profile
    draft: Revision
    contact: str
    address: str


def find(workplace: Workplace, profiles: Iterable[Profile], identity: str) -> Found | None:
    """The sent message with this Message-ID; None when no customer was sent it, or the contact's data were erased."""
    local, _, domain = identity.strip("<>").rpartition("@")
    for profile in profiles:
        for draft in known(workplace, profile.customer):
            if not local.startswith(f"opsctl.{draft.notice}.{draft.number}."):
                continue
            for contact in draft.attempts:
                address = address_in(workplace.ledger.personal(contact) or "")
                if mail.message_id(draft.notice, draft.number, profile.customer, address, domain) == identity:
                    return Found(profile, draft, contact, address)
    return None


def record(workplace: Workplace, profiles: Iterable[Profile], content: bytes) -> Outcome:
    """Record the report in `content`; the same report twice is recorded once.

    UsageError when it is no delivery report or about no message of ours. The contract of the day of sending decides. A
    failed delivery comes back as a warning with what to do.
    """
    report = bounces.read(content)
    found = find(workplace, profiles, report.message_id)
    if found is None:
        raise UsageError(f"no message with the id {report.message_id} was sent by this ledger",
                         "check that OPSCTL_CONFIG names the ledger it was sent with; a contact whose data were erased "
                         "is not found either")
    digest = hashlib.sha256(content).hexdigest()
    sent_at = found.draft.attempts[found.contact].at
    return perform(workplace, found.profile, found.draft.request, OPERATION,
                   lambda run: _recorded(run, found, report, digest), terms_of=sent_at)


def _recorded(run: Run, found: Found, report: DeliveryReport, digest: str) -> Outcome:
    # Read again under the lease: the same report may just have been recorded.
    drafts = [one for one in known(run.workplace, run.customer)
              if (one.notice, one.number) == (found.draft.notice, found.draft.number)]
    draft = drafts[-1] if drafts else found.draft
    what = f"{draft.notice} revision {draft.number}, contact {draft.contacts.index(found.contact) + 1} of " \
           f"{len(draft.contacts)}"
    fate = _about(report, found.address)
    if digest in draft.attempts[found.contact].reports:
        return _outcome(run, draft, fate, Status.UNCHANGED, f"{what}: this report is recorded already")
    kind = register.BOUNCED if fate.action == bounces.FAILED else register.REPORTED
    run.record(kind, {"notice": draft.notice, "revision": draft.number, "contact": found.contact,
                      "action": fate.action, "status": fate.status, "diagnostic": fate.diagnostic, "report": digest})
    status = Status.WARNING if kind == register.BOUNCED else Status.DONE
    return _outcome(run, draft, fate, status, f"{what}: {fate.action}, {fate.status} {fate.diagnostic}".rstrip())


def _about(report: DeliveryReport, address: str) -> Fate:
    """What it says of our contact; of whoever it names when the mail was forwarded, the worst first."""
    ours = [fate for fate in report.fates if fate.recipient.casefold() == address.casefold()]
    return min(ours or report.fates, key=lambda fate: fate.action != bounces.FAILED)


def _outcome(run: Run, draft: Revision, fate: Fate, status: Status, summary: str) -> Outcome:
    advice = f"ask the customer for an address that works, correct it in the profile, then `opsctl notice draft " \
             f"{run.customer}`; tell the contact in another way meanwhile" if status is Status.WARNING else ""
    return Outcome(run.customer, draft.service, status, summary, advice, data={
        "notice": draft.notice, "revision": draft.number, "action": fate.action, "status": fate.status})
