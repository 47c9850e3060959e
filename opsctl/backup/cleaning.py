"""`backup clean`: remove what a broken-off run left: uploads, and objects without a manifest."""

from __future__ import annotations

from typing import Any

from opsctl.adapters.objects import ObjectStore, Retained
from opsctl.backup.catalog import Leftover, catalog
from opsctl.backup.retention import CLOCK_TOLERANCE
from opsctl.backup.shelves import Shelf, on_each, store_of, with_failure
from opsctl.backup.terms import REQUEST
from opsctl.core.clock import iso
from opsctl.core.errors import OperationFailed
from opsctl.core.outcome import Outcome, Status
from opsctl.profiles.model import KamstrupProfile
from opsctl.runs.service import Run, perform
from opsctl.runs.workplace import Workplace


def clean(workplace: Workplace, profile: KamstrupProfile, *, dry_run: bool = False,
          store: ObjectStore | None = None) -> Outcome:
    """Remove leftovers of each store: uploads and objects without a manifest. The lease keeps a run's own uploads safe.

    `data`: `leftovers` [{what, key, store, since, bytes, removed}]; what the store locks stays and is told. FAILED,
    with nothing removed, when the clocks are too far apart to tell what is old; PARTIAL when one of two stores
    fails. Ledger: `backup.cleaned`.
    """
    def act(run: Run) -> Outcome:
        rows: list[dict[str, Any]] = []
        told: list[str] = []

        def one(shelf: Shelf) -> None:
            own, words = _clean(run, profile, shelf, store_of(shelf, store), dry_run=dry_run)
            rows.extend(own)
            told.append(words)

        failure = on_each(profile, one)
        gone = any(row["removed"] for row in rows)
        return with_failure(Outcome(profile.customer, REQUEST.service.value, Status.DONE if gone else Status.UNCHANGED,
                                    "; ".join(told), data={"dry_run": dry_run, "leftovers": rows}), failure)

    return perform(workplace, profile, REQUEST, "backup clean", act)


def _clean(run: Run, profile: KamstrupProfile, shelf: Shelf, objects: ObjectStore, *,
           dry_run: bool) -> tuple[list[dict[str, Any]], str]:
    """The rows of one shelf, and what was done in words."""
    found = catalog(run.workplace, profile, store=objects, shelf=shelf)
    apart = abs(found.now - run.workplace.clock.now())
    if apart > CLOCK_TOLERANCE and not dry_run:
        raise OperationFailed(f"the clocks of {found.store} and of this machine are {apart} apart: nothing was removed",
                              "set the clock that is wrong, then run it again")
    rows = [{"what": leftover.what, "key": leftover.key, "store": shelf.name, "since": iso(leftover.since),
             "bytes": leftover.size, "removed": not dry_run and _removed(objects, leftover)}
            for leftover in found.leftovers]
    if rows and not dry_run:
        run.record("backup.cleaned", {"objects": rows[:200], "count": len(rows), "store": found.store})
    gone = sum(bool(row["removed"]) for row in rows)
    stay = "" if dry_run or gone == len(rows) else f", {len(rows) - gone} are retained by the store's lock"
    return rows, (f"{len(rows) if dry_run else gone} leftovers {'found' if dry_run else 'removed'} in "
                  f"{found.store}{stay}")


def _removed(objects: ObjectStore, leftover: Leftover) -> bool:
    try:
        if leftover.upload:
            objects.abort(leftover.key, leftover.upload)
        else:
            objects.delete(leftover.key)
    except Retained:
        return False
    return True
