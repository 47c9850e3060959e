"""Reports from a workplace: made, noted by a person, issued as revisions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from opsctl.core.errors import UsageError
from opsctl.ledger import Entry
from opsctl.profiles.model import Profile
from opsctl.promises.month import Month
from opsctl.promises.reading import view_of
from opsctl.report.service.build import ISSUED, build
from opsctl.report.service.model import Report
from opsctl.report.service.relations import NOTED
from opsctl.report.service.revisions import digest, next_revision, numbered
from opsctl.runs.service import LEASE_SECONDS
from opsctl.runs.workplace import Workplace

NOTE_LENGTH = 400


def make(workplace: Workplace, profile: Profile, month: Month, now: datetime) -> Report:
    """The report of the month, as the ledger has it at `now`."""
    report, issued = _built(workplace, profile, month, now)
    return numbered(report, issued)


def note(workplace: Workplace, profile: Profile, month: Month, text: str) -> Entry:
    """Record a person's sentence for the report's head, under the actor's name. UsageError for an empty or long one."""
    words = " ".join(text.split())
    if not 0 < len(words) <= NOTE_LENGTH:
        raise UsageError(f"the note has {len(words)} characters, not 1 to {NOTE_LENGTH}", "write one or two sentences")
    return workplace.ledger.append(profile.customer, NOTED, {"month": str(month), "text": words}, actor=workplace.actor)


def issue(workplace: Workplace, profile: Profile, month: Month, reason: str) -> tuple[Report, bool]:
    """Issue the report: what it says is recorded by its hash. Returns it, and whether anything new was issued.

    UsageError for a month that is not over, and for a second revision without the reason that corrects the first.
    """
    from opsctl.ledger import held

    with held(workplace.ledger, f"{profile.customer}/report", f"report issue {workplace.actor}", LEASE_SECONDS):
        report, _ = _built(workplace, profile, month, workplace.clock.now())
        if report.provisional:
            raise UsageError(f"{month} is not over", "issue the report when it is; until then read it as a draft")
        before = _issued(workplace.ledger.entries(profile.customer, kinds=(ISSUED,)), month)
        number = next_revision(report, before)
        if number is None:
            return numbered(report, before), False
        if number > 1 and not reason:
            raise UsageError(f"revision {number - 1} of {month} was issued with other contents",
                             "say by --reason what this revision corrects")
        entry = workplace.ledger.append(profile.customer, ISSUED, {
            "month": str(month), "revision": number, "sha256": digest(report), "reason": reason,
            "as_of": report.as_of}, actor=workplace.actor)
        return numbered(report, (*before, entry)), True


def _built(workplace: Workplace, profile: Profile, month: Month, now: datetime) -> tuple[Report, Sequence[Entry]]:
    view = view_of(workplace, profile, month, now)
    return build(view, workplace.ledger.personal), _issued(view.evidence.of(ISSUED), month)


def _issued(entries: Iterable[Entry], month: Month) -> Sequence[Entry]:
    return [entry for entry in entries if entry.payload["month"] == str(month)]
