# ruff: noqa: T201, S608 (a scratch server with made-up data; what it prints is the result)
"""MariaDB backups by opsctl and by the pipeline that a script would have, side by side into one S3 server.

    apt-get install mariadb-server mariadb-backup rclone age zstd
    .venv/bin/python -m benchmarks.mariadb [--megabytes 200] [--rounds 5]

As root, where no other MariaDB runs: opsctl speaks to the server at Debian's own socket. Makes a scratch server below
/var/tmp and an S3 server (rclone, TLS, its objects in memory below /dev/shm), and removes both. All write zstd -1 and
age. The bare pipelines check nothing of what they wrote; opsctl counts its rows (logical), reads the tool's report,
looks at the server first, and takes the hash of each part.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from benchmarks.measuring import Figure, measured, served_by, table
from benchmarks.scratch import emptied, opsctl_into, parts_of
from opsctl.adapters.objects import ObjectStore, open_store
from opsctl.backup.engines import mariadb_commands as commands
from opsctl.backup.engines.contract import DatabaseEngine, Target, decrypt
from opsctl.backup.engines.mariadb import MariaDB
from opsctl.backup.engines.mariadb_dump import MariaDBDump
from opsctl.backup.exchange import Order
from opsctl.backup.stores import StoreGiver
from opsctl.core.secret import Secret
from opsctl.profiles.hosted import Database, Engine
from tests.contracts.s3_servers import ACCESS, SECRET, running_rclone
from tests.unit.backup.local_host import local_program
from tests.unit.backup.s3_server import S3Server

ROWS_PER_MEGABYTE = 21_000
PORT = 5546
SOCKET = Path("/run/mysqld/mysqld.sock")
DATABASE = Database(name="ready", host="here", engine=Engine.MARIADB)


@dataclass
class Site:
    """The scratch server's folder, the S3 server with its process and folder, and the age key."""

    folder: Path
    server: S3Server
    process: int
    served: Path
    identity: Secret
    recipient: str
    parts: list[dict[str, object]] = field(default_factory=list)

    @property
    def key(self) -> Path:
        """The identity as a file, for the pipelines."""
        return self.folder / "key"

    def store(self, bucket: str) -> ObjectStore:
        """opsctl's way to a bucket."""
        return open_store(self.server.store(bucket))

    def script(self, text: str) -> None:
        """A pipeline as root; SystemExit when a stage of it fails."""
        environment = {
            "PATH": os.environ["PATH"], "HOME": str(self.folder), "AWS_ACCESS_KEY_ID": ACCESS,
            "AWS_SECRET_ACCESS_KEY": SECRET, "RCLONE_CONFIG_S3_TYPE": "s3", "RCLONE_CONFIG_S3_PROVIDER": "Rclone",
            "RCLONE_CONFIG_S3_ENV_AUTH": "true", "RCLONE_CONFIG_S3_ENDPOINT": self.server.endpoint,
            "RCLONE_CA_CERT": str(self.server.ca_file)}
        run(["bash", "-o", "pipefail", "-c", text], environment=environment)


def run(argv: list[str], text: str = "", environment: dict[str, str] | None = None) -> None:
    """Run to the end; SystemExit with its last words when it fails."""
    done = subprocess.run(argv, input=text, env=environment, capture_output=True, text=True, check=False, cwd="/")
    if done.returncode:
        raise SystemExit(f"{argv[0]} ended with {done.returncode}: {done.stderr[-800:]}")


def opsctl(engine: DatabaseEngine, bucket: str) -> Callable[[Site], None]:
    """The host program with the engine, into an empty store."""
    def act(site: Site) -> None:
        with local_program() as (program, _):
            found = engine.inspect(program, DATABASE)
        opsctl_into(emptied(site.store(bucket)), engine, found, site.recipient, site.server.ca_file.read_text())
    return act


def bare(source: str, bucket: str) -> Callable[[Site], None]:
    """The pipeline."""
    def act(site: Site) -> None:
        work = site.folder / "work"
        shutil.rmtree(work, ignore_errors=True)
        site.script(f"{source.format(work=work)} | zstd -q -1 | age -r {site.recipient} | "
                    f"rclone rcat --s3-chunk-size 16M S3:{bucket}/bare")
    return act


def opsctl_back(site: Site, target: Target) -> None:
    """Signed parts through the host program into a data directory, and the log applied."""
    engine = MariaDB()
    with local_program() as (program, _):
        stages = (decrypt(), *engine.unpack(target, None))  # type: ignore[arg-type]
        store = site.store("opsctl")
        program.receive(Order("data", stages, store.signs, parts=site.parts, identity=site.identity,
                              ca=site.server.ca_file.read_text()), StoreGiver(store)).require("the restore")
        engine.prepare(program, target)
        program.end()


def bare_back(site: Site, target: Target) -> None:
    """The pipeline the other way, and the log applied."""
    site.script(f"rclone cat S3:bare/bare | age -d -i {site.key} | zstd -q -d | runuser -u mysql -- mbstream -x -C "
                f"{target.directory} && runuser -u mysql -- mariadb-backup --prepare --target-dir={target.directory}")


def restored(site: Site, act: Callable[[Site, Target], None], rows: int) -> Figure:
    """Restore and start a server that answers; SystemExit when readings are missing or a table is damaged."""
    target = Target(str(site.folder / "restored"), PORT)
    shutil.rmtree(target.directory, ignore_errors=True)
    Path(target.directory).mkdir(mode=0o700)
    shutil.chown(target.directory, "mysql", "mysql")
    socket = commands.socket(target.directory)

    def whole() -> None:
        act(site, target)
        serving(commands.server(target.directory, PORT), socket)

    try:
        found = measured(whole, site.process)
        with local_program() as (program, _):
            tried = MariaDB().try_out(program, target, None)  # type: ignore[arg-type]
        if tried.rows.get("ready.readings") != rows:
            raise SystemExit(f"restored were {tried.rows}, of readings there are {rows}")
        return found
    finally:
        stopped(socket)


def serving(argv: tuple[str, ...], socket: str) -> None:
    """A server as mysql, that answers; no child of this process, so that its memory does not count."""
    subprocess.run(["runuser", "-u", "mysql", "--", "setsid", "--fork", *argv], stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    until = time.monotonic() + 120
    while subprocess.run([*commands.client(socket)], input=b"select 1;", capture_output=True, check=False).returncode:
        if time.monotonic() > until:
            raise SystemExit(f"{argv[0]} does not answer")
        time.sleep(0.05)


def stopped(socket: str) -> None:
    """End the server there, if one runs."""
    if Path(socket).exists():
        run(["mariadb-admin", "--no-defaults", f"--socket={socket}", "shutdown"])


@contextmanager
def filled(folder: Path, megabytes: int) -> Iterator[None]:
    """The scratch server at Debian's socket, with readings and meters of about so many megabytes."""
    folder.chmod(0o755)
    data = folder / "data"
    data.mkdir()
    shutil.chown(data, "mysql", "mysql")
    SOCKET.parent.mkdir(exist_ok=True)
    shutil.chown(SOCKET.parent, "mysql", "mysql")
    run(["mariadb-install-db", "--no-defaults", f"--datadir={data}", "--user=mysql", "--skip-test-db",
         "--auth-root-authentication-method=socket"])
    serving(("/usr/sbin/mariadbd", "--no-defaults", f"--datadir={data}", f"--socket={SOCKET}",
             "--skip-networking", f"--pid-file={data}/pid", "--innodb-buffer-pool-size=512M",
             "--innodb-log-file-size=512M"), str(SOCKET))
    try:
        run([*commands.client()], "create database ready; use ready;\n"
            "create table meters (id int primary key, serial char(32)) select seq as id, md5(seq) as serial "
            "from seq_1_to_20000;\ncreate table readings (id int primary key, meter int, at datetime, value "
            "decimal(10,3)) select seq as id, seq % 20000 as meter, now() - interval seq minute as at, "
            f"round(rand() * 1000, 3) as value from seq_1_to_{megabytes * ROWS_PER_MEGABYTE};\n")
        yield
    finally:
        stopped(str(SOCKET))


def rounds(site: Site, count: int, rows: int) -> None:
    """Every way once in each round; prints two tables and each round's seconds."""
    physical = "mariadb-backup --backup --stream=xbstream --target-dir={work} --user=root"
    ways = {"opsctl (physical)": ("opsctl", opsctl(MariaDB(), "opsctl")),
            "mariadb-backup, zstd, age, rclone": ("bare", bare(physical, "bare")),
            "opsctl (logical)": ("logical", opsctl(MariaDBDump(), "logical")),
            "mariadb-dump, zstd, age, rclone": ("dump", bare(" ".join(commands.dump("ready")), "dump"))}
    backs = {"opsctl (physical)": opsctl_back, "rclone, age, zstd, mbstream": bare_back}
    out: dict[str, list[Figure]] = {name: [] for name in ways}
    back: dict[str, list[Figure]] = {name: [] for name in backs}
    for _ in range(count):
        for name, (bucket, act) in ways.items():
            found = measured(lambda act=act: act(site), site.process)  # type: ignore[misc]
            files = (path for path in (site.served / bucket).rglob("*") if path.is_file())
            out[name].append(replace(found, stored=sum(path.stat().st_size for path in files) / 1e6))
        site.parts = parts_of(site.store("opsctl"))
        for name, again in backs.items():
            back[name].append(restored(site, again, rows))
    logical = {name: figures for name, figures in out.items() if "logical" in name or "dump" in name}
    print(table("Physical", {name: figures for name, figures in out.items() if name not in logical}),
          table("Logical", logical), table("Restore to a running server", back), sep="\n\n")
    for name, figures in (*out.items(), *((f"{name}, restore", found) for name, found in back.items())):
        print(f"{name}: {', '.join(f'{one.wall:.2f}' for one in figures)}")


def main() -> None:
    """Make the data and the servers, run the rounds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=200, choices=range(20, 20_001), metavar="20..20000")
    parser.add_argument("--rounds", type=int, default=5, choices=range(1, 21), metavar="1..20")
    given = parser.parse_args()
    programs = ("mariadbd", "mariadb-backup", "rclone", "age", "zstd")
    missing = [name for name in programs if shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin") is None]
    if missing:
        raise SystemExit(f"{', '.join(missing)} missing: apt-get install mariadb-server mariadb-backup rclone age zstd")
    if SOCKET.exists():
        raise SystemExit(f"{SOCKET} is there: another MariaDB runs; stop it first")
    folder = Path(tempfile.mkdtemp(prefix="opsctl-benchmark-", dir="/var/tmp"))
    objects = Path(tempfile.mkdtemp(prefix="opsctl-benchmark-", dir="/dev/shm"))
    objects.chmod(0o755)
    try:
        identity = subprocess.run(["age-keygen"], capture_output=True, text=True, check=True).stdout
        (folder / "key").touch(mode=0o600)
        (folder / "key").write_text(identity)
        with running_rclone(objects) as server, filled(folder, given.megabytes):
            for name in ("opsctl", "bare", "logical", "dump"):
                (objects / "served" / name).mkdir()
            files = (path for path in (folder / "data").rglob("*") if path.is_file() and "ib_log" not in path.name)
            size = sum(path.stat().st_size for path in files) / 1e6
            print(f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores, {platform.platform()}, {size:.0f} MB, "
                  f"{given.rounds} rounds\n", flush=True)
            print(subprocess.run(["/usr/sbin/mariadbd", "--version"], capture_output=True, text=True,
                                 check=True).stdout)
            rounds(Site(folder, server, served_by(objects), objects / "served", Secret(identity.splitlines()[-1]),
                        identity.split("public key: ")[1].split()[0]),
                   given.rounds, given.megabytes * ROWS_PER_MEGABYTE)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(objects, ignore_errors=True)


if __name__ == "__main__":
    main()
