# ruff: noqa: S105, T201 (a scratch store with a throw-away password; what it prints is the result)
"""PostgreSQL backups by opsctl, pgBackRest, restic, pg_dump and a bare pipeline, side by side into one S3 server.

    apt-get install postgresql pgbackrest restic age zstd
    .venv/bin/python -m benchmarks.backup [--megabytes 500] [--rounds 5] [--compress lz4+bundle,zst+bundle]

As root. Makes a scratch cluster below /var/tmp and an S3 server (rclone, TLS, its objects in memory below /dev/shm),
and removes both. Each round takes every tool once, in turn, and restores to a server that answers; medians are
compared. All write compressed and encrypted (pg_dump: not encrypted). CPU is the whole machine's, the database
server's included, without the store's; memory that of the tool's largest process.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from benchmarks.measuring import Figure, measured, served_by, table
from benchmarks.scratch import PORT, Bench, drained, emptied, made, opsctl_dump, opsctl_restore, opsctl_stream, parts_of
from opsctl.adapters.objects import ObjectStore, open_store
from tests.contracts.s3_servers import ACCESS, SECRET, running_rclone
from tests.unit.backup.s3_server import S3Server

PASSWORD = "benchmark"
OWN = "opsctl (physical)"


@dataclass
class Site:
    """The cluster, the S3 server with its process and its folder, and opsctl's stores there.

    parts: of opsctl's newest backup. mark: the name of restic's newest repository.
    """

    bench: Bench
    server: S3Server
    process: int
    served: Path
    store: ObjectStore
    dumps: ObjectStore
    ca: str
    parts: list[dict[str, object]] = field(default_factory=list)
    mark: int = 0

    def script(self, text: str) -> None:
        """A pipeline with restic's and rclone's way to the server in its environment; root, so that it may log in as
        postgres."""
        import subprocess

        environment = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": str(self.bench.folder / "work"),
            "AWS_ACCESS_KEY_ID": ACCESS, "AWS_SECRET_ACCESS_KEY": SECRET, "RESTIC_PASSWORD": PASSWORD,
            "RCLONE_CONFIG_S3_TYPE": "s3", "RCLONE_CONFIG_S3_PROVIDER": "Rclone", "RCLONE_CONFIG_S3_ENV_AUTH": "true",
            "RCLONE_CONFIG_S3_ENDPOINT": self.server.endpoint, "RCLONE_CA_CERT": str(self.server.ca_file)}
        done = subprocess.run(["bash", "-o", "pipefail", "-c", text], env=environment, capture_output=True, text=True,
                              check=False, cwd="/")
        if done.returncode:
            raise SystemExit(f"{text} ended with {done.returncode}: {done.stderr[-800:]}")


@dataclass(frozen=True)
class Tool:
    """One way to back up. folder: its bucket. prepare: what is done before, without being measured."""

    folder: str
    act: Callable[[Site], None]
    prepare: Callable[[Site], None] = lambda site: None


def opsctl_store(site: Site) -> None:
    """An empty one."""
    emptied(site.store)


def opsctl(site: Site) -> None:
    """The host program: `pg_basebackup` with zstd by the server, age, signed parts."""
    opsctl_stream(site.bench, site.store, site.ca)


def pgbackrest(how: str) -> Tool:
    """A full backup: two processes, AES. how: the compression, with `+bundle` small files in one object."""
    compress, _, bundle = how.partition("+")

    def act(site: Site) -> None:
        site.bench.as_postgres("pgbackrest", f"--config={site.bench.folder}/pgbackrest.conf", "--stanza=main",
                               f"--compress-type={compress}", "--compress-level=1",
                               "--repo1-bundle" if bundle else "--no-repo1-bundle", "--type=full", "backup")
    return Tool("pgbackrest", act)


def _restic(site: Site) -> str:
    return f"restic -q --cacert {site.server.ca_file} -r s3:{site.server.endpoint}/restic/{site.mark}"


def restic_repository(site: Site) -> None:
    """A fresh one."""
    site.mark = time.time_ns()
    site.script(f"{_restic(site)} init")


def restic(site: Site) -> None:
    """pg_dump, uncompressed: restic compresses, encrypts and knows what it has."""
    site.script(f"runuser -u postgres -- pg_dump -p {PORT} -Fc -Z0 postgres | {_restic(site)} backup --stdin")


def logical_store(site: Site) -> None:
    """An empty one."""
    emptied(site.dumps)


def logical(site: Site) -> None:
    """opsctl's `method: logical`."""
    opsctl_dump(site.bench, site.dumps, site.ca)


def bare(site: Site) -> None:
    """What a script would do for the same: it counts nothing, and who checks its exit codes?"""
    site.script(f"runuser -u postgres -- pg_dump -p {PORT} -Fc -Z0 postgres | zstd -q -1 | "
                f"age -r {site.bench.recipient} | rclone rcat --s3-chunk-size 16M S3:bare/bare")


def pg_dump(site: Site) -> None:
    """The plain dump that most sites have: custom format with its own compression, sent by rclone, not encrypted."""
    site.script(f"runuser -u postgres -- pg_dump -p {PORT} -Fc postgres | rclone rcat --s3-chunk-size 16M S3:dump/dump")


def opsctl_back(site: Site, target: Path) -> None:
    """Signed parts through the host program into a data directory."""
    opsctl_restore(site.bench, site.store, site.parts, target, site.ca)


def pgbackrest_back(site: Site, target: Path) -> None:
    """The newest full backup into a data directory."""
    site.bench.as_postgres("pgbackrest", f"--config={site.bench.folder}/pgbackrest.conf", "--stanza=main",
                           f"--pg1-path={target}", "--archive-mode=off", "--type=immediate", "restore")


def taken(site: Site, tool: Tool) -> Figure:
    """One backup; its bytes are those of what the tool made last."""
    tool.prepare(site)
    drained(site.bench)
    found = measured(lambda: tool.act(site), site.process)
    whole = site.served / tool.folder
    latest = max((*whole.glob("backup/main/*F"), *whole.glob("[0-9]" * 19)), default=whole)
    return replace(found, stored=sum(path.stat().st_size for path in latest.rglob("*") if path.is_file()) / 1e6)


def restored(site: Site, act: Callable[[Site, Path], None]) -> Figure:
    """Restore and start a server that answers."""
    bench, target = site.bench, site.bench.folder / "restored"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(mode=0o700)
    shutil.chown(target, "postgres")

    def whole() -> None:
        act(site, target)
        bench.as_postgres(str(bench.bin / "pg_ctl"), "-D", str(target), "-w", "-l", f"{bench.folder}/work/restored",
                          "-o", "-p 5545 -c archive_mode=off", "start")

    try:
        return measured(whole, site.process)
    finally:
        bench.stop(target)


def rounds(site: Site, count: int, compress: Sequence[str], without: Sequence[str]) -> None:
    """Every tool once in each round, but those in `without`; prints two tables."""
    tools = {OWN: Tool("opsctl", opsctl, opsctl_store),
             **{f"pgBackRest, 2 processes, {how}": pgbackrest(how) for how in compress},
             "opsctl (logical)": Tool("logical", logical, logical_store),
             "pg_dump, zstd, age, rclone": Tool("bare", bare),
             "restic over pg_dump": Tool("restic", restic, restic_repository), "pg_dump -Fc": Tool("dump", pg_dump)}
    tools = {name: tool for name, tool in tools.items() if tool.folder not in without}
    backs = {OWN: opsctl_back, f"pgBackRest, 2 processes, {compress[-1]}": pgbackrest_back}
    out: dict[str, list[Figure]] = {name: [] for name in tools}
    back: dict[str, list[Figure]] = {name: [] for name in backs}
    for _ in range(count):
        for name, tool in tools.items():
            out[name].append(taken(site, tool))
        site.parts = parts_of(site.store)
        for name, again in backs.items():
            back[name].append(restored(site, again))
    print(table("Backup", out), table("Restore to a running server", back), sep="\n\n")
    for name, figures in (*out.items(), *((f"{name}, restore", found) for name, found in back.items())):
        print(f"{name}: {', '.join(f'{one.wall:.2f}' for one in figures)}")


def repository(server: S3Server) -> str:
    """pgBackRest's settings for the server; it knows names in certificates, no addresses."""
    port = server.endpoint.rpartition(":")[2]
    return (f"repo1-type=s3\nrepo1-path=/\nrepo1-s3-bucket=pgbackrest\nrepo1-s3-endpoint=localhost\n"
            f"repo1-storage-port={port}\nrepo1-storage-ca-file={server.ca_file}\nrepo1-s3-region=us-east-1\n"
            f"repo1-s3-uri-style=path\nrepo1-s3-key={ACCESS}\nrepo1-s3-key-secret={SECRET}")


def require_programs(without: Sequence[str]) -> None:
    """SystemExit that names the Debian packages of the programs that are not there."""
    needed = {"pgbackrest": "pgbackrest", "rclone": "rclone", "age": "age", "zstd": "zstd", "runuser": "util-linux",
              **({} if "restic" in without else {"restic": "restic"})}
    missing = sorted(package for program, package in needed.items() if shutil.which(program) is None)
    if not any(Path("/usr/lib/postgresql").glob("*/bin/initdb")):
        missing.append("postgresql")
    if missing:
        raise SystemExit(f"install what is measured first: apt-get install -y {' '.join(missing)}")


def main() -> None:
    """Make the data and the server, run the rounds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=500, choices=range(20, 20_001), metavar="20..20000")
    parser.add_argument("--rounds", type=int, default=5, choices=range(1, 21), metavar="1..20")
    parser.add_argument("--compress", default="zst+bundle",
                        help="pgBackRest's ways, with commas: zst, lz4, each with +bundle; the last is restored")
    parser.add_argument("--without", default="", help="buckets of the tools to leave out, such as restic,dump")
    given = parser.parse_args()
    require_programs(given.without.split(","))
    folder = Path(tempfile.mkdtemp(prefix="opsctl-benchmark-", dir="/var/tmp"))
    objects = Path(tempfile.mkdtemp(prefix="opsctl-benchmark-", dir="/dev/shm"))
    objects.chmod(0o755)
    try:
        with running_rclone(objects) as server:
            served = objects / "served"
            for name in ("opsctl", "logical", "bare", "pgbackrest", "restic", "dump"):
                (served / name).mkdir()
            bench = made(folder, given.megabytes, repository(server))
            try:
                size = bench.sql("select pg_size_pretty(sum(pg_database_size(oid))) from pg_database;")
                print(f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores, {platform.platform()}, PostgreSQL "
                      f"{bench.bin.parent.name}, {size}, {given.rounds} rounds\n", flush=True)
                site = Site(bench, server, served_by(objects), served, open_store(server.store("opsctl")),
                            open_store(server.store("logical")), server.ca_file.read_text())
                rounds(site, given.rounds, given.compress.split(","), given.without.split(","))
            finally:
                bench.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(objects, ignore_errors=True)


if __name__ == "__main__":
    main()
