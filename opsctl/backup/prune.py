"""`backup prune`: remove what retention lets go, prove that it is gone, record it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

from opsctl.adapters.objects import ObjectStore, open_store
from opsctl.backup.catalog import catalog, damaged_copies
from opsctl.backup.contents import Catalog, CatalogBackup, Evidence, State
from opsctl.backup.naming import id_time
from opsctl.backup.pinning import pins
from opsctl.backup.retention import Candidate, Decision, Verdict, decide
from opsctl.backup.shelves import Shelf, first_shelf, on_each, store_of, with_failure
from opsctl.backup.terms import READING, REQUEST
from opsctl.core.clock import iso
from opsctl.core.errors import OperationFailed
from opsctl.core.outcome import Outcome, Status
from opsctl.ledger import held
from opsctl.profiles.model import KamstrupProfile
from opsctl.runs.service import LEASE_SECONDS, Run, perform
from opsctl.runs.workplace import Workplace


def plan_prune(workplace: Workplace, profile: KamstrupProfile, *, shelf: Shelf | None = None,
               store: ObjectStore | None = None) -> tuple[Catalog, tuple[Verdict, ...]]:
    """The catalog of `shelf`, by default the first, and what retention says of each backup; changes nothing."""
    shelf = shelf or first_shelf(profile)
    store = store or open_store(shelf.store)
    found = catalog(workplace, profile, store=store, shelf=shelf, hidden=True)
    damaged = damaged_copies(workplace.ledger, profile.customer, shelf)
    candidates = [Candidate(backup.place.backup_id, backup.place.database, backup.modified, backup.good,
                            backup.manifest is not None or backup.state is State.LOST,
                            backup.evidence is Evidence.RECORDED, backup.place.backup_id in damaged,
                            backup.state is State.LOST)
                  for backup in found.known]
    judge = partial(decide, candidates, found.now, workplace.clock.now(), keep_days=shelf.keep_days,
                    minimum_good=shelf.minimum_good, pins=pins(workplace, profile.customer), rule=shelf.rule)
    # Only what would go is asked about: a lock costs one request per object.
    going = {verdict.backup.backup_id for verdict in judge() if verdict.decision is Decision.REMOVE}
    locked = _locks(store, [backup for backup in found.known if backup.place.backup_id in going], found.now)
    return found, judge(locked=locked)


def _locks(store: ObjectStore, backups: Sequence[CatalogBackup], now: datetime) -> dict[str, str]:
    found = {}
    for backup in backups:
        for key in _keys(store, backup.place.prefix):
            lock = store.retention(key)
            if lock is not None and (lock.until is None or lock.until > now):
                found[backup.place.backup_id] = f"{lock.mode} until {iso(lock.until) if lock.until else 'lifted'}"
    return found


def _keys(store: ObjectStore, prefix: str) -> list[str]:
    """Of all that is there under `prefix`, also behind delete markers."""
    return sorted({entry.key for entry in store.list(prefix).objects} | {one.key for one in store.versions(prefix)})


def prune(workplace: Workplace, profile: KamstrupProfile, *, dry_run: bool = False,
          store: ObjectStore | None = None) -> Outcome:
    """Remove the backups that retention lets go, manifest first; the contract at the newest one's date decides.

    A second store by its own retention, whatever becomes of the first; one that fails makes it PARTIAL (exit 7).
    `data`: `verdicts` [{backup_id, database, store, decision, reason}], `removed` [ids], `leftovers`. Ledger:
    `backup.removing` per backup before its manifest goes, `backup.removed` after a listing of all versions has shown
    that nothing is left; `backup.copy-removing` and `backup.copy-removed` of copies. LOCKED while a verify or a
    restore reads.
    """
    def act(run: Run) -> Outcome:
        data: dict[str, Any] = {"dry_run": dry_run, "verdicts": [], "removed": [], "leftovers": 0}
        told: list[str] = []

        def one(shelf: Shelf) -> None:
            told.append(_prune(run, profile, shelf, store_of(shelf, store), data))

        failure = on_each(profile, one)
        status = Status.DONE if data["removed"] else Status.UNCHANGED
        return with_failure(Outcome(run.customer, REQUEST.service.value, status, "; ".join(told), data=data), failure)

    return perform(workplace, profile, REQUEST, "backup prune", act,
                   terms_of=_newest_instant(workplace, profile))


def _prune(run: Run, profile: KamstrupProfile, shelf: Shelf, objects: ObjectStore, data: dict[str, Any]) -> str:
    """Prune one shelf, adding to `data` what is done as it is done; returns it in words."""
    found, verdicts = plan_prune(run.workplace, profile, shelf=shelf, store=objects)
    data["verdicts"] += [_row(verdict, shelf) for verdict in verdicts]
    data["leftovers"] += len(found.leftovers)
    by_id = {backup.place.backup_id: backup for backup in found.known}
    going = [verdict for verdict in verdicts if verdict.decision is Decision.REMOVE]
    if going and not data["dry_run"]:
        with held(run.workplace.ledger, f"{profile.customer}/{READING}", run.id, LEASE_SECONDS):
            for verdict in going:
                remove(run, shelf, objects, by_id[verdict.backup.backup_id], verdict.reason)
                data["removed"].append(verdict.backup.backup_id)
    verb = "would be removed" if data["dry_run"] else "removed"
    return f"{len(going)} {verb}, {len(verdicts) - len(going)} kept in {found.store}"


def _newest_instant(workplace: Workplace, profile: KamstrupProfile) -> datetime | None:
    """When the newest recorded backup was taken: custody follows the contract under which it was."""
    newest = workplace.ledger.last(profile.customer, "backup.completed")
    return None if newest is None else id_time(str(newest.payload["backup_id"]))


def remove(run: Run, shelf: Shelf, store: ObjectStore, backup: CatalogBackup, reason: str) -> None:
    """Remove one backup, manifest first: stopped at any point it leaves no backup, only leftovers for `clean`.

    That it is removed is recorded before and after.
    """
    prefix = backup.place.prefix
    keys = _keys(store, prefix)
    told = {"backup_id": backup.place.backup_id, "database": backup.place.database, "manifest_sha256": backup.sha256,
            "bytes": backup.size, "reason": reason, "objects": len(keys), "store": store.place}
    run.record(shelf.removing, told)
    store.delete(backup.place.manifest)
    for key in keys:
        if key != backup.place.manifest:
            store.delete(key)
    left = store.versions(prefix)
    if left:
        raise OperationFailed(f"{backup.place.backup_id} was removed, yet {len(left)} versions of its objects are left "
                              f"in {store.place}", "may the credentials delete versions (s3:DeleteObjectVersion)?")
    run.record(shelf.removed, told)


def _row(verdict: Verdict, shelf: Shelf) -> dict[str, str]:
    return {"backup_id": verdict.backup.backup_id, "database": verdict.backup.database, "store": shelf.name,
            "decision": verdict.decision.value, "reason": verdict.reason}
