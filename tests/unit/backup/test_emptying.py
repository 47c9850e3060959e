"""A restore that failed leaves no server and no files, a rehearsal leaves nothing, and what is left is told."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import psycopg
import pytest

from opsctl.adapters.objects import open_store
from opsctl.adapters.ssh import Shell
from opsctl.adapters.ssh_channel import Completed
from opsctl.backup.emptying import undo
from opsctl.backup.engines import postgresql_commands
from opsctl.backup.engines.contract import Target
from opsctl.backup.engines.mariadb import MariaDB
from opsctl.backup.engines.postgresql import PostgreSQL
from opsctl.backup.engines.postgresql_dump import PostgreSQLDump
from opsctl.backup.exchange import Ran
from opsctl.backup.rehearse import rehearse
from opsctl.backup.remote import Started
from opsctl.backup.restore import restore
from opsctl.core.clock import SystemClock
from opsctl.core.errors import OperationFailed
from opsctl.core.outcome import Status
from opsctl.core.secret import Secret
from opsctl.profiles.hosted import DirectoryStore
from tests.unit.backup.made import Bench, bench
from tests.unit.backup.scripted_host import ScriptedHost

PROGRAM, SERVER = "opsctl-restore-sample-aalund-5499", "opsctl-restored-5499"
POSTGRES = "{{ path=/x ; argv[]=/usr/lib/postgresql/17/bin/postgres -D {0} -c data_directory={0} ; }}"
MARIADB = "{{ path=/x ; argv[]=/usr/sbin/mariadbd --defaults-file={0}/backup-my.cnf --datadir={0} ; }}"


class Here(Shell):
    """Files of this machine, and units of the test's: name to what it runs. refuses: the beginning of what fails."""

    def __init__(self, units: dict[str, str] | None = None, refuses: str = "nothing") -> None:
        self.units, self.refuses = {f"{PROGRAM}.service": "python3", **(units or {})}, refuses
        self.ran: list[str] = []

    def run(self, argv: Sequence[str], *, stdin: bytes = b"", sudo: bool = False, timeout: float = 60) -> Completed:
        assert sudo
        line = " ".join(argv)
        self.ran.append(line)
        if line.startswith(self.refuses):
            return Completed(1, b"", b"it refuses\n")
        if line.startswith("systemctl stop"):
            return Completed(0 if self.units.pop(argv[-1], "") else 5, b"", b"")
        if line.startswith("systemctl show"):
            return Completed(0, self.units.get(argv[-1], "").encode(), b"")
        done = subprocess.run(argv, capture_output=True, check=False)
        return Completed(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A restored directory without a configuration of its own."""
    folder = tmp_path / "restored"
    (folder / "base").mkdir(parents=True)
    (folder / "base" / "1").write_text("decrypted")
    return folder


def undone(shell: Here, place: Path, *, rehearsal: bool = False, engine: Any = None) -> str:
    return undo(Started(cast(Any, None), shell, PROGRAM, cast(Any, None)), engine or PostgreSQL(),
                Target(str(place), 5499), rehearsal=rehearsal)


@pytest.mark.parametrize(("runs", "engine"), [(POSTGRES, PostgreSQL()), (MARIADB, MariaDB())])
def test_a_server_whose_trial_failed_ends_before_its_files(place: Path, runs: str, engine: Any) -> None:
    shell = Here({f"{SERVER}.service": runs.format(place)})
    assert undone(shell, place, engine=engine) == ""
    stops = [line for line in shell.ran if "stop" in line]
    assert stops == [f"systemctl stop -- {PROGRAM}.service", f"systemctl stop -- {SERVER}.service"]
    assert shell.ran.index(stops[1]) < next(n for n, line in enumerate(shell.ran) if line.endswith("-delete"))
    assert list(place.iterdir()) == []


def test_the_server_that_an_earlier_restore_left_on_that_port_goes_on(place: Path) -> None:
    other = {f"{SERVER}.service": POSTGRES.format(f"{place}2")}
    shell = Here(other)
    assert undone(shell, place) == ""
    assert f"{SERVER}.service" in shell.units
    assert list(place.iterdir()) == []


def test_files_stay_under_a_server_that_does_not_stop(place: Path) -> None:
    shell = Here({f"{SERVER}.service": POSTGRES.format(place)}, refuses=f"systemctl stop -- {SERVER}")
    assert "systemctl stop opsctl-restored-5499" in undone(shell, place)
    assert (place / "base" / "1").exists()


def test_what_cannot_be_emptied_is_told(place: Path) -> None:
    assert undone(Here(refuses=f"find {place} {place}.configuration -xdev -mindepth 1 -delete"), place) == "it refuses"
    assert undone(Here(), place) == ""
    assert place.exists()
    assert undone(Here(), place, rehearsal=True) == ""
    assert not place.exists()


class Host(ScriptedHost):
    """A host on which every command succeeds, but for those that begin with `refuses`."""

    refuses = "nothing"

    def run(self, argv: Sequence[str], *, user: str | None = None, stdin: str = "", seconds: int = 60) -> Ran:
        if " ".join(argv).startswith(self.refuses):
            return Ran(1, "", "it refuses\n")
        return super().run(argv, user=user, stdin=stdin, seconds=seconds)


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    root = tmp_path / "lib"
    root.mkdir()
    made = Host(root, lambda line, stdin: Ran(0, f"{10 ** 12} {10 ** 12}\n" if line.startswith("df") else "", ""))

    @contextmanager
    def on_the_host(workplace: Any, profile: Any, at: Any, unit: str, progress: Any) -> Iterator[Started]:
        yield Started(made, Here(refuses=made.refuses), unit, cast(Any, None))

    monkeypatch.setattr("opsctl.backup.restore.open_program", on_the_host)
    return made


@pytest.fixture
def taken(tmp_path: Path) -> Iterator[Bench]:
    (tmp_path / "store").mkdir(mode=0o700)
    made = bench(tmp_path, store=DirectoryStore(kind="directory", path=str(tmp_path / "store")))
    made.clock.move(SystemClock().now() - made.clock.now())
    made.make(open_store(made.profile.backup.store))
    yield made
    made.workplace.ledger.close()


def filled(*args: Any) -> dict[str, Any]:
    return {"seconds": {"download": 1.0, "prepare": 1.0, "trial": 1.0}, "rows": {"ready.readings": 7}, "checks": {}}


def failing(*args: Any) -> dict[str, Any]:
    raise OperationFailed("pg_amcheck found damage")


def test_a_rehearsal_that_cannot_be_taken_away_says_what_is_left(taken: Bench, host: Host,
                                                                 monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("opsctl.backup.restore._fill", filled)
    host.refuses = "rm -rf"
    outcome = rehearse(taken.workplace, taken.profile, identity=Secret("x"))
    assert outcome.status is Status.PARTIAL, outcome
    [(place, reason)] = outcome.data["left"].items()
    assert (place.startswith("/var/lib/opsctl-rehearsal_"), reason) == (True, "it refuses")
    assert f"not taken away again: {place} is left: it refuses" in outcome.summary
    assert "decrypted" in outcome.resolution
    entry = taken.workplace.ledger.last(taken.profile.customer, "backup.rehearsed")
    assert entry is not None
    assert entry.payload["left"] == {place: "it refuses"}
    host.refuses = "nothing"
    outcome = rehearse(taken.workplace, taken.profile, identity=Secret("x"))
    assert (outcome.status, "left" in outcome.data) == (Status.DONE, False)
    assert "checked and taken away again" in outcome.summary


def test_a_failed_rehearsal_that_cannot_be_taken_away_is_in_the_ledger(taken: Bench, host: Host,
                                                                       monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("opsctl.backup.restore._fill", failing)
    host.refuses = "rm -rf"
    assert rehearse(taken.workplace, taken.profile, identity=Secret("x")).status is Status.FAILED
    entry = taken.workplace.ledger.last(taken.profile.customer, "backup.rehearsal-failed")
    assert entry is not None
    assert entry.payload["reason"].startswith("pg_amcheck found damage; /var/lib/opsctl-rehearsal_")
    assert entry.payload["reason"].endswith("is left: it refuses")


def test_a_failed_restore_that_cannot_be_emptied_names_the_place(taken: Bench, host: Host, tmp_path: Path,
                                                                 monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("opsctl.backup.restore._fill", failing)
    backup_id = taken.workplace.ledger.last(taken.profile.customer, "backup.completed").payload["backup_id"]  # type: ignore[union-attr]
    host.refuses = "systemctl stop"
    folder = tmp_path / "restored"
    given = {"host": "aalund-1", "directory": str(folder), "identity": Secret("x")}
    outcome = restore(taken.workplace, taken.profile, backup_id, **given)
    assert (outcome.status, outcome.summary) == (Status.FAILED, "pg_amcheck found damage")
    folder.mkdir()
    (folder / "readings").write_text("decrypted")
    monkeypatch.setattr(PostgreSQL, "fits", lambda self, program, manifest, target: target)
    host.refuses = f"find {folder} {folder}.configuration -xdev"
    outcome = restore(taken.workplace, taken.profile, backup_id, **given)
    assert outcome.summary == f"pg_amcheck found damage; {folder} on aalund-1 is left: it refuses"


@pytest.mark.slow
def test_a_database_goes_whoever_is_connected(postgresql_cluster: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgresql_commands, "SOCKETS", str(postgresql_cluster))
    major = (postgresql_cluster / "data" / "PG_VERSION").read_text().strip()
    there = {"host": str(postgresql_cluster), "user": "postgres"}
    with psycopg.connect(**there, dbname="postgres", autocommit=True) as server:  # type: ignore[arg-type]
        server.execute("create database rehearsal_0123abcd")
        other = psycopg.connect(**there, dbname="rehearsal_0123abcd")  # type: ignore[arg-type]
        target = Target("", 5499, "rehearsal_0123abcd", settings={"major": major, "port": "5432"})
        done = subprocess.run(PostgreSQLDump().undo(target), capture_output=True, text=True, check=False, cwd="/")
        other.close()
        assert done.returncode == 0, done.stderr
        assert server.execute("select 1 from pg_database where datname ~ 'rehearsal'").fetchall() == []
    assert "--force" not in postgresql_commands.drop({"major": "12", "port": "5432"}, "x")
