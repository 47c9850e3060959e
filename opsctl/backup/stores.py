"""Where the parts of a backup are read from."""

from __future__ import annotations

from collections.abc import Mapping

from opsctl.adapters.objects import ObjectStore
from opsctl.core.secret import Secret

ADDRESS_SECONDS = 3600


class StoreGiver:
    """Gives parts from a store: signed addresses, or the bytes. Keeps `exchange.Giver`."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def addresses(self, key: str) -> tuple[Mapping[str, Secret], int]:
        return {key: self._store.sign_get(key, ADDRESS_SECONDS)}, ADDRESS_SECONDS

    def part(self, key: str, offset: int, size: int) -> bytes:
        return self._store.get(key, offset, size)
