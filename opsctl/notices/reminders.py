"""What about notices waits for a person, and whether it is late: drafts, approved ones, confirmations, failures."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime

from opsctl.contract.gate import Delivery, Purpose, Request
from opsctl.contract.services import Service
from opsctl.core.clock import local_day
from opsctl.core.errors import OpsctlError
from opsctl.core.outcome import Outcome, Status
from opsctl.notices import register
from opsctl.notices.approval import known
from opsctl.notices.model import DANISH_TIME
from opsctl.notices.outbox import current
from opsctl.notices.planning import beside_a_major, plan
from opsctl.notices.policy import asked, last_day
from opsctl.notices.register import Revision
from opsctl.notices.standing import require_domains
from opsctl.profiles.model import Profile
from opsctl.profiles.settings import NoticePolicy
from opsctl.releases.catalogue import Catalogue
from opsctl.releases.version import Version
from opsctl.runs.installed import as_installed, notified_version
from opsctl.runs.service import gate
from opsctl.runs.workplace import Workplace

_FAILURES = {
    register.UNKNOWN: ("the outcome is unknown", "ask the contact or read the relay's log, then `opsctl notice send "
                                                 "{customer} {notice} --again`"),
    register.SENDING: ("a sender is at work, or was killed", "`opsctl notice send {customer} {notice}` finds out"),
    register.REFUSED: ("the relay refused", "see `opsctl notice show {customer} {notice}`"),
    register.BOUNCED: ("it bounced", "see `opsctl notice show {customer} {notice}`; ask for an address that works"),
}


@dataclass(frozen=True)
class Reminder:
    """One thing that waits. todo: with {customer} and {notice} still to be filled in.

    by: the last day in time (ISO 8601), empty for what is wrong already.
    """

    notice: str
    revision: int
    what: str
    todo: str
    by: str
    late: bool


def reminders(drafts: Sequence[Revision], installed: Version | None, policy: NoticePolicy, today: date,
              at: datetime | None = None, beside: Collection[str] = ()) -> tuple[Reminder, ...]:
    """What waits, by what the ledger knows. Pure.

    drafts: in the order of drafting. installed: a notice of a release that the customer has by now waits for nobody,
    and so does what announces something that has ended at `at`. beside: see `planning.beside_a_major`.
    """
    return tuple(found for draft in current(drafts, installed, at, beside) for found in _of(draft, policy, today))


def remind(workplace: Workplace, profile: Profile) -> Outcome:
    """What waits for this customer; a failed check (exit 8) when something is late or went wrong.

    NotCovered when there is no notice and the contract has none for the customer.
    """
    now = workplace.clock.now()
    drafts = known(workplace, profile.customer)
    if not drafts:
        usual = Request(Service.SOFTWARE_UPDATE_MINOR, Purpose.NEW_VALUE, Delivery.NOTICE)
        gate(profile, usual, now, workplace.ledger).require(profile.customer)
    found = reminders(drafts, notified_version(workplace, profile), workplace.settings.policy.notices,
                      local_day(now, DANISH_TIME), now, beside_a_major(profile, now))
    return _outcome(profile.customer, drafts, found)


def check(workplace: Workplace, profile: Profile, releases: Catalogue) -> Outcome:
    """As `remind`, and also what hinders: the release notice that is due is not drafted, an address is strange.

    NotCovered when there is no notice and the contract has none for the customer.
    """
    now = workplace.clock.now()
    found = plan(as_installed(workplace, profile), releases, now)
    drafted = {draft.notice for draft in known(workplace, profile.customer)}
    undrafted = None
    allowed = gate(profile, found.request, now, workplace.ledger).allowed
    if found.facts and allowed and found.facts.notice not in drafted:
        undrafted = Outcome(profile.customer, found.service, Status.WARNING, f"{found.facts.notice} is not drafted",
                            f"run `opsctl notice draft {profile.customer}`")
        if not drafted:
            # `remind` would refuse by the usual notice; what is due may go further (security).
            return undrafted
    outcome = remind(workplace, profile)
    if outcome.status is Status.CHECK_FAILED:
        return outcome
    if undrafted:
        return undrafted
    if outcome.status is not Status.WARNING:
        return outcome
    try:
        require_domains(profile)
    except OpsctlError as error:
        return Outcome(profile.customer, outcome.service, Status.WARNING,
                       error.message.removeprefix(f"{profile.customer}: "), error.resolution)
    return outcome


def _of(draft: Revision, policy: NoticePolicy, today: date) -> Iterator[Reminder]:
    if draft.approval is None:
        yield _due(draft, "waits for approval", "opsctl notice approve {customer} {notice} --key FILE",
                   _by(draft.drafted_at, policy.approve_days), today)
        return
    if len(draft.attempts) < len(draft.contacts):
        missing, everybody = len(draft.contacts) - len(draft.attempts), len(draft.contacts)
        what = f"is not sent to {missing} of {everybody}" if draft.attempts else "is approved and not sent"
        yield _due(draft, what, "opsctl notice send {customer} {notice}",
                   _by(draft.approval.at, policy.send_days), today)
    for kind, (what, todo) in _FAILURES.items():
        if draft.count(kind):
            yield Reminder(draft.notice, draft.number, f"{what} for {draft.count(kind)} of {len(draft.contacts)}",
                           todo, "", True)
    accepted = [one.at for one in draft.attempts.values() if one.kind == register.ACCEPTED]
    wanted = asked(draft.kind, draft.approval.security, policy.confirmation, "confirmation")
    if accepted and wanted and draft.confirmation is None:
        yield _due(draft, "is not confirmed by the customer", "call them, then `opsctl notice confirm {customer} "
                   "{notice} --reference TEXT`", _by(max(accepted), policy.confirm_days), today)


def _by(since: datetime, days: int) -> date:
    return last_day(local_day(since, DANISH_TIME), days)


def _due(draft: Revision, what: str, todo: str, by: date, today: date) -> Reminder:
    return Reminder(draft.notice, draft.number, what, todo, by.isoformat(), today > by)


def _outcome(customer: str, drafts: Sequence[Revision], found: Iterable[Reminder]) -> Outcome:
    waiting = tuple(replace(one, todo=one.todo.format(customer=customer, notice=one.notice)) for one in found)
    service = drafts[-1].service if drafts else Service.SOFTWARE_UPDATE_MINOR
    if not waiting:
        return Outcome(customer, service, Status.UNCHANGED, "nothing waits")
    status = Status.CHECK_FAILED if any(one.late for one in waiting) else Status.WARNING
    summary = "; ".join(f"{one.notice} {one.what}" + (f" (by {one.by}{', late' if one.late else ''})" if one.by else "")
                        for one in waiting)
    todo = dict.fromkeys(one.todo for one in waiting)
    return Outcome(customer, service, status, summary, "; ".join(todo),
                   data={"waiting": [asdict(one) for one in waiting]})
