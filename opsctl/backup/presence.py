"""Whether what the ledger has as completed is still in the store: only the store has the bytes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from opsctl.adapters.objects import ObjectStore, Unreachable, open_store
from opsctl.backup.manifest import fingerprint
from opsctl.backup.naming import Place
from opsctl.core.errors import OpsctlError
from opsctl.profiles.model import KamstrupProfile


def still_stored(profile: KamstrupProfile, completed: Iterable[Mapping[str, Any]], *,
                 store: ObjectStore | None = None) -> tuple[Mapping[str, Any], ...]:
    """Of the payloads of `backup.completed`, those whose very manifest the store gives.

    A store that does not answer raises: then nobody knows, and a run must say so.
    """
    wanted = tuple(completed)
    store = store or (open_store(profile.backup.store) if wanted else None)
    return tuple(payload for payload in wanted if store is not None and _there(store, profile.customer, payload))


def _there(store: ObjectStore, customer: str, payload: Mapping[str, Any]) -> bool:
    place = Place(customer, str(payload.get("database")), str(payload.get("backup_id")))
    try:
        return fingerprint(store.get(place.manifest)) == payload.get("manifest_sha256")
    except Unreachable:
        raise
    except OpsctlError:
        return False
