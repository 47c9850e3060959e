"""Backups made without a host: objects, manifest and ledger entry as `take` leaves them, in any store."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from opsctl.adapters.objects import ObjectStore
from opsctl.backup.manifest import KeyEntry, Manifest, ObjectEntry, PartEntry, StreamEntry, dump, fingerprint
from opsctl.backup.naming import Place, new_id
from opsctl.backup.take import Taken
from opsctl.core.clock import FixedClock, local_day
from opsctl.core.progress import Silent
from opsctl.ledger import open_ledger
from opsctl.profiles.hosted import Engine
from opsctl.profiles.model import ADAPTER, KamstrupProfile
from opsctl.profiles.settings import Settings
from opsctl.runs.workplace import Workplace

ROOT = Path(__file__).parents[3]
KEYS = tuple(KeyEntry(key="age1" + letter * 58, kept=kept) for letter, kept in (("q", "online"), ("z", "offline")))
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@dataclass
class Bench:
    """A workplace with a real ledger and a clock that the test moves."""

    workplace: Workplace
    clock: FixedClock
    profile: KamstrupProfile

    def make(self, store: ObjectStore, body: bytes = b"0123456789" * 10, *, recorded: bool = True,
             started: datetime | None = None, part: int = 40) -> Place:
        """Publish and record a backup of the database `ready`, begun now by the bench's clock."""
        begun = started or self.clock.now()
        place = Place(self.profile.customer, "ready", new_id(begun))
        pieces = [body[at:at + part] for at in range(0, len(body), part)]
        store.put(place.prefix + "volume-0001.age", body)
        manifest = Manifest(
            schema_version=1, backup_id=place.backup_id, customer=place.customer, database="ready", host="aalund-1",
            engine=Engine.POSTGRESQL, engine_version="17.5", architecture="x86_64", started=begun, finished=begun,
            day=local_day(begun, self.profile.zone), host_ahead_seconds=0.0, store_time=begun,
            streams={"data": StreamEntry(size=len(body), sha256=hashlib.sha256(body).hexdigest(), format="tar")},
            objects=(ObjectEntry(name="volume-0001.age", stream="data", size=len(body),
                                 parts=tuple(_entry(piece) for piece in pieces)),),
            recipients=KEYS, facts={}, opsctl_version="0", program_sha256="0" * 64, run="run")
        stored = dump(manifest)
        store.put(place.manifest, stored)
        if recorded:
            self.workplace.ledger.append(place.customer, "backup.completed",
                                         Taken(manifest, fingerprint(stored)).payload(), actor="test", run="run")
        return place

    def kinds(self) -> list[str]:
        """What the ledger has of the customer, in order."""
        return [entry.kind for entry in self.workplace.ledger.entries(chain=self.profile.customer)]


def _entry(piece: bytes) -> PartEntry:
    return PartEntry(size=len(piece), md5=hashlib.md5(piece, usedforsecurity=False).hexdigest(),
                     sha256=hashlib.sha256(piece).hexdigest())


def bench(folder: Path, **changes: Any) -> Bench:
    """A bench for the sample customer Aalund at noon of 23 November 2026; `changes` to its backup policy."""
    clock = FixedClock(NOON)
    ledger = open_ledger(f"sqlite:///{folder}/ledger/ledger.db", clock)
    settings = Settings(inventories=ROOT / "inventories", playbooks=ROOT / "playbooks")
    place = Workplace(settings, ledger, clock, Silent(), "test", folder / "runs", folder / "drafts")
    found = ADAPTER.validate_python(yaml.safe_load((ROOT / "inventories/sample-aalund/profile.yml").read_text()))
    assert isinstance(found, KamstrupProfile)
    profile = found.model_copy(update={"backup": found.backup.model_copy(
        update={"second_store": None, "rehearsal": None, **changes})})
    return Bench(place, clock, profile)
