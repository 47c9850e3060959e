"""The second store: each good backup of the first is brought there part by part, and published like the first.

Between two buckets the parts go over the database host by signed addresses, so that no backup byte passes this
machine; where one of the two is a directory of this machine, they go over it. Each part is compared with the manifest
on its way.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from opsctl.adapters.objects import ObjectStore, Unreachable, open_store
from opsctl.backup.catalog import catalog, damaged_copies
from opsctl.backup.contents import Catalog, CatalogBackup, State
from opsctl.backup.exchange import Order, SentPart
from opsctl.backup.manifest import Manifest
from opsctl.backup.prune import remove
from opsctl.backup.remote import open_program
from opsctl.backup.shelves import Shelf, authority, first_shelf, second_shelf, shelf_of
from opsctl.backup.stores import StoreGiver
from opsctl.backup.terms import READING, REQUEST
from opsctl.backup.uploads import Sizes, Uploads
from opsctl.backup.verify import damage_of, extents
from opsctl.core.errors import CheckFailed, Locked, OperationFailed, OpsctlError
from opsctl.core.outcome import Outcome, Status
from opsctl.ledger import Ledger, held
from opsctl.profiles.model import KamstrupProfile
from opsctl.runs.service import LEASE_SECONDS, Run, perform
from opsctl.runs.workplace import Workplace

FAILED = "backup.copy-failed"


@dataclass
class Copies:
    """What came of a round of copying: the ledger's payloads, and by backup why one has no copy."""

    made: list[dict[str, Any]] = field(default_factory=list)
    failed: dict[str, OpsctlError] = field(default_factory=dict)

    @property
    def reason(self) -> str:
        """The first failure in one sentence; "" when there is none."""
        return next((f"the second copy of {name} failed: {error.message}" for name, error in self.failed.items()), "")

    @property
    def resolution(self) -> str:
        """What to do about it."""
        return next((f"{error.resolution}; then `opsctl backup copy`, or let `opsctl nightly` take it again"
                     for error in self.failed.values()), "")


def copy_missing(workplace: Workplace, profile: KamstrupProfile, *, bandwidth: int | None = None) -> Outcome:
    """Bring to the second store what it lacks of the first one's good backups.

    DONE, UNCHANGED when it has them all, PARTIAL (exit 7) or FAILED; `data`: `copies` as the ledger has them and
    `failed`. ConfigurationError (exit 3) without a second store. Ledger: `backup.copied`, `backup.copy-failed`.
    """
    shelf_of(profile, second=True)

    def act(run: Run) -> Outcome:
        found = bring_over(run, profile, bandwidth=bandwidth)
        data = {"copies": found.made, "failed": [{"backup_id": name, "reason": error.message}
                                                 for name, error in found.failed.items()]}
        service = REQUEST.service.value
        if found.failed:
            status = Status.PARTIAL if found.made else Status.FAILED
            return Outcome(run.customer, service, status, found.reason, found.resolution, data=data)
        size = sum(int(payload["bytes"]) for payload in found.made)
        return Outcome(run.customer, service, Status.DONE if found.made else Status.UNCHANGED,
                       f"{len(found.made)} backups copied to the second store: {size / 1e6:.1f} MB" if found.made
                       else "the second store has every good one", data=data)

    return perform(workplace, profile, REQUEST, "backup copy", act)


def bring_over(run: Run, profile: KamstrupProfile, *, only: Collection[str] = (),
               bandwidth: int | None = None) -> Copies:
    """Copy what is missing, newest first; nothing to do without a second store. Failures are recorded, not raised.

    only: ids to look at; none for all.
    """
    shelf, found = second_shelf(profile), Copies()
    if shelf is None:
        return found
    try:
        first, second = open_store(first_shelf(profile).store), open_store(shelf.store)
        here = catalog(run.workplace, profile, store=first)
        there = catalog(run.workplace, profile, store=second, shelf=shelf)
        wanted = uncopied(here, there, shelf, *damaged_in(run.workplace.ledger, profile))
    except Locked:
        raise
    except OpsctlError as error:
        for name in only or ("what it lacks",):
            _failed(run, found, shelf, name, error)
        return found
    for backup in (one for one in wanted if not only or one.place.backup_id in only):
        try:
            payload = _copy(run, profile, backup, there, first, second, bandwidth)
            run.record(shelf.stored, payload)
            found.made.append(payload)
            run.say(f"{backup.place.backup_id}: copied to {second.place}")
        except Locked:
            raise
        except OpsctlError as error:
            _failed(run, found, shelf, backup.place.backup_id, error)
            if isinstance(error, Unreachable):
                break
    return found


def uncopied(here: Catalog, there: Catalog, shelf: Shelf, damaged: Collection[str],
             copies_damaged: Collection[str]) -> Sequence[CatalogBackup]:
    """The good backups that have no good copy and are young enough to be kept there, newest first. Pure.

    A copy whose manifest the store did not give is among them: `_copy` refuses it. damaged, copies_damaged: of the
    first and of the second store, by their last check. What is damaged in the first is nothing to copy.
    """
    good = {backup.place.backup_id for backup in there.backups if backup.good} - set(copies_damaged)
    young = timedelta(days=shelf.keep_days)
    return sorted((backup for backup in here.backups if backup.good and backup.place.backup_id not in {*good, *damaged}
                   and here.now - backup.modified < young), key=lambda backup: backup.modified, reverse=True)


def damaged_in(ledger: Ledger, profile: KamstrupProfile) -> tuple[frozenset[str], frozenset[str]]:
    """What the last checks found damaged in the first and in the second store."""
    first, second = (damaged_copies(ledger, profile.customer, shelf) for shelf in
                     (first_shelf(profile), shelf_of(profile, second=True)))
    return first, second


def _failed(run: Run, found: Copies, shelf: Shelf, name: str, error: OpsctlError) -> None:
    found.failed[name] = error
    run.workplace.ledger.append(run.customer, FAILED, {"backup_id": name, "reason": error.message,
                                                       "store": shelf.store.kind},
                                actor=run.workplace.actor, run=run.id)


def _copy(run: Run, profile: KamstrupProfile, backup: CatalogBackup, there: Catalog, first: ObjectStore,
          second: ObjectStore, bandwidth: int | None) -> dict[str, Any]:
    manifest, place = backup.known, backup.place
    old = [one for one in there.backups if one.place.backup_id == place.backup_id]
    unread = [one for one in old if one.state is State.UNREAD]
    if unread:
        raise OperationFailed(f"{place.backup_id}: whether its copy is good is not known, so it stays: "
                              f"{unread[0].reason}", f"see that {second.place} answers")
    if old:
        _make_way(run, profile, backup, old, first, second)
    body = first.get(place.manifest)
    if hashlib.sha256(body).hexdigest() != backup.sha256:
        raise OperationFailed(f"{place.backup_id}: its manifest changed while it was copied", "run it again")
    with Uploads(second, place, Sizes()) as uploads:
        if first.signs and second.signs:
            way = _over_host(run, profile, manifest, first, uploads, bandwidth)
        else:
            way = _over_here(run, manifest, first, second, uploads)
        if uploads.complete() != manifest.objects:
            raise OperationFailed(f"{place.backup_id}: {second.place} does not hold what the manifest says", "run it "
                                                                                                            "again")
        if run.lease.lost:
            raise Locked("the customer's lease was lost while the backup was copied", "another run has taken over")
        uploads.publish(body)
    return {"database": place.database, "backup_id": place.backup_id, "manifest_sha256": backup.sha256,
            "bytes": manifest.size, "day": manifest.day.isoformat(), "store": second.place, "way": way}


def _make_way(run: Run, profile: KamstrupProfile, backup: CatalogBackup, old: Sequence[CatalogBackup],
              first: ObjectStore, second: ObjectStore) -> None:
    """Remove a copy that is not good, once every part of the first was read: parts of it may be all there is."""
    name = backup.place.backup_id
    damage = damage_of(run, first, backup.place, backup.known)
    if damage:
        raise CheckFailed(f"{name}: {damage[0]} in {first.place} is not what the manifest says, so its copy stays, "
                          "though it is not good either", f"check both: opsctl backup verify {run.customer} {name}, "
                          "and with --second")
    try:
        with held(run.workplace.ledger, f"{run.customer}/{READING}", run.id, LEASE_SECONDS):
            for one in old:
                remove(run, shelf_of(profile, second=True), second, one, "it was not good; a new copy follows")
    except Locked as error:
        if run.lease.lost:
            raise
        # A reader keeps only this copy waiting, not the others.
        raise OperationFailed(f"{name}: its copy is not replaced while it may be read: {error.message}",
                              error.resolution) from None


def _parts(manifest: Manifest, prefix: str) -> list[Mapping[str, Any]]:
    """Every part: where it is in the first store, and `STREAM/VOLUME/NUMBER`, its place in the second."""
    volumes = {entry.name: number for stream in manifest.streams
               for number, entry in enumerate(manifest.of(stream), start=1)}
    found: list[Mapping[str, Any]] = []
    counted: dict[str, int] = {}
    for entry, offset, part in extents(manifest):
        counted[entry.name] = counted.get(entry.name, 0) + 1
        found.append({"key": prefix + entry.name, "offset": offset, "size": part.size, "sha256": part.sha256,
                      "md5": part.md5, "put": f"{entry.stream}/{volumes[entry.name]}/{counted[entry.name]}"})
    return found


def _over_host(run: Run, profile: KamstrupProfile, manifest: Manifest, first: ObjectStore, uploads: Uploads,
               bandwidth: int | None) -> str:
    names = [host.name for host in profile.hosts]
    name = manifest.host if manifest.host in names else profile.databases[0].host

    def progress(done: int) -> None:
        run.workplace.progress.advance(run.customer, f"copy of {manifest.backup_id}", done, manifest.size)

    order = Order("", (), by_address=True, bandwidth=bandwidth, source_ca=authority(first_shelf(profile).store),
                  ca=authority(shelf_of(profile, second=True).store),
                  parts=_parts(manifest, f"{manifest.customer}/{manifest.database}/{manifest.backup_id}/"))
    with open_program(run.workplace, profile, profile.host(name), f"opsctl-copy-{profile.customer}",
                      progress) as host:
        host.program.relay(order, StoreGiver(first), uploads).require(f"{name}: the copy to the second store")
    return f"over {name}"


def _over_here(run: Run, manifest: Manifest, first: ObjectStore, second: ObjectStore, uploads: Uploads) -> str:
    done = 0
    for part in _parts(manifest, f"{manifest.customer}/{manifest.database}/{manifest.backup_id}/"):
        body = first.get(part["key"], part["offset"], part["size"])
        if hashlib.sha256(body).hexdigest() != part["sha256"]:
            raise OperationFailed(f"{part['key']} at byte {part['offset']} is not what the manifest says",
                                  f"check it: opsctl backup verify {manifest.customer} {manifest.backup_id}")
        stream, volume, number = part["put"].split("/")
        uploads.stored(SentPart(stream, int(volume), int(number), part["size"], part["md5"], part["sha256"]), body)
        done += part["size"]
        run.workplace.progress.advance(run.customer, f"copy of {manifest.backup_id}", done, manifest.size)
    return "over this machine"


def with_copies(outcome: Outcome, copies: Copies) -> Outcome:
    """A run's outcome with what came of its copies: one that is missing makes it PARTIAL (exit 7), never silent."""
    data = {**outcome.data, "copies": copies.made, "uncopied": list(copies.failed)}
    if not copies.failed:
        return replace(outcome, data=data)
    if outcome.status is not Status.DONE:
        return replace(outcome, data=data, warnings=(*outcome.warnings, copies.reason))
    return replace(outcome, status=Status.PARTIAL, data=data, summary=f"{outcome.summary}; {copies.reason}",
                   resolution=copies.resolution)
