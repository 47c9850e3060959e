"""`backup verify`: read every part back and compare its hash; compare the manifest with the ledger."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

from opsctl.adapters.objects import ObjectStore, open_store
from opsctl.backup.catalog import catalog
from opsctl.backup.contents import CatalogBackup, Evidence, State
from opsctl.backup.manifest import Manifest, ObjectEntry, PartEntry
from opsctl.backup.naming import Place
from opsctl.backup.shelves import shelf_of
from opsctl.backup.terms import READING, REQUEST, terms_instant
from opsctl.core.errors import CheckFailed, EvidenceDamaged, OperationFailed
from opsctl.core.outcome import Outcome, Status
from opsctl.profiles.model import KamstrupProfile
from opsctl.runs.service import Run, perform
from opsctl.runs.workplace import Workplace

THREADS = 3


def verify(workplace: Workplace, profile: KamstrupProfile, backup_id: str, *, second: bool = False,
           store: ObjectStore | None = None) -> Outcome:
    """Check one backup completely, or with `second` its copy; the contract at its date decides.

    DONE with `data` {backup_id, database, bytes, parts}; a part that differs gives CHECK_FAILED (exit 8);
    a manifest that is not the ledger's, exit 9. Ledger: `backup.verified` or `backup.damaged`; of a
    copy `backup.copy-verified` or `backup.copy-damaged`.
    """
    def act(run: Run) -> Outcome:
        shelf = shelf_of(profile, second=second)
        objects = store or open_store(shelf.store)
        backup = catalog(workplace, profile, store=objects, shelf=shelf).find(backup_id)
        manifest = sound_manifest(backup)
        found = {"backup_id": backup_id, "database": backup.place.database, "manifest_sha256": backup.sha256,
                 "store": objects.place}
        short = backup.state is State.INCOMPLETE
        damage = [backup.reason] if short else damage_of(run, objects, backup.place, manifest)
        if damage:
            run.record(shelf.damaged, {**found, "findings": damage[:100]})
            raise CheckFailed(f"{backup_id}: {len(damage)} of its parts are not what the manifest says: {damage[0]}",
                              "use another backup, and find out what changed this one", tuple(damage[:100]))
        parts = sum(len(entry.parts) for entry in manifest.objects)
        run.record(shelf.verified, {**found, "bytes": manifest.size, "parts": parts})
        return Outcome(profile.customer, REQUEST.service.value, Status.DONE,
                       f"{backup_id}: all {parts} parts ({manifest.size / 1e6:.1f} MB) are as they were sent "
                       f"to {shelf.words}", data={**found, "bytes": manifest.size, "parts": parts})

    return perform(workplace, profile, REQUEST, "backup verify", act, lease=READING,
                   terms_of=terms_instant(backup_id))


def sound_manifest(backup: CatalogBackup, *, accept_unrecorded: bool = False) -> Manifest:
    """The manifest, when it can be read and is the ledger's; EvidenceDamaged (exit 9) otherwise.

    OperationFailed when the store did not give it: that says nothing of the backup.
    """
    if backup.state is State.UNREAD:
        raise OperationFailed(f"{backup.place.backup_id}: {backup.reason}", "see that the store answers, then run it "
                                                                            "again")
    if backup.manifest is None:
        lost = backup.state is State.LOST
        raise EvidenceDamaged(f"{backup.place.backup_id}: {backup.reason}", "use another backup"
                              + (f", or bring {backup.place.manifest} back" if lost else ""))
    if backup.evidence is not Evidence.RECORDED and not accept_unrecorded:
        raise EvidenceDamaged(
            f"{backup.place.backup_id}: its manifest is {backup.evidence}; whoever can write to the store could have "
            "made it", "use another backup, or accept this one explicitly when you know where it comes from")
    return backup.manifest


def damage_of(run: Run, store: ObjectStore, place: Place, manifest: Manifest) -> list[str]:
    """What differs from the manifest, one line per part, in order; three parts at most are in memory."""
    def check(item: tuple[ObjectEntry, int, PartEntry]) -> str:
        entry, offset, part = item
        body = store.get(place.prefix + entry.name, offset, part.size)
        return "" if hashlib.sha256(body).hexdigest() == part.sha256 else f"{entry.name} at byte {offset}"

    findings, done, todo = [], 0, extents(manifest)
    with ThreadPoolExecutor(THREADS) as pool:
        while batch := list(islice(todo, THREADS)):
            findings += [found for found in pool.map(check, batch) if found]
            done += sum(part.size for _, _, part in batch)
            run.workplace.progress.advance(run.customer, f"verify {place.backup_id}", done, manifest.size)
    return findings


def extents(manifest: Manifest, stream: str | None = None) -> Iterator[tuple[ObjectEntry, int, PartEntry]]:
    """Every part with its object and its place within, in order."""
    for entry in manifest.objects if stream is None else manifest.of(stream):
        offset = 0
        for part in entry.parts:
            yield entry, offset, part
            offset += part.size
