"""Is a store fit to keep backups for their time (P17)? A real put, read and removal, and its settings."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from statistics import median

from opsctl.adapters.objects import ObjectStore, Protections, open_store
from opsctl.backup.shelves import Shelf, first_shelf
from opsctl.core.clock import Clock, iso
from opsctl.core.errors import OperationFailed, OpsctlError
from opsctl.profiles.hosted import S3Store
from opsctl.profiles.model import KamstrupProfile
from opsctl.runs.workplace import Workplace

CLOCK_LIMIT_SECONDS = 600.0
"""Beyond this no backup is removed (P17)."""


@dataclass(frozen=True)
class StoreFinding:
    """One line. fit: None for a warning."""

    what: str
    fit: bool | None
    detail: str
    remedy: str = ""


def examine_store(workplace: Workplace, profile: KamstrupProfile, *, shelf: Shelf | None = None,
                  store: ObjectStore | None = None) -> Iterator[StoreFinding]:
    """All findings in order, by default of the first store; after one that does not answer there is only that."""
    shelf = shelf or first_shelf(profile)
    try:
        objects = store or open_store(shelf.store)
        listing = objects.list(f"{profile.customer}/")
        yield _clock(objects, len(listing.objects), (listing.now - workplace.clock.now()).total_seconds(),
                     iso(listing.now))
        guards = objects.protections(f"{profile.customer}/")
        yield _cycle(objects, f"{profile.customer}/doctor-probe", workplace.clock)
    except OpsctlError as error:
        yield StoreFinding("backup store", False, error.message, error.resolution)
        return
    yield from guarded(guards, shelf)
    stored = sum(entry.size for entry in listing.objects)
    sizes = [[int(entry.payload["bytes"]) for entry in workplace.ledger.entries(
        chain=profile.customer, kinds=[shelf.stored]) if entry.payload.get("database") == database.name]
        for database in profile.databases]
    yield room(sizes, shelf.keep_days, stored, guards.free)


def _clock(store: ObjectStore, objects: int, ahead: float, told: str) -> StoreFinding:
    if abs(ahead) > CLOCK_LIMIT_SECONDS:
        return StoreFinding("backup store", False, f"its clock and this machine's differ by {abs(ahead):.0f} s",
                            "set the clock that is wrong; until then nothing is pruned")
    return StoreFinding("backup store", True, f"{store.place}: {objects} objects, its clock says {told}")


def _cycle(store: ObjectStore, key: str, clock: Clock) -> StoreFinding:
    """Put, read, ask as anybody, remove. A locked probe of an earlier day is used again: at most one lies there."""
    body = secrets.token_bytes(64)
    lock = store.retention(key) if any(entry.key == key for entry in store.list(key).objects) else None
    held = lock is not None and (lock.until is None or lock.until > clock.now())
    if not held:
        store.put(key, body)
    found = store.get(key)
    if not held and found != body:
        raise OperationFailed(f"{store.place} gives back something else than was put there", "do not use this store")
    if store.open_to_all(key):
        store.delete(key)
        raise OperationFailed(f"{store.place} can be read by anybody", "block public access to it")
    lock = store.retention(key)
    try:
        store.delete(key)
    except OperationFailed as error:
        if lock is None:
            raise OperationFailed(f"put and read work, removing does not: {error.message}", error.resolution) from None
        until = iso(lock.until) if lock.until else "it is lifted"
        return StoreFinding("put, read, remove", True, f"put and read work; removal is refused until {until}")
    if lock is not None:
        return StoreFinding("put, read, remove", False, "a locked object could be removed",
                            "take s3:BypassGovernanceRetention from opsctl's credentials, or lock in compliance mode")
    if store.versions(key):
        return StoreFinding("put, read, remove", False, "versions are left after a removal",
                            "allow s3:DeleteObjectVersion, or prune cannot free any space")
    return StoreFinding("put, read, remove", True, "works, and leaves nothing")


def guarded(guards: Protections, shelf: Shelf) -> Iterator[StoreFinding]:
    """What the store's settings mean for backups kept as long as the shelf says."""
    keep_days = shelf.keep_days
    if not isinstance(shelf.store, S3Store):
        yield StoreFinding("lock", None, "a directory has none: whoever may write there can remove backups",
                           "keep a second copy elsewhere, or use a bucket with Object Lock")
        return
    yield from _lifecycle(guards, shelf)
    if shelf.store.lock_days:
        yield StoreFinding("lock", True, f"each object is locked for {shelf.store.lock_days} days when it is put "
                                         f"({shelf.store.lock_mode})")
    elif not guards.lock_days:
        yield StoreFinding("lock", None, "no Object Lock for new objects: stolen credentials can remove backups",
                           f"set the store's `lock_days`, or a default retention of {keep_days} days")
    elif guards.lock_days > keep_days:
        yield StoreFinding("lock", None, f"locked for {guards.lock_days} days, kept for {keep_days}: prune has to wait",
                           "lock for no longer than `keep_days`")
    else:
        yield StoreFinding("lock", True, f"{guards.lock_mode}, {guards.lock_days} days")
    yield _wanted("versioning", guards.versioning, "on", "off: an overwritten backup is lost", "switch it on")
    yield _wanted("encryption", bool(guards.encryption), guards.encryption,
                  "none by the store; backups are encrypted all the same", "set a default encryption, best with KMS")
    yield _wanted("public access", guards.public_blocked, "blocked", "not blocked for the whole bucket",
                  "block all four kinds of public access")
    if guards.unknown:
        yield StoreFinding("settings", None, f"the store does not tell: {', '.join(guards.unknown)}",
                           "allow s3:GetBucket* and s3:GetLifecycleConfiguration, or look for yourself")


def _lifecycle(guards: Protections, shelf: Shelf) -> Iterator[StoreFinding]:
    """What the bucket's own rules do to backups before their time. A rule with a date concerns every backup there is
    on that day and after it, however young."""
    wanted = f"{shelf.keep_days} days are wanted ({shelf.rule})"
    removing, archiving = "the bucket itself removes objects", "the bucket itself archives objects"
    found = []
    if guards.expires_days is not None and guards.expires_days < shelf.keep_days:
        found.append(f"{removing} after {guards.expires_days} days, {wanted}")
    if guards.expires_on is not None:
        found.append(f"{removing} of any age from {guards.expires_on} on, {wanted}")
    if guards.archives_days is not None and guards.archives_days < shelf.keep_days:
        found.append(f"{archiving} after {guards.archives_days} days: they cannot be restored at once, {wanted}")
    if guards.archives_on is not None:
        found.append(f"{archiving} of any age from {guards.archives_on} on: they cannot be restored at once, {wanted}")
    for detail in found:
        yield StoreFinding("lifecycle", False, detail, "remove that rule; opsctl prunes by itself")
    if not found and "lifecycle" not in guards.unknown:
        yield StoreFinding("lifecycle", True, "no rule removes or archives backups before their time")


def _wanted(what: str, there: bool, good: str, bad: str, remedy: str) -> StoreFinding:
    return StoreFinding(what, True, good) if there else StoreFinding(what, None, bad, remedy)


def room(sizes: Iterable[list[int]], keep_days: int, stored: int, free: int | None) -> StoreFinding:
    """Whether `free` bytes hold `keep_days` and one of the usual backup of each database, `stored` bytes being there.

    sizes: by database, oldest first; the median of the last 14 counts.
    """
    usual = sum(median(own[-14:]) for own in sizes if own)
    need = max(0.0, usual * (keep_days + 1) - stored)
    if free is None:
        return StoreFinding("room", True, f"no limit to see; {keep_days} days take about "
                                          f"{usual * (keep_days + 1) / 1e9:.1f} GB")
    if not usual:
        return StoreFinding("room", True, f"{free / 1e9:.1f} GB free; no backup yet to reckon with")
    told = f"{free / 1e9:.1f} GB free, {keep_days} days need another {need / 1e9:.1f} GB"
    if free < need:
        return StoreFinding("room", False, told, "give the store more space before it is full")
    return StoreFinding("room", True, told)
