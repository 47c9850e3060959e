"""The ledger's checkpoints in an object store: written under lock, read back to vouch for completeness."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from opsctl.core.errors import ConfigurationError, EvidenceDamaged
from opsctl.core.outcome import OPERATOR
from opsctl.ledger import held
from opsctl.ledger.checkpoints import (
    PREFIX,
    WRITTEN,
    Sealed,
    examine_checkpoints,
    key_of,
    number_of,
    regressions,
    seal,
    unseal,
)
from opsctl.ledger.model import GENESIS, Finding
from opsctl.runs.workplace import Workplace

if TYPE_CHECKING:
    from opsctl.adapters.objects import ObjectStore
    from opsctl.profiles.settings import CheckpointSettings

LEASE_SECONDS = 60


@dataclass(frozen=True)
class Written:
    """A checkpoint that was written. locked_until: ISO 8601, "" when the store does not lock it."""

    key: str
    number: int
    chains: int
    place: str
    locked_until: str


@dataclass(frozen=True)
class Found:
    """The checkpoints in the store, by number, and what is wrong with them."""

    place: str
    sealed: tuple[Sealed, ...]
    findings: tuple[Finding, ...]


def write_checkpoint(workplace: Workplace) -> Written | None:
    """Write how long every chain is now; None when no store is set.

    EvidenceDamaged when the ledger is not what the last checkpoint saw: then none is written, since a new one would
    bless what was cut. OperationFailed when the store refuses, Locked when another run is writing one.
    """
    settings = workplace.settings.checkpoints
    if settings is None:
        return None
    store = _open(settings)
    now = workplace.clock.now()
    with held(workplace.ledger, f"{OPERATOR}/checkpoint", f"checkpoint-{now:%Y%m%dt%H%M%S%f}", LEASE_SECONDS) as lease:
        last = _last(store)
        heads = workplace.ledger.checkpoint()
        if last is not None:
            _require_grown(workplace, last, store.place)
        number = last.number + 1 if last else 1
        body = seal(number, now, last.digest if last else GENESIS, heads)
        key = key_of(number, now)
        lock = store.put_locked(key, body, now + timedelta(days=settings.lock_days))
        until = lock.until.isoformat(timespec="seconds") if lock and lock.until else ""
        workplace.ledger.append(OPERATOR, WRITTEN, {
            "number": number, "key": key, "sha256": unseal(key, body).digest, "place": store.place,
            "chains": len(heads), "locked_until": until}, actor=workplace.actor, lease=lease)
    return Written(key, number, len(heads), store.place, until)


def read_checkpoints(workplace: Workplace) -> Found | None:
    """All checkpoints of the store; None when no store is set. OperationFailed when it cannot be read."""
    settings = workplace.settings.checkpoints
    if settings is None:
        return None
    store = _open(settings)
    sealed, damaged = _read(store)
    versions = store.versions(PREFIX)
    counts = Counter(version.key for version in versions)
    replaced = sorted({version.key for version in versions if version.marker}
                      | {key for key, count in counts.items() if count > 1})
    # Only what was written to this store: another one before it is no loss.
    recorded = {str(entry.payload["key"]): str(entry.payload["sha256"])
                for entry in workplace.ledger.entries(OPERATOR, kinds=(WRITTEN,))
                if entry.payload["place"] == store.place}
    return Found(store.place, tuple(sealed), tuple(examine_checkpoints(sealed, damaged, recorded, replaced)))


def _open(settings: CheckpointSettings) -> ObjectStore:
    from opsctl.adapters.objects import open_store

    try:
        return open_store(settings.store)
    except ConfigurationError as error:
        raise ConfigurationError(f"the store of the ledger's checkpoints: {error.message}",
                                 error.resolution or "see `checkpoints` in opsctl.yml") from None


def _keys(store: ObjectStore) -> Sequence[str]:
    return [one.key for one in store.list(PREFIX).objects if number_of(one.key) is not None]


def _read(store: ObjectStore) -> tuple[list[Sealed], list[str]]:
    sealed: list[Sealed] = []
    damaged: list[str] = []
    for key in _keys(store):
        try:
            sealed.append(unseal(key, store.get(key)))
        except ValueError:
            damaged.append(key)
    return sorted(sealed, key=lambda one: (one.number, one.key)), damaged


def _last(store: ObjectStore) -> Sealed | None:
    keys = _keys(store)
    if not keys:
        return None
    try:
        return unseal(keys[-1], store.get(keys[-1]))
    except ValueError:
        raise EvidenceDamaged(f"the last checkpoint, {keys[-1]} in {store.place}, was changed",
                              "see `opsctl ledger verify`; once it is cleared up, set another `checkpoints` store or "
                              "prefix and write the first one there") from None


def _require_grown(workplace: Workplace, last: Sealed, place: str) -> None:
    ledger = workplace.ledger
    standing = ledger.hashes_at({name: point.length for name, point in last.chains.items()})
    wrong = regressions(last.chains, ledger.checkpoint(), standing)
    if wrong:
        more = f" (and {len(wrong) - 3} more)" if len(wrong) > 3 else ""
        raise EvidenceDamaged(
            f"the ledger is not what checkpoint {last.number} of {last.written_at:%Y-%m-%d %H:%M} UTC in {place} "
            f"saw: {'; '.join(wrong[:3])}{more}; no new checkpoint was written",
            "stop what writes to the ledger, keep a copy, and see `opsctl ledger verify`")
