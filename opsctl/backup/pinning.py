"""Keeping single backups beyond their time, with a reason: for an audit, a dispute, a legal hold."""

from __future__ import annotations

from collections.abc import Mapping

from opsctl.backup.catalog import catalog
from opsctl.backup.terms import REQUEST, terms_instant
from opsctl.core.errors import UsageError
from opsctl.core.outcome import Outcome, Status
from opsctl.profiles.model import KamstrupProfile
from opsctl.runs.service import Run, perform
from opsctl.runs.workplace import Workplace

PINNED, UNPINNED = "backup.pinned", "backup.unpinned"


def pins(workplace: Workplace, customer: str) -> Mapping[str, str]:
    """{backup id: reason} of what is pinned now; the evidence itself is the record."""
    found: dict[str, str] = {}
    for entry in workplace.ledger.entries(chain=customer, kinds=[PINNED, UNPINNED]):
        backup_id = str(entry.payload["backup_id"])
        if entry.kind == PINNED:
            found[backup_id] = str(entry.payload["reason"])
        else:
            found.pop(backup_id, None)
    return found


def pin(workplace: Workplace, profile: KamstrupProfile, backup_id: str, reason: str) -> Outcome:
    """Keep `backup_id` until it is unpinned; UsageError without a reason, exit 3 for an unknown backup."""
    if not reason.strip():
        raise UsageError("a pin needs a reason", "say why the backup is kept and until when it is needed")

    def act(run: Run) -> Outcome:
        catalog(workplace, profile).find(backup_id)
        return _record(run, PINNED, backup_id, reason.strip(), f"{backup_id} is kept: {reason.strip()}")

    return perform(workplace, profile, REQUEST, "backup pin", act, terms_of=terms_instant(backup_id))


def unpin(workplace: Workplace, profile: KamstrupProfile, backup_id: str, reason: str) -> Outcome:
    """Let retention decide about `backup_id` again; UNCHANGED when it was not pinned."""
    def act(run: Run) -> Outcome:
        if backup_id not in pins(workplace, profile.customer):
            return Outcome(profile.customer, REQUEST.service.value, Status.UNCHANGED, f"{backup_id} was not pinned")
        return _record(run, UNPINNED, backup_id, reason.strip(), f"{backup_id} is no longer kept for itself")

    return perform(workplace, profile, REQUEST, "backup unpin", act, terms_of=terms_instant(backup_id))


def _record(run: Run, kind: str, backup_id: str, reason: str, summary: str) -> Outcome:
    run.record(kind, {"backup_id": backup_id, "reason": reason})
    return Outcome(run.customer, REQUEST.service.value, Status.DONE, summary,
                   data={"backup_id": backup_id, "reason": reason})
