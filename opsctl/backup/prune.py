"""`backup prune` and `backup clean`: remove what retention lets go, prove that it is gone, record it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from opsctl.adapters.objects import ObjectStore, Retained, open_store
from opsctl.backup.catalog import Catalog, CatalogBackup, Evidence, catalog
from opsctl.backup.naming import id_time
from opsctl.backup.pinning import pins
from opsctl.backup.retention import CLOCK_TOLERANCE, Candidate, Decision, Verdict, decide
from opsctl.backup.running import READING, REQUEST
from opsctl.core.clock import iso
from opsctl.core.errors import OperationFailed
from opsctl.core.outcome import Outcome, Status
from opsctl.ledger import held
from opsctl.profiles.model import KamstrupProfile
from opsctl.runs.service import LEASE_SECONDS, Run, perform
from opsctl.runs.workplace import Workplace


def plan_prune(workplace: Workplace, profile: KamstrupProfile, *,
               store: ObjectStore | None = None) -> tuple[Catalog, tuple[Verdict, ...]]:
    """The catalog and what retention says of each backup; changes nothing."""
    store = store or open_store(profile.backup.store)
    found = catalog(workplace, profile, store=store)
    candidates = [Candidate(backup.place.backup_id, backup.place.database, backup.modified, backup.good,
                            backup.manifest is not None, backup.evidence is Evidence.RECORDED)
                  for backup in found.backups]
    policy = profile.backup
    now = workplace.clock.now()
    pinned = pins(workplace, profile.customer)
    first = decide(candidates, found.now, now, keep_days=policy.keep_days, minimum_good=policy.minimum_good,
                   pins=pinned)
    # Only what would go is asked about: a lock costs one request per object.
    going = {verdict.backup.backup_id for verdict in first if verdict.decision is Decision.REMOVE}
    locked = _locks(store, [backup for backup in found.backups if backup.place.backup_id in going], found.now)
    return found, decide(candidates, found.now, now, keep_days=policy.keep_days, minimum_good=policy.minimum_good,
                         pins=pinned, locked=locked)


def _locks(store: ObjectStore, backups: Sequence[CatalogBackup], now: datetime) -> dict[str, str]:
    found = {}
    for backup in backups:
        for entry in store.list(backup.place.prefix).objects:
            lock = store.retention(entry.key)
            if lock is not None and (lock.until is None or lock.until > now):
                found[backup.place.backup_id] = f"{lock.mode} until {iso(lock.until) if lock.until else 'lifted'}"
    return found


def prune(workplace: Workplace, profile: KamstrupProfile, *, dry_run: bool = False,
          store: ObjectStore | None = None) -> Outcome:
    """Remove the backups that retention lets go, manifest first; the contract at the newest one's date decides.

    `data`: `verdicts` [{backup_id, database, decision, reason}], `removed` [ids], `leftovers`. Ledger:
    `backup.removed` per backup, after a listing of all versions has shown that nothing is left. LOCKED
    while a verify or a restore reads.
    """
    def act(run: Run) -> Outcome:
        objects = store or open_store(profile.backup.store)
        found, verdicts = plan_prune(workplace, profile, store=objects)
        data: dict[str, Any] = {"dry_run": dry_run, "verdicts": [_row(verdict) for verdict in verdicts],
                                "removed": [], "leftovers": len(found.leftovers)}
        by_id = {backup.place.backup_id: backup for backup in found.backups}
        going = [verdict for verdict in verdicts if verdict.decision is Decision.REMOVE]
        if going and not dry_run:
            with held(workplace.ledger, f"{profile.customer}/{READING}", run.id, LEASE_SECONDS):
                for verdict in going:
                    remove(run, objects, by_id[verdict.backup.backup_id], verdict.reason)
                    data["removed"].append(verdict.backup.backup_id)
        stays = len(verdicts) - len(going)
        status = Status.DONE if going and not dry_run else Status.UNCHANGED
        verb = "would be removed" if dry_run else "removed"
        return Outcome(profile.customer, REQUEST.service.value, status,
                       f"{len(going)} {verb}, {stays} kept in {found.store}", data=data)

    return perform(workplace, profile, REQUEST, "backup prune", act,
                   terms_of=_newest_instant(workplace, profile))


def _newest_instant(workplace: Workplace, profile: KamstrupProfile) -> datetime | None:
    """When the newest recorded backup was taken: custody follows the contract under which it was."""
    newest = workplace.ledger.last(profile.customer, "backup.completed")
    return None if newest is None else id_time(str(newest.payload["backup_id"]))


def remove(run: Run, store: ObjectStore, backup: CatalogBackup, reason: str) -> None:
    """Remove one backup, manifest first: stopped at any point it leaves no backup, only leftovers for `clean`."""
    prefix = backup.place.prefix
    keys = [entry.key for entry in store.list(prefix).objects]
    store.delete(backup.place.manifest)
    for key in keys:
        if key != backup.place.manifest:
            store.delete(key)
    left = store.versions(prefix)
    if left:
        raise OperationFailed(f"{backup.place.backup_id} was removed, yet {len(left)} versions of its objects are left "
                              f"in {store.place}", "may the credentials delete versions (s3:DeleteObjectVersion)?")
    run.record("backup.removed", {"backup_id": backup.place.backup_id, "database": backup.place.database,
                                  "manifest_sha256": backup.sha256, "bytes": backup.size, "reason": reason,
                                  "objects": len(keys), "store": store.place})


def clean(workplace: Workplace, profile: KamstrupProfile, *, dry_run: bool = False,
          store: ObjectStore | None = None) -> Outcome:
    """Remove leftovers: uploads and objects without a manifest. The lease keeps a run's own uploads safe.

    `data`: `leftovers` [{what, key, since, bytes, removed}]; what the store locks stays and is told. FAILED, with
    nothing removed, when the clocks are too far apart to tell what is old. Ledger: `backup.cleaned`.
    """
    def act(run: Run) -> Outcome:
        objects = store or open_store(profile.backup.store)
        found = catalog(workplace, profile, store=objects)
        apart = abs(found.now - workplace.clock.now())
        if apart > CLOCK_TOLERANCE and not dry_run:
            raise OperationFailed(f"the clocks of {found.store} and of this machine are {apart} apart: nothing was "
                                  "removed",
                                  "set the clock that is wrong, then run it again")
        rows: list[dict[str, Any]] = []
        for leftover in found.leftovers:
            removed = not dry_run
            if not dry_run:
                try:
                    if leftover.upload:
                        objects.abort(leftover.key, leftover.upload)
                    else:
                        objects.delete(leftover.key)
                except Retained:
                    removed = False
            rows.append({"what": leftover.what, "key": leftover.key, "since": iso(leftover.since),
                         "bytes": leftover.size, "removed": removed})
        if rows and not dry_run:
            run.record("backup.cleaned", {"objects": rows[:200], "count": len(rows)})
        gone = sum(bool(row["removed"]) for row in rows)
        stay = "" if dry_run or gone == len(rows) else f", {len(rows) - gone} are retained by the store's lock"
        return Outcome(profile.customer, REQUEST.service.value, Status.DONE if gone else Status.UNCHANGED,
                       f"{len(rows) if dry_run else gone} leftovers {'found' if dry_run else 'removed'} in "
                       f"{found.store}{stay}",
                       data={"dry_run": dry_run, "leftovers": rows})

    return perform(workplace, profile, REQUEST, "backup clean", act)


def _row(verdict: Verdict) -> dict[str, str]:
    return {"backup_id": verdict.backup.backup_id, "database": verdict.backup.database,
            "decision": verdict.decision.value, "reason": verdict.reason}
