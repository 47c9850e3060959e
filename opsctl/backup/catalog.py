"""What is in the store, compared with the ledger: backups, leftovers without a manifest, and foreign files."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from opsctl.adapters.objects import Listing, ObjectStore, OpenUpload, StoredObject, open_store
from opsctl.backup.contents import Catalog, CatalogBackup, Evidence, Leftover, State
from opsctl.backup.hidden import Hidden
from opsctl.backup.hidden import hidden as look_behind
from opsctl.backup.manifest import Manifest, fingerprint, load
from opsctl.backup.naming import MANIFEST, Place, parse
from opsctl.backup.shelves import Shelf, first_shelf
from opsctl.backup.standing import standing
from opsctl.core.errors import EvidenceDamaged, OpsctlError
from opsctl.profiles.model import KamstrupProfile
from opsctl.runs.workplace import Workplace

if TYPE_CHECKING:
    from opsctl.ledger import Ledger


def catalog(workplace: Workplace, profile: KamstrupProfile, *, store: ObjectStore | None = None,
            shelf: Shelf | None = None, hidden: bool = False) -> Catalog:
    """Read the customer's catalog of `shelf`, by default the first.

    An unreadable manifest is in it as such; an unreachable store raises. hidden: look behind delete markers too,
    which takes a listing of all versions.
    """
    shelf = shelf or first_shelf(profile)
    store = store or open_store(shelf.store)
    prefix = f"{profile.customer}/"
    stand = standing(workplace.ledger, profile.customer, shelf)
    listing = store.list(prefix)
    behind = look_behind(store, prefix, {entry.key for entry in listing.objects}) if hidden else ()
    told = Told(recorded(workplace.ledger, profile.customer),
                {name: entry.recorded_at for name, entry in stand.items() if entry.kind == shelf.stored}, set(stand))
    found = arrange(profile.customer, store, listing, store.uploads(prefix), told, behind)
    present = {backup.place.backup_id for backup in found.backups}
    return replace(found, missing=tuple(sorted(
        name for name, entry in stand.items() if entry.kind != shelf.removed and name not in present)))


def damaged_copies(ledger: Ledger, customer: str, shelf: Shelf) -> frozenset[str]:
    """What lies on the shelf and was found damaged by its last check, and not made anew since."""
    last = {str(entry.payload["backup_id"]): entry.kind
            for entry in ledger.entries(customer, kinds=[shelf.damaged, shelf.verified, shelf.stored])}
    return frozenset(name for name, kind in last.items() if kind == shelf.damaged)


def recorded(ledger: Ledger, customer: str) -> Mapping[str, str]:
    """{backup id: SHA-256 of its manifest} as the ledger has them; the first record of an id stands."""
    found: dict[str, str] = {}
    for entry in ledger.entries(chain=customer, kinds=["backup.completed"]):
        found.setdefault(str(entry.payload.get("backup_id")), str(entry.payload.get("manifest_sha256")))
    return found


@dataclass(frozen=True)
class Told:
    """What the ledger says of backups. sha256: of the manifests, by id. stored: when it got those that lie on the
    shelf by it, by id. known: every id it has of the shelf, also where a removal was begun or is done.
    """

    sha256: Mapping[str, str]
    stored: Mapping[str, datetime]
    known: Collection[str]


def arrange(customer: str, store: ObjectStore, listing: Listing, uploads: tuple[OpenUpload, ...], told: Told,
            behind: Sequence[Hidden] = ()) -> Catalog:
    """Sort a listing, and what is behind delete markers, into backups, lost ones, leftovers and files of others."""
    groups: dict[Place, dict[str, StoredObject]] = defaultdict(dict)
    unseen: dict[Place, dict[str, Hidden]] = defaultdict(dict)
    foreign = []
    for entry in listing.objects:
        found = parse(entry.key)
        if found is None:
            foreign.append(entry.key)
        else:
            groups[found[0]][found[1]] = entry
    for one in behind:
        if (found := parse(one.key)) is not None:
            unseen[found[0]][found[1]] = one
    backups, lost = [], []
    leftovers = [Leftover("upload", upload.key, upload.begun, upload=upload.upload) for upload in uploads]
    for place in sorted({*groups, *unseen}, key=lambda place: place.prefix):
        objects, covered = groups.get(place, {}), unseen.get(place, {})
        if MANIFEST in objects:
            backups.append(_backup(store, place, objects, covered, told.sha256.get(place.backup_id)))
        elif _is_lost(place, objects, covered, told):
            lost.append(_lost(place, objects, covered, told))
        else:
            leftovers += [Leftover("object without a manifest", entry.key, entry.modified, entry.size)
                          for entry in objects.values()]
            leftovers += [Leftover(one.what, one.key, one.modified, one.size) for one in covered.values()]
    return Catalog(customer, store.place, listing.now, tuple(backups), tuple(leftovers), tuple(foreign),
                   lost=tuple(lost))


def _is_lost(place: Place, objects: Mapping[str, StoredObject], covered: Mapping[str, Hidden], told: Told) -> bool:
    """Is it there by the ledger, or was it published, since a version of its manifest is behind a delete marker?"""
    there = bool(objects) or any(one.versions for one in covered.values())
    published = MANIFEST in covered and covered[MANIFEST].versions > 0 and place.backup_id not in told.known
    return there and (place.backup_id in told.stored or published)


def _lost(place: Place, objects: Mapping[str, StoredObject], covered: Mapping[str, Hidden],
          told: Told) -> CatalogBackup:
    parts: list[StoredObject | Hidden] = [*objects.values(), *covered.values()]
    # Some stores date an object by the begin of its upload: the latest of these times keeps it longest.
    times = [part.modified for part in parts]
    times += [told.stored[place.backup_id]] if place.backup_id in told.stored else []
    expected = told.sha256.get(place.backup_id)
    evidence = Evidence.UNRECORDED if expected is None else Evidence.RECORDED
    return CatalogBackup(place, State.LOST, evidence, max(times), sum(part.size for part in parts), expected or "",
                         None, _gone("its manifest", MANIFEST, covered))


def _gone(what: str, name: str, covered: Mapping[str, Hidden]) -> str:
    return f"{what} is missing" + (": a delete marker hides it" if name in covered and covered[name].versions else "")


def _backup(store: ObjectStore, place: Place, objects: Mapping[str, StoredObject], covered: Mapping[str, Hidden],
            expected: str | None) -> CatalogBackup:
    modified = objects[MANIFEST].modified
    size = sum(entry.size for entry in objects.values())
    try:
        body = store.get(place.manifest)
    except OpsctlError as error:
        return CatalogBackup(place, State.UNREAD, Evidence.UNRECORDED, modified, size, "", None, error.message)
    try:
        manifest = load(body, f"{place.manifest} in {store.place}")
    except EvidenceDamaged as error:
        return CatalogBackup(place, State.UNREADABLE, Evidence.UNRECORDED, modified, size, "", None, error.message)
    sha256 = fingerprint(body)
    evidence = (Evidence.UNRECORDED if expected is None
                else Evidence.RECORDED if expected == sha256 else Evidence.DIFFERS)
    reason = _incomplete(manifest, place, objects, covered)
    return CatalogBackup(place, State.INCOMPLETE if reason else State.GOOD, evidence, modified, size, sha256, manifest,
                         reason or ("" if evidence is Evidence.RECORDED else f"its manifest is {evidence}"))


def _incomplete(manifest: Manifest, place: Place, objects: Mapping[str, StoredObject],
                covered: Mapping[str, Hidden]) -> str:
    if (manifest.customer, manifest.database, manifest.backup_id) != (place.customer, place.database, place.backup_id):
        return "its manifest belongs to another backup"
    for entry in manifest.objects:
        have = objects.get(entry.name)
        if have is None:
            return _gone(entry.name, entry.name, covered)
        if have.size != entry.size:
            return f"{entry.name} has {have.size} bytes instead of {entry.size}"
    return ""
