"""`backup run`: a full backup of every database of a customer (P16)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from opsctl.adapters.objects import ObjectStore, open_store
from opsctl.backup.copying import bring_over, with_copies
from opsctl.backup.norms import Measure, deviations
from opsctl.backup.shelves import second_shelf
from opsctl.backup.take import Taken, take
from opsctl.backup.terms import REQUEST
from opsctl.backup.uploads import Sizes
from opsctl.core.errors import ExitCode, Locked, OperationFailed, OpsctlError
from opsctl.core.outcome import Outcome, Status
from opsctl.profiles.hosted import Database
from opsctl.profiles.model import KamstrupProfile
from opsctl.runs.service import Run, perform
from opsctl.runs.workplace import Workplace


def run_backup(workplace: Workplace, profile: KamstrupProfile, *, prepare: Callable[[Run], None] | None = None,
               bandwidth: int | None = None, sizes: Sizes | None = None) -> Outcome:
    """Take a full backup of every database; one that fails does not keep the others from theirs.

    prepare: readies the hosts, called once before. bandwidth: bytes per second of
    upload, None for no limit. Outcome: DONE, PARTIAL (exit 7) or FAILED; `data` holds `backups` as the
    ledger has them and `failed` with database, reason and resolution. With a second store each is copied there;
    `copies` and `uncopied` say what came of it, and one without its copy makes the run PARTIAL. Raises NotCovered,
    Locked.
    """
    def act(run: Run) -> Outcome:
        warnings = _prepared(run, prepare)
        store = open_store(profile.backup.store)
        done: list[dict[str, Any]] = []
        failed: list[tuple[Database, OpsctlError]] = []
        for database in profile.databases:
            try:
                done.append(_one(run, profile, database, store, bandwidth, sizes))
            except OpsctlError as error:
                failed.append((database, error))
                _record_failure(run, database, error)
        outcome = _outcome(profile, done, failed)
        outcome = replace(outcome, warnings=(*warnings, *outcome.warnings))
        if not done or second_shelf(profile) is None:
            return outcome
        return with_copies(outcome, bring_over(
            run, profile, only=[item["backup_id"] for item in done], bandwidth=bandwidth))

    return perform(workplace, profile, REQUEST, "backup run", act)


def _prepared(run: Run, prepare: Callable[[Run], None] | None) -> tuple[str, ...]:
    """What the preparation complained of. One host or database that is not ready must not keep the others
    from their backup; its own preflight will refuse it."""
    if prepare is None:
        return ()
    try:
        prepare(run)
    except OperationFailed as error:
        return (f"the hosts' preparation failed: {error.message}", *error.details)
    return ()


def _one(run: Run, profile: KamstrupProfile, database: Database, store: ObjectStore, bandwidth: int | None,
         sizes: Sizes | None) -> dict[str, Any]:
    taken: Taken = take(run, profile, database, store, bandwidth=bandwidth, sizes=sizes)
    payload: dict[str, Any] = {**taken.payload(), "store": store.place}
    before = [_measure(entry.payload) for entry in run.workplace.ledger.entries(
        chain=run.customer, kinds=["backup.completed"]) if entry.payload.get("database") == database.name]
    run.record("backup.completed", payload)
    strange = deviations(before, _measure(payload))
    if strange:
        payload["warning"] = f"{database.name}: {'; '.join(one.reason for one in strange)}"
    run.say(f"{database.name}: {taken.manifest.backup_id}, {taken.manifest.size / 1e6:.1f} MB in the store")
    return payload


def _measure(payload: Mapping[str, Any]) -> Measure:
    took = datetime.fromisoformat(payload["finished"]) - datetime.fromisoformat(payload["started"])
    return Measure(int(payload["bytes"]), took.total_seconds())


def _record_failure(run: Run, database: Database, error: OpsctlError) -> None:
    # Not under the lease: a backup that failed because the lease was lost must be told too.
    run.workplace.ledger.append(run.customer, "backup.failed",
                                {"database": database.name, "reason": error.message,
                                 "exit_code": int(error.exit_code)}, actor=run.workplace.actor, run=run.id)


def _outcome(profile: KamstrupProfile, done: list[dict[str, Any]],
             failed: list[tuple[Database, OpsctlError]]) -> Outcome:
    data = {"backups": done,
            "failed": [{"database": database.name, "reason": error.message, "resolution": error.resolution,
                        "details": list(error.details)} for database, error in failed]}
    service = REQUEST.service.value
    if not failed:
        size = sum(int(item["bytes"]) for item in done)
        names = ", ".join(f"{item['database']} {item['backup_id']}" for item in done)
        return Outcome(profile.customer, service, Status.DONE, f"{names}: {size / 1e6:.1f} MB", data=data,
                       warnings=tuple(item["warning"] for item in done if "warning" in item))
    database, error = failed[0]
    if done:
        return Outcome(profile.customer, service, Status.PARTIAL,
                       f"{len(done)} of {len(profile.databases)} databases; {database.name}: {error.message}",
                       error.resolution, data=data)
    status = Status.LOCKED if isinstance(error, Locked) else Status.FAILED
    code = error.exit_code if error.exit_code is not ExitCode.FAILED else None
    return Outcome(profile.customer, service, status, f"{database.name}: {error.message}", error.resolution,
                   exit_code=code, data=data)
