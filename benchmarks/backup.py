# ruff: noqa: S106, S608, T201 (a scratch cluster with a throw-away password; what it prints is the result)
"""A PostgreSQL backup by opsctl's stream, pgBackRest, restic and pg_dump, side by side on the same data and disk.

    apt-get install postgresql pgbackrest restic age zstd
    .venv/bin/python -m benchmarks.backup [--megabytes 500] [--rounds 5]

As root. Makes a scratch cluster below /var/tmp and removes it. Each round takes every tool once, in turn; medians are
compared. All write compressed and encrypted (pg_dump: neither encrypted) to a directory of the same disk. CPU is that
of the whole machine, the database server's included; memory that of the tool's largest process.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from opsctl.adapters.objects import ObjectStore, open_store
from opsctl.backup.engines.contract import Found, Target, decrypt, encrypt
from opsctl.backup.engines.postgresql import PostgreSQL
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


@dataclass
class Figure:
    """One run: seconds of wall time and of CPU, megabytes stored, megabytes of memory."""

    wall: float
    cpu: float
    stored: float
    memory: float


@dataclass(frozen=True)
class Bench:
    """A scratch cluster with data, an age key, and pgBackRest's and restic's settings."""

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


def made(folder: Path, megabytes: int) -> Bench:
    """A running cluster with readings and meters of about so many megabytes."""
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
        f"[global]\nrepo1-path={folder}/repo\nrepo1-cipher-type=aes-256-cbc\nrepo1-cipher-pass=benchmark\n"
        f"compress-type=zst\ncompress-level=1\nprocess-max=2\nstart-fast=y\nlog-level-console=error\n"
        f"log-path={folder}/work\nlock-path={folder}/work\nspool-path={folder}/work\nrepo1-retention-full=2\n"
        f"[main]\npg1-path={bench.data}\npg1-port={PORT}\npg1-socket-path=/var/run/postgresql\n")
    Path("/var/run/postgresql").mkdir(exist_ok=True)
    shutil.chown("/var/run/postgresql", "postgres")
    bench.as_postgres(str(programs / "pg_ctl"), "-D", str(bench.data), "-w", "-l", f"{folder}/work/log", "start")
    bench.as_postgres("psql", "-X", "-q", "-p", PORT, "-d", "postgres", text=(
        "create table meters as select n as id, md5(n::text) as serial from generate_series(1, 20000) n;\n"
        "create table readings as select n as id, n % 20000 as meter, now() - n * interval '1 minute' as at, "
        f"(random() * 1000)::numeric(10,3) as value from generate_series(1, {megabytes * ROWS_PER_MEGABYTE}) n;\n"
        "alter table readings add primary key (id);\nvacuum analyze;\ncheckpoint;\n"))
    bench.as_postgres("pgbackrest", f"--config={folder}/pgbackrest.conf", "--stanza=main", "stanza-create")
    bench.as_postgres("restic", "-q", "-r", f"{folder}/dump/restic", "init", RESTIC_PASSWORD="benchmark",
                      HOME=f"{folder}/work")
    return bench


def opsctl_stream(bench: Bench) -> None:
    """The host program with the PostgreSQL engine, into a directory store."""
    store = _store(bench)
    for entry in store.list("").objects:
        store.delete(entry.key)
    found = Found("15", 0, None, {}, {"major": bench.bin.parent.name, "port": PORT})
    engine = PostgreSQL()
    with local_program() as (program, _), Uploads(store, PLACE, Sizes()) as uploads:
        with engine.consistent(program, found) as held:
            stages = (*engine.source(program, held), encrypt([bench.recipient], "postgres"))
            program.stream(Order("data", stages, store.signs), uploads).require("the stream")
        uploads.complete()
        uploads.publish(b"{}")
        program.end()


def opsctl_restore(bench: Bench, target: Path) -> None:
    """Parts through the host program into a data directory."""
    store = _store(bench)
    parts = []
    import hashlib
    for entry in store.list(PLACE.prefix).objects:
        for offset in range(0, entry.size if entry.key.endswith(".age") else 0, 16 << 20):
            size = min(16 << 20, entry.size - offset)
            parts.append({"key": entry.key, "offset": offset, "size": size,
                          "sha256": hashlib.sha256(store.get(entry.key, offset, size)).hexdigest()})
    engine = PostgreSQL()
    with local_program() as (program, _):
        stages = (decrypt(), *engine.unpack(Target(str(target), 5545), None))  # type: ignore[arg-type]
        program.receive(Order("data", stages, store.signs, parts=parts, identity=bench.key),
                        StoreGiver(store)).require("the restore")
        program.end()


def _store(bench: Bench) -> ObjectStore:
    return open_store(DirectoryStore(kind="directory", path=str(bench.folder / "store")))


def pgbackrest(bench: Bench) -> None:
    """A full backup: two processes, zstd 1, AES."""
    bench.as_postgres("pgbackrest", f"--config={bench.folder}/pgbackrest.conf", "--stanza=main", "--type=full",
                      "backup")


def pgbackrest_restore(bench: Bench, target: Path) -> None:
    """The newest full backup into a data directory."""
    bench.as_postgres("pgbackrest", f"--config={bench.folder}/pgbackrest.conf", "--stanza=main",
                      f"--pg1-path={target}", "--archive-mode=off", "--type=immediate", "restore")


def restic(bench: Bench) -> None:
    """pg_dump, uncompressed, into a fresh repository: restic compresses, encrypts and knows what it has."""
    shutil.rmtree(bench.folder / "dump" / "restic")
    script = (f"restic -q -r {bench.folder}/dump/restic init; set -o pipefail; "
              f"pg_dump -p {PORT} -Fc -Z0 postgres | restic -q -r {bench.folder}/dump/restic backup --stdin")
    bench.as_postgres("bash", "-c", script, RESTIC_PASSWORD="benchmark", HOME=f"{bench.folder}/work")


def pg_dump(bench: Bench) -> None:
    """The plain dump that most sites have: custom format with its own compression, no encryption."""
    bench.as_postgres("bash", "-c", f"pg_dump -p {PORT} -Fc postgres > {bench.folder}/work/dump")


TOOLS: dict[str, tuple[Callable[[Bench], None], str]] = {
    "opsctl (physical)": (opsctl_stream, "store"), "pgBackRest 2 processes": (pgbackrest, "repo/backup"),
    "restic over pg_dump": (restic, "dump/restic"), "pg_dump -Fc": (pg_dump, "work/dump")}
RESTORES: dict[str, Callable[[Bench, Path], None]] = {
    "opsctl (physical)": opsctl_restore, "pgBackRest 2 processes": pgbackrest_restore}


def machine_cpu() -> float:
    """Seconds of CPU that the whole machine has used."""
    ticks = [int(word) for word in Path("/proc/stat").read_text().splitlines()[0].split()[1:8]]
    return (sum(ticks) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK")


@contextmanager
def largest(out: list[float]) -> Iterator[None]:
    """The peak memory of the largest descendant of this process meanwhile, by sampling; appended in megabytes."""
    import threading

    peak, stop = [0.0], threading.Event()

    def watch() -> None:
        while not stop.wait(0.1):
            peak[0] = max([peak[0], *descendants_peaks()])

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        stop.set()
        watcher.join()
        out.append(peak[0])


def descendants_peaks() -> Iterator[float]:
    """Peak memory in megabytes of every process that this one started, directly or not; the server is not among them.
    """
    found: dict[int, tuple[int, float]] = {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            text = (path / "status").read_text()
        except OSError:
            continue
        if "VmHWM:" in text:
            found[int(path.name)] = (int(text.split("PPid:")[1].split()[0]),
                                     int(text.split("VmHWM:")[1].split()[0]) / 1024)
    for number, (parent, peak) in found.items():
        above = parent
        while above in found and above != os.getpid():
            above = found[above][0]
        if above == os.getpid() and number != os.getpid():
            yield peak


def measured(act: Callable[[], None], stored: Path | None) -> Figure:
    """Run it once."""
    memory: list[float] = []
    with largest(memory):
        begun, cpu = time.monotonic(), machine_cpu()
        act()
        wall, cpu = time.monotonic() - begun, machine_cpu() - cpu
    size = 0.0
    if stored is not None:
        latest = max(stored.glob("main/*F"), default=stored) if stored.name == "backup" else stored
        files = [latest] if latest.is_file() else [path for path in latest.rglob("*") if path.is_file()]
        size = sum(path.stat().st_size for path in files) / 1e6
    return Figure(wall, cpu, size, memory[0])


def restored(bench: Bench, name: str) -> Figure:
    """Restore and start a server that answers."""
    target = bench.folder / "restored"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(mode=0o700)
    shutil.chown(target, "postgres")

    def act() -> None:
        RESTORES[name](bench, target)
        bench.as_postgres(str(bench.bin / "pg_ctl"), "-D", str(target), "-w", "-l", f"{bench.folder}/work/restored",
                          "-o", "-p 5545 -c archive_mode=off", "start")

    try:
        return measured(act, None)
    finally:
        bench.as_postgres(str(bench.bin / "pg_ctl"), "-D", str(target), "-m", "immediate", "stop")


def table(title: str, figures: dict[str, list[Figure]]) -> None:
    """Medians, and the wall time as a ratio to opsctl's."""
    own = statistics.median(figure.wall for figure in figures["opsctl (physical)"])
    print(f"\n{title}\n\n| tool | wall s | of opsctl's | CPU s | stored MB | memory MB |\n|---|---|---|---|---|---|")
    for name, runs in figures.items():
        wall, cpu, stored, memory = (statistics.median(getattr(run, field) for run in runs)
                                     for field in ("wall", "cpu", "stored", "memory"))
        print(f"| {name} | {wall:.1f} | {wall / own:.2f} | {cpu:.1f} | {stored:.0f} | {memory:.0f} |")


def main() -> None:
    """Make the data, run the rounds, print two tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=500, choices=range(20, 20_001), metavar="20..20000")
    parser.add_argument("--rounds", type=int, default=5, choices=range(1, 21), metavar="1..20")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="opsctl-benchmark-", dir="/var/tmp"))
    try:
        bench = made(folder, given.megabytes)
        try:
            size = bench.as_postgres("psql", "-XAtqp", PORT, "-d", "postgres", text=(
                "select pg_size_pretty(sum(pg_database_size(oid))) from pg_database;")).strip()
            print(f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores, {platform.platform()}, PostgreSQL "
                  f"{bench.bin.parent.name}, {size}, {given.rounds} rounds")
            taken: dict[str, list[Figure]] = {name: [] for name in TOOLS}
            back: dict[str, list[Figure]] = {name: [] for name in RESTORES}
            for _ in range(given.rounds):
                for name, (act, stored) in TOOLS.items():
                    taken[name].append(measured(lambda act=act: act(bench), bench.folder / stored))  # type: ignore[misc]
                for name in RESTORES:
                    back[name].append(restored(bench, name))
            table("Backup", taken)
            table("Restore to a running server", back)
        finally:
            bench.as_postgres(str(bench.bin / "pg_ctl"), "-D", str(bench.data), "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
