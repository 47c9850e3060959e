"""Keeping single backups beyond their time, with a reason: for an audit, a dispute, a legal hold."""

from __future__ import annotations

from collections.abc import Mapping

from opsctl.backup.catalog import catalog
from opsctl.backup.shelves import shelves
from opsctl.backup.terms import REQUEST, terms_instant
from opsctl.core.errors import ConfigurationError, OpsctlError, UsageError
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
    """Keep `backup_id` in every store until it is unpinned; UsageError without a reason, exit 3 for an unknown one."""
    if not reason.strip():
        raise UsageError("a pin needs a reason", "say why the backup is kept and until when it is needed")

    def act(run: Run) -> Outcome:
        _require_known(workplace, profile, backup_id)
        return _record(run, PINNED, backup_id, reason.strip(), f"{backup_id} is kept: {reason.strip()}")

    return perform(workplace, profile, REQUEST, "backup pin", act, terms_of=terms_instant(backup_id))


def _require_known(workplace: Workplace, profile: KamstrupProfile, backup_id: str) -> None:
    """It is in one of the stores at least; a store that cannot be read fails it only when no other has it."""
    stores: list[str] = []
    failure: OpsctlError | None = None
    for shelf in shelves(profile):
        try:
            found = catalog(workplace, profile, shelf=shelf, hidden=True)
        except OpsctlError as error:
            failure = failure or error
            continue
        if any(backup.place.backup_id == backup_id for backup in found.known):
            return
        stores.append(found.store)
    raise failure or ConfigurationError(f"{profile.customer}: there is no backup {backup_id} in {' or '.join(stores)}",
                                        f"see what there is: opsctl backup list {profile.customer}")


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
