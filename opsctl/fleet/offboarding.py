"""A customer that leaves: what ends, what stays and until when, and a checklist in which every tick has its evidence.

From the day after the last one the gate refuses everything but custody of what was taken before. Ledger:
`customer.offboarding-started`, `customer.offboarding-cancelled`, `customer.step-done`, `customer.personal-erased`, and
those of `fleet.returning` and `fleet.personal`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from opsctl.contract.records import OFFBOARDED, OFFBOARDING_ENDED
from opsctl.core.clock import local_day
from opsctl.core.errors import UsageError
from opsctl.core.outcome import Outcome, Status
from opsctl.fleet.checklist import (
    BY_HAND,
    PERSONAL_ERASED,
    STEP_DONE,
    Step,
    checklist,
    facts_of,
    require_leaving,
    since,
    step_done,
)
from opsctl.fleet.personal import erase_drafts, erase_texts
from opsctl.fleet.returning import ERASED, RETURNED
from opsctl.ledger import held
from opsctl.profiles.model import KamstrupProfile, Profile
from opsctl.runs.service import LEASE_SECONDS
from opsctl.runs.workplace import Workplace

if TYPE_CHECKING:
    from opsctl.ledger import HeldLease


def start(workplace: Workplace, profile: Profile, last_day: date, reason: str) -> Outcome:
    """Record the last day; UsageError when it lies in the past or another one is on record."""
    if not reason.strip():
        raise UsageError("an offboarding needs a reason", "give --reason, for example the notice's reference")
    if last_day < local_day(workplace.clock.now(), profile.zone):
        raise UsageError(f"--last-day {last_day} lies in the past", "what was done since then was done; name today")
    with _alone(workplace, profile) as lease:
        known = facts_of(workplace, profile).service_ends
        if known == last_day:
            return _outcome(profile, Status.UNCHANGED, f"the last day is {last_day}, on record already")
        if known is not None:
            raise UsageError(f"the last day on record is {known}",
                             f"`opsctl customer offboard {profile.customer} --cancel --reason ...` first")
        workplace.ledger.append(profile.customer, OFFBOARDED, {"last_day": last_day.isoformat(),
                                "reason": reason.strip()}, actor=workplace.actor, lease=lease)
    return _outcome(profile, Status.DONE, f"the last day is {last_day}; from the day after everything but custody is "
                                          "refused")


def cancel(workplace: Workplace, profile: Profile, reason: str) -> Outcome:
    """The customer stays: UsageError when it does not leave, or its backups are erased."""
    if not reason.strip():
        raise UsageError("cancelling needs a reason", "give --reason")
    with _alone(workplace, profile) as lease:
        began = require_leaving(workplace, profile)
        if since(workplace, profile, ERASED, began) is not None:
            raise UsageError("its backups are erased already", "add it as a customer of another name")
        workplace.ledger.append(profile.customer, OFFBOARDING_ENDED, {"reason": reason.strip()}, actor=workplace.actor,
                                lease=lease)
    return _outcome(profile, Status.DONE, "the customer stays; the gate knows it again")


def done(workplace: Workplace, profile: Profile, step: str, by: str, evidence: Path) -> Outcome:
    """Record that a person has done `step`, with the hash of the file that proves it."""
    if step not in set(BY_HAND):
        raise UsageError(f"--done {step!r} is no step that is done by hand", f"one of {', '.join(BY_HAND)}")
    if not by.strip():
        raise UsageError("--done needs --by", "name who has done it")
    try:
        digest = hashlib.sha256(evidence.read_bytes()).hexdigest()
    except OSError as error:
        raise UsageError(f"{evidence} cannot be read: {error.strerror}", "name the file that proves it") from None
    with _alone(workplace, profile) as lease:
        began = require_leaving(workplace, profile)
        if step == Step.RECEIPT and since(workplace, profile, RETURNED, began) is None:
            raise UsageError("nothing was handed over yet that could be signed for",
                             f"`opsctl customer offboard {profile.customer} --return-backups FOLDER` first")
        workplace.ledger.append(profile.customer, STEP_DONE, {
            "step": step, "by": workplace.ledger.put_personal(profile.customer, by.strip()), "file": evidence.name,
            "sha256": digest}, actor=workplace.actor, lease=lease)
    return _outcome(profile, Status.DONE, f"{step} is on record, proven by {evidence.name} (SHA-256 {digest})")


def erase_personal(workplace: Workplace, profile: Profile, former: KamstrupProfile | None, reason: str) -> Outcome:
    """Erase every name, address and text kept beside the customer's evidence, and the drafts of its notices on this
    machine; the evidence itself stays.

    OperationFailed when the drafts cannot be erased; then the texts are not either. UsageError while another step is
    open: whoever does that one would be named anew.
    """
    require_after_last_day(workplace, profile)
    left = [line.step.value for line in checklist(workplace, profile, former)
            if not line.done and line.step is not Step.PERSONAL]
    if left:
        raise UsageError(f"still open: {', '.join(left)}", "names are erased last, since each step names who did it")
    with _alone(workplace, profile) as lease:
        files = erase_drafts(workplace, profile.customer, lease)
        erased = erase_texts(workplace, profile.customer, reason.strip() or "the customer has left")
        workplace.ledger.append(profile.customer, PERSONAL_ERASED, {"count": erased, "draft_files": files},
                                actor=workplace.actor, lease=lease)
    return _outcome(profile, Status.DONE, f"{erased} names and addresses and {files} "
                    f"{'file' if files == 1 else 'files'} of drafts erased; the evidence stays without them")


def require_after_last_day(workplace: Workplace, profile: Profile) -> None:
    """UsageError before the day after the last one."""
    require_leaving(workplace, profile)
    ends = facts_of(workplace, profile).service_ends
    if ends is None or local_day(workplace.clock.now(), profile.zone) <= ends:
        raise UsageError(f"{profile.customer} is a customer until {ends}", "nothing is erased before the day after")


def require_receipt(workplace: Workplace, profile: Profile) -> None:
    """UsageError until the customer has signed for its backups, after the last of them were handed over."""
    began = require_leaving(workplace, profile)
    if step_done(workplace, profile, Step.RECEIPT, began) is None:
        raise UsageError("the customer has not signed for its backups", f"`opsctl customer offboard {profile.customer} "
                         f"--done {Step.RECEIPT} --by PERSON --evidence FILE` once it has")


@contextmanager
def _alone(workplace: Workplace, profile: Profile) -> Iterator[HeldLease]:
    with held(workplace.ledger, f"{profile.customer}/customer", workplace.actor, LEASE_SECONDS) as lease:
        yield lease


def _outcome(profile: Profile, status: Status, summary: str) -> Outcome:
    return Outcome(profile.customer, "offboarding", status, summary)
