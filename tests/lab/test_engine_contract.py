# ruff: noqa: S608 (statements of the tests on their own tables)
"""What every logical engine keeps on real servers; the physical ones are in test_backup_roundtrip.py.

PostgreSQL 17 and 15 and MariaDB: committed rows come back without a gap, nothing that exists is touched,
a failed restore leaves no database, and a dump of 15 goes into 17.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from opsctl.adapters.objects import open_store
from opsctl.adapters.ssh import Shell
from opsctl.backup.manifest import Manifest, load
from opsctl.backup.naming import Place
from opsctl.backup.restore import restore
from opsctl.backup.running import run_backup
from opsctl.backup.verify import verify
from opsctl.core.errors import ExitCode
from opsctl.core.outcome import Outcome, Status
from opsctl.profiles.hosted import Engine, Method
from opsctl.profiles.model import KamstrupProfile
from opsctl.runs.workplace import Workplace
from tests.lab.backup_support import DATABASE_HOSTS, identity, query, shell_on, writer
from tests.lab.surroundings import hosted

pytestmark = pytest.mark.lab


@dataclass(frozen=True)
class Dumped:
    """A logical backup that was taken while `table` was written to. before: its rows at the start."""

    customer: str
    profile: KamstrupProfile
    backup_id: str
    table: str
    before: int
    manifest: Manifest


def logical(profile: KamstrupProfile) -> KamstrupProfile:
    """The profile with its database dumped instead of copied."""
    [database] = profile.databases
    return profile.model_copy(update={"databases": (database.model_copy(update={"method": Method.LOGICAL}),)})


@contextmanager
def new_database(shell: Shell, engine: Engine) -> Iterator[str]:
    """A name for a restored database, which is dropped at the end."""
    name = f"restored_{secrets.token_hex(4)}"
    try:
        yield name
    finally:
        query(shell, engine, f"drop database if exists {name};")


def ask(shell: Shell, engine: Engine, database: str, statement: str) -> str:
    """Ask a database of the running server."""
    argv = (["runuser", "-u", "postgres", "--", "psql", "-X", "-A", "-t", "-q", "-d", database]
            if engine is Engine.POSTGRESQL else ["mariadb", "--no-defaults", "-N", "-B", database])
    done = shell.run(argv, stdin=statement.encode(), sudo=True, timeout=60)
    assert done.exit_code == 0, done.stderr.decode()
    return done.text().strip()


def dump_while_written(workplace: Workplace, customer: str) -> Dumped:
    profile = logical(hosted(workplace, customer))
    engine = profile.databases[0].engine
    with shell_on(workplace, profile, DATABASE_HOSTS[customer]) as shell, writer(shell, engine) as table:
        before = int(query(shell, engine, f"select max(n) from {table};"))
        taken = run_backup(workplace, profile)
    assert taken.status is Status.DONE, taken
    [made] = taken.data["backups"]
    place = Place(customer, "ready", made["backup_id"])
    manifest = load(open_store(profile.backup.store).get(place.manifest), "the store")
    return Dumped(customer, profile, made["backup_id"], table, before, manifest)


def give_back(workplace: Workplace, lab: Path, made: Dumped, database: str, host: str = "", **more: str) -> Outcome:
    return restore(workplace, made.profile, made.backup_id, host=host or DATABASE_HOSTS[made.customer],
                   database=database, identity=identity(lab, more.pop("key", made.customer)), **more)  # type: ignore[arg-type]


def whole(shell: Shell, engine: Engine, database: str, made: Dumped) -> bool:
    """Rows 1 to some n without a gap, at least those committed before the start."""
    said = ask(shell, engine, database, f"select min(n), max(n), count(*) from {made.table};")
    first, last, number = (int(word) for word in said.replace("|", "\t").split("\t"))
    return first == 1 and last == number >= made.before


@pytest.mark.parametrize("customer", DATABASE_HOSTS)
def test_a_dump_comes_back_into_a_new_database(workplace: Workplace, lab: Path, customer: str) -> None:
    made = dump_while_written(workplace, customer)
    engine = made.manifest.engine
    assert (made.manifest.method, set(made.manifest.streams)) == (Method.LOGICAL, {"data", "roles"})
    assert verify(workplace, made.profile, made.backup_id).status is Status.DONE
    with shell_on(workplace, made.profile, DATABASE_HOSTS[customer]) as shell, new_database(shell, engine) as name:
        # A wrong key comes to light in the middle: the new database must be gone again.
        other = next(found for found in DATABASE_HOSTS if found != customer)
        failed = give_back(workplace, lab, made, name, key=other)
        assert failed.status is Status.FAILED
        assert "no identity matched" in failed.summary
        back = give_back(workplace, lab, made, name)
        assert back.status is Status.DONE, back
        assert whole(shell, engine, name, made)
        if engine is Engine.POSTGRESQL:
            assert back.data["rows"] == made.manifest.rows
            assert f"public.{made.table}" in back.data["rows"]
        again = give_back(workplace, lab, made, name)
        assert (again.status, "already" in again.summary) == (Status.FAILED, True)
        assert whole(shell, engine, name, made)
    wrong = restore(workplace, made.profile, made.backup_id, host=DATABASE_HOSTS[customer],
                    directory="/var/lib/not-used", identity=identity(lab, customer))
    assert (wrong.code, "--database" in wrong.resolution) == (ExitCode.USAGE, True)


def test_the_events_of_a_copy_do_not_run_beside_the_original(workplace: Workplace, lab: Path) -> None:
    profile = logical(hosted(workplace, "sample-cedervig"))
    engine = profile.databases[0].engine
    with shell_on(workplace, profile, "cedervig-1") as shell, new_database(shell, engine) as name:
        before = query(shell, engine, "select @@global.event_scheduler;").strip()
        try:
            query(shell, engine, "create table beside (who varchar(64)); set global event_scheduler = on; create event "
                                 "beside on schedule every 1 second do insert into ready.beside values (database());")
            taken = run_backup(workplace, profile)
            assert taken.status is Status.DONE, taken
            back = restore(workplace, profile, taken.data["backups"][0]["backup_id"], host="cedervig-1", database=name,
                           identity=identity(lab, profile.customer))
            time.sleep(3)
            assert query(shell, engine, "select distinct who from beside;").split() == ["ready"]
        finally:
            query(shell, engine, f"set global event_scheduler = {before}; drop event if exists beside; "
                                 "drop table if exists beside;")
    assert back.status is Status.DONE, back
    assert back.data["checks"]["events"] == "disabled in the copy, on in the original: beside"
    assert "beside" in back.summary


def test_a_dump_of_15_goes_into_17_and_not_the_other_way(workplace: Workplace, lab: Path) -> None:
    older, newer = hosted(workplace, "sample-birkeby"), hosted(workplace, "sample-aalund")
    made = dump_while_written(workplace, older.customer)
    assert made.manifest.engine_version.startswith("15")
    # The newer host as one more of the older customer's, its key known.
    known = workplace.known_hosts(older.customer)
    known.write_text(known.read_text() + workplace.known_hosts(newer.customer).read_text())
    moved = made.profile.model_copy(update={"hosts": (*made.profile.hosts, newer.host("aalund-1"))})
    made = Dumped(made.customer, moved, made.backup_id, made.table, made.before, made.manifest)
    with shell_on(workplace, moved, "aalund-1") as shell, new_database(shell, Engine.POSTGRESQL) as name:
        back = give_back(workplace, lab, made, name, host="aalund-1")
        assert back.status is Status.DONE, back
        assert back.data["version"].startswith("17")
        assert whole(shell, Engine.POSTGRESQL, name, made)
    # A temporary table of another session cannot be counted, and is no part of a dump.
    with shell_on(workplace, newer, "aalund-1") as shell:
        other = ["runuser", "-u", "postgres", "--", "psql", "-X", "-q", "-d", "ready", "-c",
                 "create temp table passing as select 1 as n", "-c", "select pg_sleep(60)"]
        assert shell.run(["systemd-run", "--quiet", "--collect", "--unit=test-temporary", *other],
                         sudo=True).exit_code == 0
        try:
            until = time.monotonic() + 20
            seen = "select count(*) from pg_class where relname = 'passing';"
            while ask(shell, Engine.POSTGRESQL, "ready", seen) == "0":
                assert time.monotonic() < until
            taken = run_backup(workplace, logical(newer))
        finally:
            shell.stop_unit("test-temporary.service")
    assert taken.status is Status.DONE, taken
    both = logical(newer).model_copy(update={"hosts": (*newer.hosts, older.host("birkeby-db"))})
    known = workplace.known_hosts(newer.customer)
    known.write_text(known.read_text() + workplace.known_hosts(older.customer).read_text())
    back = restore(workplace, both, taken.data["backups"][0]["backup_id"], host="birkeby-db", database="not_made",
                   identity=identity(lab, newer.customer))
    assert (back.status, "newer version" in back.resolution) == (Status.FAILED, True), back
