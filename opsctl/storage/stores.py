"""What a customer's own backups take of their stores, as the stores list it: also where nobody can see what is left."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from opsctl.core.errors import OpsctlError
from opsctl.profiles.hosted import DirectoryStore, S3Store
from opsctl.profiles.model import KamstrupProfile
from opsctl.storage.model import Figure, Finding, Level

AT_ONCE = 16


@dataclass(frozen=True)
class StoreUse:
    """One store. bytes, objects: the customer's own, with what a versioned bucket no longer shows left out.

    error: why it was not measured, "" when it was.
    """

    place: str
    bytes: int = 0
    objects: int = 0
    error: str = ""


def uses(profiles: Sequence[KamstrupProfile]) -> Mapping[str, tuple[StoreUse, ...]]:
    """By customer, in the order of its stores; several at once. A store that fails is a finding, never an exception."""
    with ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="store") as pool:
        return dict(zip((profile.customer for profile in profiles), pool.map(_of, profiles), strict=True))


def _of(profile: KamstrupProfile) -> tuple[StoreUse, ...]:
    second = profile.backup.second_store
    stores = [profile.backup.store, *([second.store] if second is not None else [])]
    return tuple(_use(store, profile.customer) for store in stores)


def _use(store: S3Store | DirectoryStore, customer: str) -> StoreUse:
    from opsctl.adapters.objects import open_store

    named = store.path if isinstance(store, DirectoryStore) else f"s3://{store.bucket}/{store.prefix}"
    try:
        found = open_store(store).list(f"{customer}/").objects
    except OpsctlError as error:
        return StoreUse(named, error=error.message)
    return StoreUse(named, sum(one.size for one in found), len(found))


def findings(found: Sequence[StoreUse]) -> Iterator[Finding]:
    """A store that was not measured; it is warned of, since the backup itself fails where it matters."""
    for one in found:
        if one.error:
            yield Finding(Level.WARNING, f"backup store {one.place}",
                          f"what backups take there is not known: {one.error}")


def figures(found: Sequence[StoreUse]) -> tuple[Figure, ...]:
    """The numbers for monitoring."""
    return tuple(Figure(f"backups in {one.place}", one.bytes, "B") for one in found if not one.error)
