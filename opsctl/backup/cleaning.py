"""`backup clean`: remove what a broken-off run left: uploads, and objects without a manifest.

What the ledger has as stored is no leftover when its manifest is gone: it is told with the way back, and stays.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from opsctl.adapters.objects import ObjectStore, Retained
from opsctl.backup.catalog import catalog
from opsctl.backup.contents import Catalog, Leftover
from opsctl.backup.naming import Place, parse
from opsctl.backup.pinning import pins
from opsctl.backup.retention import CLOCK_TOLERANCE
from opsctl.backup.shelves import Shelf, on_each, store_of, with_failure
from opsctl.backup.standing import standing, way_back
from opsctl.backup.terms import REQUEST
from opsctl.core.clock import iso
from opsctl.core.errors import OperationFailed
from opsctl.core.outcome import Outcome, Status
from opsctl.profiles.model import KamstrupProfile
from opsctl.runs.service import Run, perform
from opsctl.runs.workplace import Workplace

LOCK = "the store's lock"


@dataclass
class _Found:
    """What came of it so far, over all stores."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    lost: list[dict[str, str]] = field(default_factory=list)
    told: list[str] = field(default_factory=list)


def clean(workplace: Workplace, profile: KamstrupProfile, *, dry_run: bool = False,
          store: ObjectStore | None = None) -> Outcome:
    """Remove leftovers of each store: uploads and objects without a manifest, also behind delete markers.

    The lease keeps a run's own uploads safe.

    `data`: `leftovers` [{what, key, store, since, bytes, removed, kept}], where `kept` says why one stays: a pin, a
    legal hold, the store's lock; `lost` [{backup_id, database, store, reason, resolution}], the recorded backups
    whose manifest is missing: they stay and make it CHECK_FAILED (exit 8). FAILED, with nothing removed, when the
    clocks are too far apart to tell what is old; PARTIAL when one of two stores fails. Ledger: `backup.cleaned` per
    backup as it goes, and `backup.removed` or `backup.copy-removed` where that ends a removal that was cut short.
    """
    def act(run: Run) -> Outcome:
        found = _Found()
        failure = on_each(profile, lambda shelf: _clean(run, profile, shelf, store_of(shelf, store), found,
                                                        dry_run=dry_run))
        gone = any(row["removed"] for row in found.rows)
        outcome = Outcome(profile.customer, REQUEST.service.value,
                          Status.CHECK_FAILED if found.lost else Status.DONE if gone else Status.UNCHANGED,
                          "; ".join(found.told), "; ".join(one["resolution"] for one in found.lost[:3]),
                          data={"dry_run": dry_run, "leftovers": found.rows, "lost": found.lost})
        return with_failure(outcome, failure)

    return perform(workplace, profile, REQUEST, "backup clean", act)


def _clean(run: Run, profile: KamstrupProfile, shelf: Shelf, objects: ObjectStore, found: _Found, *,
           dry_run: bool) -> None:
    """Clean one shelf, adding to `found` what is done as it is done."""
    there = catalog(run.workplace, profile, store=objects, shelf=shelf, hidden=True)
    apart = abs(there.now - run.workplace.clock.now())
    if apart > CLOCK_TOLERANCE and not dry_run:
        raise OperationFailed(f"the clocks of {there.store} and of this machine are {apart} apart: nothing was removed",
                              "set the clock that is wrong, then run it again")
    found.lost += [{"backup_id": one.place.backup_id, "database": one.place.database, "store": shelf.name,
                    "reason": one.reason, "resolution": way_back(one.place, shelf, one.sha256)} for one in there.lost]
    own: list[dict[str, Any]] = []
    pinned = pins(run.workplace, profile.customer)
    for place, leftovers in _by_backup(there.leftovers):
        pin = pinned.get(place.backup_id) if place else None
        kept = _held(objects, leftovers) if pin is None else f"pinned: {pin}"
        rows = [{"what": leftover.what, "key": leftover.key, "store": shelf.name, "since": iso(leftover.since),
                 "bytes": leftover.size, "removed": False, "kept": "" if leftover.upload else kept}
                for leftover in leftovers]
        found.rows += rows
        own += rows
        if not dry_run:
            _remove(run, objects, leftovers, rows, there.store)
    if not dry_run:
        _end_removals(run, shelf, objects, there)
    found.told.append(_words(there, own, dry_run=dry_run))


def _by_backup(leftovers: Sequence[Leftover]) -> Iterator[tuple[Place | None, list[Leftover]]]:
    groups: dict[Place | None, list[Leftover]] = defaultdict(list)
    for leftover in leftovers:
        parsed = parse(leftover.key)
        groups[parsed[0] if parsed else None].append(leftover)
    yield from groups.items()


def _held(objects: ObjectStore, leftovers: Sequence[Leftover]) -> str:
    """Why nothing of these may go: one object under a hold without an end keeps all of its backup."""
    locks = (objects.retention(leftover.key) for leftover in leftovers if not leftover.upload)
    return next((lock.mode for lock in locks if lock is not None and lock.until is None), "")


def _remove(run: Run, objects: ObjectStore, leftovers: Sequence[Leftover], rows: list[dict[str, Any]],
            place: str) -> None:
    """Remove what nothing keeps. Whatever ends it, what is gone by then is on record."""
    try:
        for leftover, row in zip(leftovers, rows, strict=True):
            if not row["kept"]:
                row["removed"] = _removed(objects, leftover)
                row["kept"] = "" if row["removed"] else LOCK
    finally:
        if any(row["removed"] for row in rows):
            run.record("backup.cleaned", {"objects": rows[:200], "count": len(rows), "store": place})


def _removed(objects: ObjectStore, leftover: Leftover) -> bool:
    try:
        if leftover.upload:
            objects.abort(leftover.key, leftover.upload)
        else:
            objects.delete(leftover.key)
    except Retained:
        return False
    return True


def _end_removals(run: Run, shelf: Shelf, objects: ObjectStore, there: Catalog) -> None:
    """Record as removed what a removal that was cut short was to remove, once nothing of it is left."""
    present = {backup.place.backup_id for backup in there.backups}
    for name, entry in standing(run.workplace.ledger, run.customer, shelf).items():
        if entry.kind == shelf.removing and name not in present:
            place = Place(run.customer, str(entry.payload["database"]), name)
            if not objects.versions(place.prefix):
                run.record(shelf.removed, entry.payload)


def _words(there: Catalog, rows: Sequence[dict[str, Any]], *, dry_run: bool) -> str:
    going = [row for row in rows if (not row["kept"] if dry_run else row["removed"])]
    words = [f"{len(going)} leftovers {'found' if dry_run else 'removed'} in {there.store}"]
    locked = sum(row["kept"] == LOCK for row in rows)
    words += [f"{locked} are retained by the store's lock"] if locked else []
    words += [f"{count} kept ({why})" for why in sorted({row["kept"] for row in rows} - {"", LOCK})
              for count in (sum(row["kept"] == why for row in rows),)]
    words += [f"{len(there.lost)} backups have lost their manifest and stay, {there.lost[0].place.backup_id} for one"
              ] if there.lost else []
    return ", ".join(words)
