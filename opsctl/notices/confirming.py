"""Record that a customer confirmed a notice: by call, by answer, as the operator heard it."""

from __future__ import annotations

from opsctl.core.clock import iso
from opsctl.core.errors import UsageError
from opsctl.core.outcome import Outcome, Status
from opsctl.notices import register
from opsctl.notices.approval import known
from opsctl.profiles.model import Profile
from opsctl.runs.service import Run, perform
from opsctl.runs.workplace import Workplace

OPERATION = "notice confirm"
MAXIMUM_REFERENCE = 120


def confirm(workplace: Workplace, profile: Profile, notice: str, reference: str) -> Outcome:
    """Record the confirmation of the newest revision of `notice` that was sent.

    reference: how it came, such as a ticket's number; no address, since the chain cannot be erased.
    UsageError when nothing was sent or the reference may not stand in the chain; the contract of the day of sending
    decides.
    """
    if not reference.strip() or len(reference) > MAXIMUM_REFERENCE or not reference.isprintable() or "@" in reference:
        raise UsageError(f"--reference must be one line of at most {MAXIMUM_REFERENCE} characters without an address",
                         "write how it was confirmed, such as `ticket 4711` or `call of 24 November`")
    sent = [draft for draft in known(workplace, profile.customer) if draft.notice == notice and draft.attempts]
    if not sent:
        raise UsageError(f"{profile.customer}: no notice {notice} was sent",
                         f"see `opsctl notice list {profile.customer}`")
    draft = sent[-1]
    what = f"{notice} revision {draft.number}"

    def act(run: Run) -> Outcome:
        before = draft.confirmation
        if before is not None:
            return Outcome(run.customer, draft.service, Status.UNCHANGED,
                           f"{what}, confirmed already at {iso(before.at)}: {before.reference}")
        run.record(register.CONFIRMED, {"notice": notice, "revision": draft.number, "reference": reference.strip()})
        return Outcome(run.customer, draft.service, Status.DONE, f"{what}, confirmed: {reference.strip()}")

    sent_at = max(one.at for one in draft.attempts.values())
    return perform(workplace, profile, draft.request, OPERATION, act, terms_of=sent_at)
