# ruff: noqa: S608 (a scratch cluster with a throw-away password)
"""A scratch PostgreSQL cluster with metering data, and opsctl's own stream and restore of it."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from opsctl.adapters.objects import ObjectStore, open_store
from opsctl.backup.engines.contract import DatabaseEngine, Found, Target, decrypt, encrypt
from opsctl.backup.engines.postgresql import PostgreSQL
from opsctl.backup.engines.postgresql_dump import PostgreSQLDump
from opsctl.backup.exchange import Order
from opsctl.backup.naming import Place
from opsctl.backup.stores import StoreGiver
from opsctl.backup.uploads import Sizes, Uploads
from opsctl.core.secret import Secret
from opsctl.profiles.hosted import DirectoryStore
from tests.unit.backup.local_host import local_program

PORT = os.environ.get("OPSCTL_BENCHMARK_PORT", "5544")
PLACE = Place("benchmark", "ready", "20260101T000000Z-abcdef")
ROWS_PER_MEGABYTE = 9_500
PART_BYTES = 16 << 20


@dataclass(frozen=True)
class Bench:
    """A scratch cluster with data, an age key, and pgBackRest's settings."""

    folder: Path
    bin: Path
    data: Path
    key: Secret
    recipient: str

    def as_postgres(self, *argv: str, text: str = "", **more: str) -> str:
        """Run as postgres; fails loudly."""
        done = subprocess.run(["runuser", "-u", "postgres", "--", "env", *(f"{k}={v}" for k, v in more.items()), *argv],
                              input=text, capture_output=True, text=True, check=False, cwd="/")
        if done.returncode:
            raise SystemExit(f"{argv[0]} ended with {done.returncode}: {done.stderr[-800:]}{done.stdout[-400:]}")
        return done.stdout

    def sql(self, text: str) -> str:
        """Run statements; returns rows as unaligned text."""
        return self.as_postgres("psql", "-XAtqp", PORT, "-d", "postgres", text=text).strip()

    def stop(self, data: Path | None = None) -> None:
        """End the cluster, or the one restored into `data`."""
        self.as_postgres(str(self.bin / "pg_ctl"), "-D", str(data or self.data), "-m", "immediate", "stop")

    def directory_store(self) -> ObjectStore:
        """A store that is a directory beside the cluster."""
        return open_store(DirectoryStore(kind="directory", path=str(self.folder / "store")))


def made(folder: Path, megabytes: int, repository: str = "") -> Bench:
    """A running cluster with readings and meters of about so many megabytes.

    repository: pgBackRest's settings of its repository; a directory beside the cluster when there are none.
    """
    folder.chmod(0o755)
    programs = max(Path("/usr/lib/postgresql").iterdir(), key=lambda path: int(path.name)) / "bin"
    identity = subprocess.run(["age-keygen"], capture_output=True, text=True, check=True).stdout
    bench = Bench(folder, programs, folder / "data", Secret(identity.splitlines()[-1]),
                  identity.split("public key: ")[1].split()[0])
    for name in ("data", "repo", "dump", "work"):
        (folder / name).mkdir()
        shutil.chown(folder / name, "postgres")
    (folder / "store").mkdir(mode=0o700)
    bench.as_postgres(str(programs / "initdb"), "-D", str(bench.data), "-A", "peer", "--no-sync")
    (bench.data / "postgresql.auto.conf").write_text(
        f"port={PORT}\nlisten_addresses=''\nunix_socket_directories='/var/run/postgresql'\nshared_buffers='512MB'\n"
        f"wal_level=replica\nmax_wal_size='4GB'\narchive_mode=on\n"
        f"archive_command='pgbackrest --config={folder}/pgbackrest.conf --stanza=main archive-push %p'\n")
    (folder / "pgbackrest.conf").write_text(
        f"[global]\n{repository or f'repo1-path={folder}/repo'}\nrepo1-cipher-type=aes-256-cbc\n"
        f"repo1-cipher-pass=benchmark\ncompress-type=zst\ncompress-level=1\nprocess-max=2\nstart-fast=y\n"
        f"log-level-console=error\nlog-path={folder}/work\nlock-path={folder}/work\nspool-path={folder}/work\n"
        f"repo1-retention-full=99\n"
        f"[main]\npg1-path={bench.data}\npg1-port={PORT}\npg1-socket-path=/var/run/postgresql\n")
    Path("/var/run/postgresql").mkdir(exist_ok=True)
    shutil.chown("/var/run/postgresql", "postgres")
    bench.as_postgres(str(programs / "pg_ctl"), "-D", str(bench.data), "-w", "-l", f"{folder}/work/log", "start")
    try:
        _filled(bench, megabytes)
    except BaseException:
        bench.stop()
        raise
    return bench


def _filled(bench: Bench, megabytes: int) -> None:
    bench.as_postgres("pgbackrest", f"--config={bench.folder}/pgbackrest.conf", "--stanza=main", "stanza-create")
    bench.sql("create table meters as select n as id, md5(n::text) as serial from generate_series(1, 20000) n;\n"
              "create table readings as select n as id, n % 20000 as meter, now() - n * interval '1 minute' as at, "
              "(random() * 1000)::numeric(10,3) as value from "
              f"generate_series(1, {megabytes * ROWS_PER_MEGABYTE}) n;\n"
              "alter table readings add primary key (id);\nvacuum analyze;\ncheckpoint;\n")
    drained(bench)


def drained(bench: Bench) -> None:
    """Wait until all log that was written is archived: otherwise that goes on while the next tool is measured."""
    bench.sql("select pg_switch_wal();")
    until = time.monotonic() + 600
    while any((bench.data / "pg_wal" / "archive_status").glob("*.ready")):
        if time.monotonic() > until:
            raise SystemExit("pgBackRest did not archive what was written")
        time.sleep(0.2)


def opsctl_stream(bench: Bench, store: ObjectStore, ca: str = "") -> None:
    """The host program with the PostgreSQL engine, into an empty store. ca: PEM text of the store's authority."""
    opsctl_into(store, PostgreSQL(), _found(bench), bench.recipient, ca)


def opsctl_dump(bench: Bench, store: ObjectStore, ca: str = "") -> None:
    """The host program with the logical engine, into an empty store: it counts every row in the dump's snapshot."""
    opsctl_into(store, PostgreSQLDump(), _found(bench, database="postgres"), bench.recipient, ca)


def opsctl_into(store: ObjectStore, engine: DatabaseEngine, found: Found, recipient: str, ca: str) -> None:
    """One stream of any engine into an empty store, up to the engine's own word that it is whole."""
    with local_program() as (program, _), Uploads(store, PLACE, Sizes()) as uploads:
        with engine.consistent(program, found) as held:
            stages = (*engine.source(program, held), encrypt([recipient], engine.owner))
            data = program.stream(Order("data", stages, store.signs, ca=ca), uploads).require("the stream")
            engine.conclude(program, held, data)
        uploads.complete()
        uploads.publish(b"{}")
        program.end()


def _found(bench: Bench, **more: str) -> Found:
    return Found("15", 0, None, {}, {"major": bench.bin.parent.name, "port": PORT, **more})


def emptied(store: ObjectStore) -> ObjectStore:
    """The store, with nothing in it."""
    for entry in store.list("").objects:
        store.delete(entry.key)
    return store


def parts_of(store: ObjectStore) -> list[dict[str, object]]:
    """The parts as a manifest would name them, with their hashes. For `opsctl_restore`, outside the measured time."""
    return [{"key": entry.key, "offset": offset, "size": size,
             "sha256": hashlib.sha256(store.get(entry.key, offset, size)).hexdigest()}
            for entry in store.list(PLACE.prefix).objects if entry.key.endswith(".age")
            for offset in range(0, entry.size, PART_BYTES) for size in (min(PART_BYTES, entry.size - offset),)]


def opsctl_restore(bench: Bench, store: ObjectStore, parts: list[dict[str, object]], target: Path, ca: str = ""
                   ) -> None:
    """Parts through the host program into a data directory."""
    engine = PostgreSQL()
    with local_program() as (program, _):
        stages = (decrypt(), *engine.unpack(Target(str(target), 5545), None))  # type: ignore[arg-type]
        program.receive(Order("data", stages, store.signs, parts=parts, identity=bench.key, ca=ca),
                        StoreGiver(store)).require("the restore")
        program.end()
