"""Taking one backup of one database: preflight -> stream -> prove -> publish -> record."""

from __future__ import annotations

from dataclasses import dataclass, replace

import opsctl
from opsctl.adapters.objects import ObjectStore
from opsctl.backup import naming
from opsctl.backup.dialogue import HostProgram
from opsctl.backup.engines import engine_for
from opsctl.backup.engines.contract import DatabaseEngine, Found, Proof, encrypt
from opsctl.backup.exchange import Order
from opsctl.backup.manifest import KeyEntry, Manifest, StreamEntry, StreamName, dump, fingerprint
from opsctl.backup.recipients import read_recipients
from opsctl.backup.remote import open_program
from opsctl.backup.shelves import authority
from opsctl.backup.uploads import Sizes, Uploads
from opsctl.core.clock import local_day
from opsctl.core.errors import Locked
from opsctl.profiles.hosted import Database
from opsctl.profiles.model import KamstrupProfile
from opsctl.runs.service import Run

FORMATS = {naming.CONFIGURATION: "tar | zstd | age", naming.ROLES: "SQL | zstd | age"}


@dataclass(frozen=True)
class Taken:
    """A backup that exists: published and about to be recorded."""

    manifest: Manifest
    manifest_sha256: str

    def payload(self) -> dict[str, object]:
        """What the ledger keeps of it."""
        made = self.manifest
        return {"database": made.database, "backup_id": made.backup_id, "manifest_sha256": self.manifest_sha256,
                "bytes": made.size, "started": made.started.isoformat(), "finished": made.finished.isoformat(),
                "day": made.day.isoformat(), "engine": made.engine.value, "method": made.method.value,
                "engine_version": made.engine_version,
                "host": made.host, "objects": len(made.objects)}


def take(run: Run, profile: KamstrupProfile, database: Database, store: ObjectStore, *,
         bandwidth: int | None = None, sizes: Sizes | None = None) -> Taken:
    """Take a full backup; nothing is left in the store when it fails.

    bandwidth: bytes per second. Raises OperationFailed, Locked when the host is at it already or the
    customer's lease was lost on the way.
    """
    sizes = sizes or Sizes()
    clock = run.workplace.clock
    keys = read_recipients(profile.backup.recipients, run.workplace.customer_folder(profile.customer))
    engine = engine_for(database.engine, database.method)
    started = clock.now()
    place = naming.Place(profile.customer, database.name, naming.new_id(started))

    expected = expected_bytes(run, database)

    def progress(done: int) -> None:
        run.workplace.progress.advance(run.customer, f"backup of {database.name}", done, expected)

    with Uploads(store, place, sizes) as uploads:
        with open_program(run.workplace, profile, profile.host(database.host), unit_name(profile, database),
                          progress) as host:
            hello = host.program.hello
            ahead = hello.time - clock.now().timestamp()
            found = engine.inspect(host.program, database)
            run.say(f"{database.name}: {database.engine.value} {found.version}, {found.size / 1e6:.1f} MB")
            streams, proof = _streams(host.program, engine, found, uploads, keys,
                                      _order(profile, store, sizes, bandwidth))
        if run.lease.lost:
            raise Locked("the customer's lease was lost while the backup ran", "another run has taken over")
        manifest = Manifest(
            schema_version=1, backup_id=place.backup_id, customer=profile.customer, database=database.name,
            host=database.host, engine=database.engine, engine_version=found.version,
            architecture=hello.machine, started=started, day=local_day(started, profile.zone),
            host_ahead_seconds=round(ahead, 3), streams=streams, objects=uploads.complete(), recipients=keys,
            facts=dict(proof.facts), rows=dict(proof.rows), method=database.method,
            opsctl_version=opsctl.__version__, program_sha256=host.source.sha256, run=run.id,
            store_time=store.list(place.prefix).now, finished=clock.now())
        body = dump(manifest)
        uploads.publish(body)
    return Taken(manifest, fingerprint(body))


def expected_bytes(run: Run, database: Database) -> int | None:
    """What the last backup of this database took in the store: the estimate for "time left". None for the first."""
    newest = run.workplace.ledger.entries(run.customer, kinds=("backup.completed",), newest_first=True, limit=50)
    return next((int(entry.payload["bytes"]) for entry in newest if entry.payload["database"] == database.name), None)


def unit_name(profile: KamstrupProfile, database: Database) -> str:
    """The unit on the host; its name is the lock that keeps two backups of one database apart."""
    return f"opsctl-backup-{profile.customer}-{database.name}"


def _order(profile: KamstrupProfile, store: ObjectStore, sizes: Sizes, bandwidth: int | None) -> Order:
    return Order("", (), store.signs, sizes.part_bytes, sizes.parts_per_volume, bandwidth,
                 authority(profile.backup.store))


def _streams(host: HostProgram, engine: DatabaseEngine, found: Found, uploads: Uploads, keys: tuple[KeyEntry, ...],
             order: Order) -> tuple[dict[StreamName, StreamEntry], Proof]:
    """Run the data's stream and what goes beside it; every stage must end with 0 and the engine must vouch for its own.
    """
    sealed = encrypt([key.key for key in keys], engine.owner)
    with engine.consistent(host, found) as held:
        data = host.stream(replace(order, name=naming.DATA, stages=(*engine.source(host, held), sealed)), uploads)
        data.require(f"{host.hello.host}: the backup stream")
        proof = engine.conclude(host, held, data)
    facts = {**proof.facts, "server_bytes": str(found.size)}
    streams: dict[StreamName, StreamEntry] = {
        naming.DATA: StreamEntry(size=data.size, sha256=data.sha256, format=engine.data_format)}
    for name, stages in engine.companions(host, found).items():
        rest = host.stream(replace(order, name=name, stages=(*stages, sealed)), uploads)
        rest.require(f"{host.hello.host}: the stream of the {name}")
        streams[name] = StreamEntry(size=rest.size, sha256=rest.sha256, format=FORMATS[name])
    if found.configuration:
        facts["configuration"] = found.configuration
    return streams, replace(proof, facts=facts)
