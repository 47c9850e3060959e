"""Send an approved notice: one mail per contact, each step in the ledger before it is taken.

`notice.sending` stands there before the relay hears of the mail; then `accepted`, `refused` or `unknown`. What was
accepted is never sent again, what is unknown not by itself: a person decides.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum

from opsctl.adapters.mail import Fate, Relay
from opsctl.contract.gate import Delivery, Purpose, Request
from opsctl.contract.services import Service
from opsctl.core.errors import UsageError
from opsctl.core.outcome import Outcome, Status
from opsctl.notices import register, shelf
from opsctl.notices.approval import known, require_approved
from opsctl.notices.drafting import SUMMARY
from opsctl.notices.outgoing import outgoing
from opsctl.notices.register import Attempt, Revision
from opsctl.notices.standing import Standing, require_domains, require_standing
from opsctl.profiles.model import Profile
from opsctl.releases.catalogue import Catalogue
from opsctl.runs.service import Run, perform
from opsctl.runs.workplace import Workplace

OPERATION = "notice send"
_STATE = {Fate.ACCEPTED: register.ACCEPTED, Fate.REFUSED: register.REFUSED, Fate.UNKNOWN: register.UNKNOWN}


class Step(StrEnum):
    """What is done for one contact."""

    SEND = "send"
    ALREADY = "already sent"
    REFUSED = "refused for good"
    UNKNOWN = "unknown"
    BOUNCED = "bounced"


@dataclass(frozen=True)
class Sending:
    """What one command sends. notice: None for the newest. everyone: came in by --all. again: a person decided to
    send also what is unknown, bounced or was refused for good."""

    releases: Catalogue
    relay: Relay
    notice: str | None = None
    everyone: bool = False
    again: bool = False


def step(attempt: Attempt | None, again: bool) -> Step:
    """What to do for a contact, by the last state of its delivery."""
    if attempt is None or (attempt.kind == register.REFUSED and (attempt.temporary or again)):
        return Step.SEND
    if attempt.kind == register.ACCEPTED:
        return Step.ALREADY
    if attempt.kind == register.REFUSED:
        return Step.REFUSED
    if again:
        return Step.SEND
    return Step.BOUNCED if attempt.kind == register.BOUNCED else Step.UNKNOWN


def send(workplace: Workplace, profile: Profile, what: Sending) -> Outcome:
    """Send the newest approved revision to every contact that has not got it.

    Raises NotCovered (also when the agreement has ended) and Locked. Exit 6 when it is not approved or the approval
    is void; 1 or 7 when the relay refused or the outcome is unknown.
    """
    found = register.newest(known(workplace, profile.customer), what.notice)
    request = found.request if found else Request(Service.SOFTWARE_UPDATE_MINOR, Purpose.NEW_VALUE, Delivery.NOTICE)

    def act(run: Run) -> Outcome:
        # Read again under the lease: another sender may have been at work until now.
        draft = register.newest(known(workplace, profile.customer), what.notice)
        if draft is None or (what.everyone and draft.approval is None):
            return _nothing(run, request.service, what, draft)
        return _sent(run, profile, _settle(run, draft), what)

    return perform(workplace, profile, request, OPERATION, act)


def _nothing(run: Run, service: Service, what: Sending, draft: Revision | None) -> Outcome:
    if draft is not None:
        return Outcome(run.customer, service, Status.SKIPPED, f"{draft.notice} revision {draft.number} is not approved")
    if what.everyone:
        return Outcome(run.customer, service, Status.SKIPPED, "nothing is drafted")
    raise UsageError(f"{run.customer}: {what.notice or 'no notice'} is not drafted" if what.notice else
                     f"{run.customer}: no notice is drafted", f"run `opsctl notice draft {run.customer}`")


def _settle(run: Run, draft: Revision) -> Revision:
    """A `sending` without an answer was left by a sender that was killed: what became of it is unknown."""
    left = [contact for contact, attempt in draft.attempts.items() if attempt.kind == register.SENDING]
    for contact in left:
        run.record(register.UNKNOWN, {**_key(draft, contact), "code": 0, "sha256": draft.attempts[contact].sha256,
                                      "reply": "the sender ended before it recorded an answer"})
    again = register.newest(known(run.workplace, run.customer), draft.notice) if left else draft
    return again or draft


def _sent(run: Run, profile: Profile, draft: Revision, what: Sending) -> Outcome:
    steps = {contact: step(draft.attempts.get(contact), what.again) for contact in draft.contacts}
    results = Counter(word.value for word in steps.values() if word is not Step.SEND)
    warnings: list[str] = []
    if Step.SEND in steps.values():
        require_domains(profile)
        standing = require_standing(run.workplace, profile, what.releases, draft)
        require_approved(run, draft, standing.facts)
        for index, contact in enumerate(draft.contacts):
            if steps[contact] is not Step.SEND:
                continue
            if what.relay.stopped:
                results["not tried"] += 1
                continue
            word, reply = _one(run, draft, standing, index, what.relay)
            results[word] += 1
            if reply:
                warnings.append(f"contact {index + 1} of {len(draft.contacts)}: {reply}")
    return _outcome(run, draft, results, tuple(warnings))


def _one(run: Run, draft: Revision, standing: Standing, index: int, relay: Relay) -> tuple[str, str]:
    """Hand over one mail; the word for the result, and the relay's words when it was not accepted."""
    contact, recipient, sender = draft.contacts[index], standing.recipients[index], standing.brand.sender.email
    entry = json.loads(standing.files.content[SUMMARY])["recipients"][index]
    relay.ready(recipient.address.rpartition("@")[2])
    content = outgoing(standing.mail(index), recipient, standing.brand, run.workplace.clock.now(), entry["subject"],
                       entry["message_id"])
    digest = hashlib.sha256(content).hexdigest()
    name = f"{entry['files'][0].removesuffix('.txt')}-{digest[:12]}.eml"
    shelf.keep(standing.folder.with_name(f"{draft.number}.sent"), name, content)
    run.record(register.SENDING, {**_key(draft, contact), "sha256": digest, "language": recipient.language,
                                  "release": draft.release, "role": "notices"})
    # The envelope is the profile's address, never one read from the message.
    delivery = relay.deliver(sender, [recipient.address], content)[recipient.address]
    run.record(_STATE[delivery.fate], {**_key(draft, contact), "sha256": digest, "code": delivery.code,
                                       "reply": delivery.reply, "temporary": delivery.temporary})
    if delivery.fate is Fate.ACCEPTED:
        return "sent", ""
    refused = "refused for now" if delivery.temporary else Step.REFUSED.value
    word = refused if delivery.fate is Fate.REFUSED else Step.UNKNOWN.value
    return word, f"{delivery.code or ''} {delivery.reply}".strip()


def _key(draft: Revision, contact: str) -> dict[str, object]:
    return {"notice": draft.notice, "revision": draft.number, "contact": contact}


def _outcome(run: Run, draft: Revision, results: Counter[str], warnings: tuple[str, ...]) -> Outcome:
    delivered = results["sent"] + results[Step.ALREADY.value]
    if delivered == len(draft.contacts):
        status = Status.DONE if results["sent"] else Status.UNCHANGED
    else:
        status = Status.PARTIAL if delivered else Status.FAILED
    advice = []
    if results[Step.UNKNOWN.value]:
        advice.append("unknown is never sent again by itself: ask the contact or read the relay's log, then `opsctl "
                      f"notice send {run.customer} {draft.notice} --again`")
    if results[Step.REFUSED.value] or results[Step.BOUNCED.value]:
        advice.append("correct the address in the profile or the relay, then draft again or send with --again")
    if results["refused for now"] or results["not tried"]:
        advice.append("send again later; what was accepted is not sent twice")
    counts = ", ".join(word if len(draft.contacts) == 1 else f"{count} {word}" for word, count in results.items())
    return Outcome(run.customer, draft.service, status, f"{draft.notice} revision {draft.number}: {counts}",
                   "; ".join(advice), warnings=warnings,
                   data={"notice": draft.notice, "revision": draft.number, "contacts": dict(results)})
