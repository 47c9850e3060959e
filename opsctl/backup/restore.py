"""`backup restore`: a backup into a new data directory, tried out on a server of its own, or into a new database.

The running server and its data are never touched. The identity goes to that host alone, by standard
input, and stays in memory there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from opsctl.adapters.objects import ObjectStore, open_store
from opsctl.backup import emptying, naming, remains, trial
from opsctl.backup.catalog import catalog
from opsctl.backup.contents import State
from opsctl.backup.dialogue import HostProgram
from opsctl.backup.engines import engine_for
from opsctl.backup.engines.contract import DatabaseEngine, Target, decrypt
from opsctl.backup.exchange import Order
from opsctl.backup.manifest import Manifest
from opsctl.backup.rehearsals import REHEARSED
from opsctl.backup.remote import Started, open_program
from opsctl.backup.shelves import authority, shelf_of
from opsctl.backup.stores import StoreGiver
from opsctl.backup.terms import READING, REQUEST, terms_instant
from opsctl.backup.verify import extents, sound_manifest
from opsctl.core.errors import ConfigurationError, OperationFailed, OpsctlError, UsageError
from opsctl.core.outcome import Outcome, Status
from opsctl.core.secret import Secret
from opsctl.profiles.hosted import Host
from opsctl.profiles.model import KamstrupProfile
from opsctl.runs.service import Run, perform
from opsctl.runs.workplace import Workplace

DEFAULT_PORT = 5499
LEFT_REMEDY = "it is decrypted: remove it on the host; the next rehearsal there tries to as well"
_DATABASE = re.compile(r"[a-z][a-z0-9_]{0,62}")
_CLUSTER = re.compile(r"[a-z0-9_-]{1,40}")
_DIRECTORY = re.compile(r"/[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)+")


@dataclass(frozen=True)
class Wish:
    """What the operator asked for. start: try the restored server out; leave_running: and do not stop it.

    rehearsal: take everything away again at the end. ca: PEM text of the store's CA.
    """

    target: Target
    identity: Secret
    start: bool = True
    leave_running: bool = False
    dry_run: bool = False
    bandwidth: int | None = None
    rehearsal: bool = False
    ca: str = ""


def restore(workplace: Workplace, profile: KamstrupProfile, backup_id: str, *, host: str, identity: Secret,
            directory: str = "", database: str = "", cluster: str = "main", port: int = DEFAULT_PORT,
            start: bool = True, leave_running: bool = False, dry_run: bool = False, accept_unrecorded: bool = False,
            bandwidth: int | None = None, rehearsal: bool = False, second: bool = False) -> Outcome:
    """Restore `backup_id` on `host`; the contract at the backup's date decides.

    directory: for a physical backup, absolute, missing or empty; the configuration lands in
    DIRECTORY.configuration. database: for a logical backup, the name of a new one in `cluster`. Exit 9 when
    the manifest is not the ledger's, unless `accept_unrecorded`. `data`: backup_id, host, directory, into,
    configuration, seconds {download, prepare, trial}, and with `start`: version, facts, rows, checks, and
    `unit` when left running. Ledger: `backup.restored`. A failure empties the place again. rehearsal: nothing
    of it stays, or partly done with `left` {place: reason}; the ledger gets `backup.rehearsed`. second: from the
    second store.
    """
    target = target_of(directory, database, cluster, port)
    if remains.reserved(target) and not rehearsal:
        raise UsageError(f"{target.place} has the name of a rehearsal's, and the next rehearsal removes those",
                         "give another name")
    wish = Wish(target, identity, start or leave_running, leave_running, dry_run, bandwidth, rehearsal)

    def act(run: Run) -> Outcome:
        to = _host(profile, host)
        shelf = shelf_of(profile, second=second)
        store = open_store(shelf.store)
        backup = catalog(workplace, profile, store=store, shelf=shelf).find(backup_id)
        manifest = sound_manifest(backup, accept_unrecorded=accept_unrecorded)
        if backup.state is not State.GOOD:
            raise OperationFailed(f"{backup_id}: {backup.reason}", "use another backup" if second or not
                                  profile.backup.second_store else "use its copy in the second store: --second")
        found = _restore(run, profile, store, manifest, to, replace(wish, ca=authority(shelf.store)))
        data = {"backup_id": backup_id, "database": manifest.database, "host": host, "store": store.place,
                "directory": directory,
                "into": database,
                "configuration": target.configuration if manifest.of(naming.CONFIGURATION) else "", **found}
        if dry_run:
            return Outcome(profile.customer, REQUEST.service.value, Status.UNCHANGED,
                           f"{backup_id} fits {host}: {target.place} is free; nothing was done", data=data)
        run.record(REHEARSED if rehearsal else "backup.restored",
                   {**data, "evidence": backup.evidence.value, "manifest_sha256": backup.sha256})
        summary = _summary(backup_id, host, target.place, data)
        if "left" in data:
            return Outcome(profile.customer, REQUEST.service.value, Status.PARTIAL, summary, LEFT_REMEDY, data=data)
        return Outcome(profile.customer, REQUEST.service.value, Status.DONE, summary, data=data)

    operation = "backup rehearse" if rehearsal else "backup restore"
    return perform(workplace, profile, REQUEST, operation, act, lease=READING,
                   terms_of=terms_instant(backup_id))


def target_of(directory: str, database: str, cluster: str, port: int) -> Target:
    """The place an operator named; UsageError for none, two, or one that is not fit."""
    if bool(directory) == bool(database):
        raise UsageError("a restore needs one place",
                         "give --directory for a physical backup, or --database for a logical one")
    if directory and (not _DIRECTORY.fullmatch(directory) or ".." in directory.split("/")):
        raise UsageError(f"{directory[:80]!r} is not a directory to restore into",
                         "give an absolute path at least two folders deep, for example /var/lib/postgresql/restored")
    if database and not _DATABASE.fullmatch(database):
        raise UsageError(f"{database[:80]!r} is not a name for a new database",
                         "give small letters, digits and underscores, for example ready_restored")
    if not _CLUSTER.fullmatch(cluster):
        raise UsageError(f"{cluster[:80]!r} is not the name of a cluster", "see pg_lsclusters on the host")
    if not 1024 <= port <= 65535:
        raise UsageError(f"port {port} cannot be used", "give one from 1024 to 65535")
    return Target(directory, port, database, cluster)


def _host(profile: KamstrupProfile, name: str) -> Host:
    try:
        return profile.host(name)
    except KeyError:
        names = ", ".join(host.name for host in profile.hosts)
        raise ConfigurationError(f"{profile.customer} has no host {name[:60]}", f"its hosts are: {names}") from None


def _summary(backup_id: str, host: str, place: str, data: Mapping[str, Any]) -> str:
    rows = f", {sum(data['rows'].values())} rows in {len(data['rows'])} tables" if "rows" in data else ""
    events = data.get("checks", {}).get("events")
    return f"{backup_id} is restored in {place} on {host}{rows}" + (f"; events {events}" if events else "")


def _restore(run: Run, profile: KamstrupProfile, store: ObjectStore, manifest: Manifest, host: Host,
             wish: Wish) -> dict[str, Any]:
    engine = engine_for(manifest.engine, manifest.method)
    unit = f"opsctl-restore-{profile.customer}-{wish.target.port}"
    total = manifest.size

    def progress(done: int) -> None:
        run.workplace.progress.advance(run.customer, f"restore {manifest.backup_id}", done, total)

    with open_program(run.workplace, profile, host, unit, progress) as started:
        if wish.rehearsal:
            remains.clear(run, profile, started, engine, wish.target)
        target = engine.fits(started.program, manifest, wish.target)
        if wish.dry_run:
            return {"dry_run": True}
        # Before the undo begins: what this run did not make is never emptied.
        engine.make(started.program, manifest, target)
        try:
            found = _fill(run, profile, store, manifest, started, engine, replace(wish, target=target))
            left = emptying.take_away(started.program, engine, target) if wish.rehearsal else {}
            return {**found, "left": dict(left)} if left else found
        except BaseException as error:
            if reason := emptying.undo(started, engine, target, rehearsal=wish.rehearsal):
                told = f"{target.place} on {host.name} is left: {reason}"
                run.say(told)
                if isinstance(error, OpsctlError):
                    error.message = f"{error.message}; {told}"
            raise


def _fill(run: Run, profile: KamstrupProfile, store: ObjectStore, manifest: Manifest, started: Started,
          engine: DatabaseEngine, wish: Wish) -> dict[str, Any]:
    program, target, clock = started.program, wish.target, run.workplace.clock
    begun = clock.now()
    giver = StoreGiver(store)
    order = Order("", (), store.signs, bandwidth=wish.bandwidth, ca=wish.ca, identity=wish.identity)
    _receive(program, giver, order, manifest, naming.DATA, (decrypt(), *engine.unpack(target, manifest)))
    for stream in manifest.streams:
        stages = engine.beside(program, target, stream) if stream != naming.DATA else ()
        if stages:
            _receive(program, giver, order, manifest, stream, (decrypt(), *stages))
    here = clock.now()
    run.say(f"{manifest.backup_id}: all parts are on {program.hello.host}")
    engine.prepare(program, target)
    ready = clock.now()
    found: dict[str, Any] = {}
    if wish.start:
        found = trial.run_trial(started, engine, target, manifest, leave_running=wish.leave_running)
    seconds = {"download": (here - begun).total_seconds(), "prepare": (ready - here).total_seconds(),
               "trial": (clock.now() - ready).total_seconds()}
    return {**found, "seconds": {name: round(value, 2) for name, value in seconds.items()}}


def _receive(host: HostProgram, giver: StoreGiver, order: Order, manifest: Manifest, stream: str,
             stages: tuple[Any, ...]) -> None:
    place = naming.Place(manifest.customer, manifest.database, manifest.backup_id)
    parts = [{"key": place.prefix + entry.name, "offset": offset, "size": part.size, "sha256": part.sha256}
             for entry, offset, part in extents(manifest, stream)]
    moved = host.receive(replace(order, name=stream, stages=stages, parts=parts), giver)
    moved.require(f"{host.hello.host}: restoring the {stream} of {manifest.backup_id}")
