"""The backups of a customer that leaves: handed over whole and checked, then erased with proof.

What is handed over are the backups as they are stored, encrypted for the customer's recipients; every part is compared
with its manifest on the way. Ledger: `customer.backups-returned`, `backup.removed` per backup, and
`customer.backups-erased`.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from opsctl.adapters.objects import ObjectStore
from opsctl.backup.catalog import catalog
from opsctl.backup.contents import Catalog, CatalogBackup, State
from opsctl.backup.manifest import Manifest
from opsctl.backup.naming import MANIFEST, id_time
from opsctl.backup.pinning import pins
from opsctl.backup.prune import remove
from opsctl.backup.shelves import Shelf, shelves, store_of
from opsctl.backup.terms import READING, REQUEST
from opsctl.backup.verify import extents, sound_manifest
from opsctl.contract.records import OFFBOARDED
from opsctl.core.errors import CheckFailed, OperationFailed, UsageError
from opsctl.core.outcome import Outcome, Status
from opsctl.ledger import held
from opsctl.profiles.model import KamstrupProfile
from opsctl.runs.service import HOSTS, LEASE_SECONDS, Run, perform
from opsctl.runs.workplace import Workplace

RETURNED, ERASED = "customer.backups-returned", "customer.backups-erased"
SUMS = "SHA256SUMS"


def hand_over(workplace: Workplace, profile: KamstrupProfile, target: Path, *,
              store: ObjectStore | None = None) -> Outcome:
    """Copy every good backup to `target` with SHA256SUMS; the contract at the newest one's date decides.

    UsageError when `target` is not empty; CHECK_FAILED (exit 8) when a part is not what its manifest says in any
    store, FAILED when a store did not give a manifest, and then nothing is recorded as returned.
    """
    def act(run: Run) -> Outcome:
        good: dict[str, list[tuple[ObjectStore, CatalogBackup]]] = {}
        unread: dict[str, CatalogBackup] = {}
        for shelf in shelves(profile):
            objects = store_of(shelf, store)
            for backup in catalog(workplace, profile, store=objects, shelf=shelf).backups:
                if backup.good:
                    good.setdefault(backup.place.backup_id, []).append((objects, backup))
                elif backup.state is State.UNREAD:
                    unread[backup.place.backup_id] = backup
        for name in sorted(unread.keys() - good.keys()):
            sound_manifest(unread[name])
        _require_empty(target)
        sums: dict[str, str] = {}
        for backup_id, candidates in sorted(good.items()):
            run.say(f"{backup_id}: handing over")
            sums |= _first_whole(run, candidates, target)
        text = "".join(f"{digest}  {name}\n" for name, digest in sorted(sums.items()))
        _write(target / SUMS, [text.encode()])
        fingerprint = hashlib.sha256(text.encode()).hexdigest()
        run.record(RETURNED, {"backups": sorted(good), "files": len(sums), "sums_sha256": fingerprint,
                              "bytes": sum(candidates[0][1].size for candidates in good.values())})
        return Outcome(run.customer, REQUEST.service, Status.DONE,
                       f"{len(good)} backups in {target}, each part as it was sent; SHA-256 of {SUMS} {fingerprint}",
                       data={"folder": str(target), "backups": len(good), "sums_sha256": fingerprint})

    return perform(workplace, profile, REQUEST, "customer offboard", act, lease=READING,
                   terms_of=newest_instant(workplace, profile.customer))


def erase(workplace: Workplace, profile: KamstrupProfile, *, store: ObjectStore | None = None) -> Outcome:
    """Remove every backup, copy and leftover of the customer, and prove that nothing is left under its name.

    UsageError for backups that are pinned or were not handed over; Retained when the store has a lock on one; Locked
    while a backup is taken, copied or pruned.
    """
    def act(run: Run) -> Outcome:
        found = [(shelf, objects, catalog(workplace, profile, store=objects, shelf=shelf, hidden=True))
                 for shelf in shelves(profile) for objects in (store_of(shelf, store),)]
        for _, _, one in found:
            _require_erasable(workplace, one)
        with held(workplace.ledger, f"{run.customer}/{READING}", run.id, LEASE_SECONDS):
            for shelf, objects, one in found:
                _erase(run, shelf, objects, one)
        first = found[0][2]
        run.record(ERASED, {"backups": [backup.place.backup_id for backup in first.backups], "store": first.store,
                            "leftovers": len(first.leftovers), "left": 0, "foreign": list(first.foreign)[:100],
                            "copies": {one.store: len(one.backups) for _, _, one in found[1:]}})
        return Outcome(run.customer, REQUEST.service, Status.DONE,
                       f"{len(found[0][2].backups)} backups erased; a listing of all versions shows nothing left",
                       data={"backups": len(found[0][2].backups),
                             "foreign": [key for _, _, one in found for key in one.foreign]})

    return perform(workplace, profile, REQUEST, "customer offboard", act, lease=HOSTS,
                   terms_of=newest_instant(workplace, profile.customer))


def _erase(run: Run, shelf: Shelf, objects: ObjectStore, found: Catalog) -> None:
    """Everything of one store, until a listing of all versions shows nothing."""
    for backup in found.known:
        remove(run, shelf, objects, backup, "the customer has left")
    for leftover in found.leftovers:
        if leftover.upload:
            objects.abort(leftover.key, leftover.upload)
        else:
            objects.delete(leftover.key)
    left = [one.key for one in objects.versions(f"{run.customer}/") if one.key not in found.foreign]
    if left:
        raise OperationFailed(f"{len(left)} versions of objects are left in {found.store}, {left[0]} for one",
                              "may the credentials delete versions? run it again, it goes on where it stopped")


def newest_instant(workplace: Workplace, customer: str) -> datetime | None:
    """When the newest recorded backup was taken: custody follows the contract of then.

    Without any backup, when the offboarding was started; None when it was not.
    """
    newest = workplace.ledger.last(customer, "backup.completed")
    if newest is not None:
        return id_time(str(newest.payload["backup_id"]))
    started = workplace.ledger.last(customer, OFFBOARDED)
    return None if started is None else started.recorded_at


def returned(workplace: Workplace, customer: str) -> frozenset[str]:
    """The ids of the backups that were handed over."""
    return frozenset(str(one) for entry in workplace.ledger.entries(customer, kinds=[RETURNED])
                     for one in entry.payload["backups"])


def _require_erasable(workplace: Workplace, found: Catalog) -> None:
    pinned = pins(workplace, found.customer)
    kept = [backup.place.backup_id for backup in found.known if backup.place.backup_id in pinned]
    if kept:
        raise UsageError(f"{kept[0]} is kept: {pinned[kept[0]]}", "`opsctl backup unpin` it, with the reason")
    handed = returned(workplace, found.customer)
    missing = [backup.place.backup_id for backup in found.backups
               if (backup.good or backup.state is State.UNREAD) and backup.place.backup_id not in handed]
    if missing:
        raise UsageError(f"{len(missing)} backups were not handed over, {missing[0]} for one",
                         f"`opsctl customer offboard {found.customer} --return-backups FOLDER` first")


def _first_whole(run: Run, candidates: Sequence[tuple[ObjectStore, CatalogBackup]], target: Path) -> Mapping[str, str]:
    """What was copied of one backup, from the first store where it is whole; CheckFailed when it is in none."""
    for objects, backup in candidates[:-1]:
        try:
            return _copied(objects, backup, target)
        except CheckFailed as error:
            run.say(f"{error.message} in {objects.place}; the copy is taken")
            shutil.rmtree(target / backup.place.database / backup.place.backup_id)
    return _copied(*candidates[-1], target)


def _copied(store: ObjectStore, backup: CatalogBackup, target: Path) -> Mapping[str, str]:
    """SHA-256 by name below `target` of everything that was copied of one backup."""
    manifest = backup.known
    folder = Path(backup.place.database) / backup.place.backup_id
    (target / folder).mkdir(parents=True, mode=0o700)
    sums = {}
    for entry in manifest.objects:
        sums[f"{folder}/{entry.name}"] = _write(target / folder / entry.name,
                                                _parts(store, backup, manifest, entry.name))
    body = store.get(backup.place.manifest)
    if hashlib.sha256(body).hexdigest() != backup.sha256:
        raise CheckFailed(f"{backup.place.backup_id}: its manifest changed while it was read", "run it again")
    sums[f"{folder}/{MANIFEST}"] = _write(target / folder / MANIFEST, [body])
    return sums


def _parts(store: ObjectStore, backup: CatalogBackup, manifest: Manifest, name: str) -> Iterator[bytes]:
    for entry, offset, part in extents(manifest):
        if entry.name == name:
            body = store.get(backup.place.prefix + name, offset, part.size)
            if hashlib.sha256(body).hexdigest() != part.sha256:
                raise CheckFailed(f"{backup.place.backup_id}: {name} at byte {offset} is not what the manifest says",
                                  "find out what changed it; the customer is owed a whole backup")
            yield body


def _write(path: Path, pieces: Any) -> str:
    digest = hashlib.sha256()
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as file:
            for piece in pieces:
                digest.update(piece)
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise OperationFailed(f"{path} cannot be written: {error.strerror}",
                              "make room or give the right to write, empty the folder, and run it again") from None
    return digest.hexdigest()


def _require_empty(target: Path) -> None:
    try:
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(target.iterdir()):
            raise UsageError(f"{target} is not empty", "name a new folder: what the customer gets must be exactly this")
    except OSError as error:
        raise UsageError(f"{target} cannot be used: {error.strerror}", "name a folder that can be written") from None
