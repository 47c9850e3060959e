"""What a rehearsal that died left is gone after the next one began, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from opsctl.adapters.objects import open_store
from opsctl.backup.engines.contract import DatabaseEngine, Target
from opsctl.backup.engines.mariadb_dump import MariaDBDump
from opsctl.backup.engines.postgresql import PostgreSQL
from opsctl.backup.engines.postgresql_dump import PostgreSQLDump
from opsctl.backup.exchange import Ran
from opsctl.backup.rehearse import rehearse
from opsctl.backup.remains import CLEARED, clear, new_place, reserved
from opsctl.backup.remote import Started
from opsctl.backup.restore import restore
from opsctl.backup.terms import READING, REQUEST
from opsctl.core.clock import SystemClock
from opsctl.core.errors import OperationFailed, UsageError
from opsctl.core.outcome import Outcome, Status
from opsctl.core.secret import Secret
from opsctl.profiles.hosted import DirectoryStore
from opsctl.runs.service import Run, perform
from tests.unit.backup.made import Bench, bench
from tests.unit.backup.scripted_host import ScriptedHost

LEFT = ("opsctl-rehearsal_0123abcd", "opsctl-rehearsal_0123abcd.configuration", "opsctl-rehearsal_ffffffff")
OTHERS = ("opsctl-rehearsal_mine", "opsctl-rehearsal_0123abcd.old", "opsctl", "postgresql",
          "opsctl-rehearsal_0123abcdef")
MINE = "opsctl-restore-sample-aalund-20001"
DATABASES = "ready\nrehearsal_0123abcd\nrehearsal_2026\nrehearsal_89abcdef_old\nrehearsal_mine\n"


class Host(ScriptedHost):
    """units: at work now, by name, with what each runs. refuses: the beginning of a command that fails."""

    def __init__(self, root: Path) -> None:
        super().__init__(root, self._answered)
        self.units, self.refuses = {f"{MINE}.service": "python3"}, "nothing"
        for name in (*LEFT, *OTHERS):
            (root / name).mkdir()
            (root / name / "readings").write_text("decrypted")

    def _answered(self, line: str, stdin: str) -> Ran:
        if line.startswith(self.refuses):
            return Ran(1, "", "it refuses\n")
        if line.startswith("systemctl list-units"):
            beginning = line.rsplit(maxsplit=1)[-1].split("*", maxsplit=1)[0]
            return Ran(0, "".join(f"{name} loaded active running x\n" for name in self.units
                                  if name.startswith(beginning)), "")
        if line.startswith("systemctl show"):
            return Ran(0, self.units[line.rsplit(maxsplit=1)[-1]], "")
        if line.startswith("pg_lsclusters"):
            return Ran(0, "17 main 5432 online postgres /var/lib/postgresql/17/main /log\n", "")
        return Ran(0, DATABASES if "pg_database" in stdin or "schemata" in stdin else "", "")

    def there(self) -> set[str]:
        return {path.name for path in self.root.iterdir()}


@pytest.fixture
def host(tmp_path: Path) -> Host:
    root = tmp_path / "lib"
    root.mkdir()
    return Host(root)


@pytest.fixture
def found(tmp_path: Path) -> Iterator[Bench]:
    made = bench(tmp_path)
    yield made
    made.workplace.ledger.close()


def cleared(found: Bench, host: Host, engine: DatabaseEngine, target: Target) -> dict[str, Any]:
    """What the ledger has of it; {} for nothing."""
    def act(run: Run) -> Outcome:
        clear(run, found.profile, Started(host, cast(Any, None), MINE, cast(Any, None)), engine, target)
        return Outcome(run.customer, REQUEST.service.value, Status.DONE, "")

    outcome = perform(found.workplace, found.profile, REQUEST, "backup rehearse", act, lease=READING)
    if outcome.status is not Status.DONE:
        raise OperationFailed(outcome.summary, "")
    entry = found.workplace.ledger.last(found.profile.customer, CLEARED)
    return {} if entry is None else dict(entry.payload)


def test_the_folders_go_and_nothing_else(found: Bench, host: Host) -> None:
    told = cleared(found, host, PostgreSQL(), Target("/var/lib/opsctl-rehearsal_00000000", 20_001))
    assert host.there() == set(OTHERS)
    assert told == {"host": "db-1", "removed": [f"/var/lib/{name}" for name in LEFT], "left": {}}
    assert not any("stop" in line for line in host.ran)


def test_a_server_that_runs_on_the_files_is_stopped_first(found: Bench, host: Host) -> None:
    host.units |= {"opsctl-restored-20077.service": "{ argv[]=postgres -D /var/lib/opsctl-rehearsal_0123abcd ; }",
                   "opsctl-restored-5499.service": "{ argv[]=postgres -D /var/lib/postgresql/restored ; }"}
    cleared(found, host, PostgreSQL(), Target("/var/lib/x", 20_001))
    stop = host.ran.index("systemctl stop opsctl-restored-20077.service")
    assert stop < host.ran.index(f"rm -rf --one-file-system -- /var/lib/{LEFT[0]}")
    assert not any("stop opsctl-restored-5499" in line for line in host.ran)


def test_a_server_that_does_not_stop_keeps_its_files_and_that_is_told(found: Bench, host: Host) -> None:
    host.units["opsctl-restored-20077.service"] = "{ argv[]=mariadbd --datadir=/var/lib/opsctl-rehearsal_0123abcd ; }"
    host.refuses = "systemctl stop"
    told = cleared(found, host, PostgreSQL(), Target("/var/lib/x", 20_001))
    assert host.there() == {*OTHERS, *LEFT[:2]}
    assert told["left"] == {f"/var/lib/{name}": "it refuses" for name in LEFT[:2]}


@pytest.mark.parametrize("engine", [PostgreSQLDump(), MariaDBDump()])
def test_the_databases_go_and_nothing_else(found: Bench, host: Host, engine: DatabaseEngine) -> None:
    told = cleared(found, host, engine, Target("", 20_001, "rehearsal_00000000"))
    dropped = [line for line in host.ran if "dropdb" in line or "drop database" in line]
    assert len(dropped) == 1
    assert "rehearsal_0123abcd" in dropped[0]
    assert told["removed"] == [*(f"/var/lib/{name}" for name in LEFT), "the database rehearsal_0123abcd"]


def test_a_database_of_the_profile_stays_whatever_its_name(found: Bench, host: Host) -> None:
    [database] = found.profile.databases
    named = database.model_copy(update={"name": "rehearsal_0123abcd"})
    found.profile = found.profile.model_copy(update={"databases": (named,)})
    cleared(found, host, PostgreSQLDump(), Target("", 20_001, "rehearsal_00000000"))
    assert not any("dropdb" in line for line in host.ran)


def test_while_another_restore_is_at_work_everything_stays(found: Bench, host: Host) -> None:
    host.units["opsctl-restore-other-20002.service"] = "python3"
    assert cleared(found, host, PostgreSQLDump(), Target("", 20_001, "rehearsal_00000000")) == {}
    assert host.there() == {*LEFT, *OTHERS}
    assert not any("dropdb" in line for line in host.ran)


def test_a_host_that_does_not_say_who_is_at_work_loses_nothing(found: Bench, host: Host) -> None:
    host.refuses = "systemctl list-units"
    with pytest.raises(OperationFailed, match="it refuses"):
        cleared(found, host, PostgreSQL(), Target("/var/lib/x", 20_001))
    assert host.there() == {*LEFT, *OTHERS}


def test_what_is_left_goes_before_the_room_is_asked(host: Host, tmp_path: Path,
                                                    monkeypatch: pytest.MonkeyPatch) -> None:
    """Else leftovers that fill the disk would keep each rehearsal from removing them."""
    (tmp_path / "store").mkdir(mode=0o700)
    made = bench(tmp_path, store=DirectoryStore(kind="directory", path=str(tmp_path / "store")))
    made.clock.move(SystemClock().now() - made.clock.now())
    made.make(open_store(made.profile.backup.store))

    @contextmanager
    def on_the_host(workplace: Any, profile: Any, at: Any, unit: str, progress: Any) -> Iterator[Started]:
        host.units = {f"{unit}.service": "python3"}
        yield Started(host, cast(Any, None), unit, cast(Any, None))

    monkeypatch.setattr("opsctl.backup.restore.open_program", on_the_host)
    host.refuses = "df"
    outcome = rehearse(made.workplace, made.profile, identity=Secret("x"))
    assert (outcome.status, "is not there" in outcome.summary) == (Status.FAILED, True)
    assert host.there() == set(OTHERS)
    assert made.kinds()[-4:] == ["run.started", CLEARED, "run.finished", "backup.rehearsal-failed"]
    made.workplace.ledger.close()


@pytest.mark.parametrize("logical", [True, False])
def test_no_restore_that_is_to_stay_gets_a_rehearsals_name(found: Bench, logical: bool) -> None:
    directory, database = new_place(logical=logical)
    assert bool(database) is logical
    assert reserved(Target(directory, 20_001, database))
    assert not reserved(Target("/var/lib/restored", 20_001)) and not reserved(Target("", 20_001, "rehearsal_of_may"))
    with pytest.raises(UsageError, match="rehearsal"):
        restore(found.workplace, found.profile, "20261123T120000Z-aaaaaa", host="aalund-1", identity=Secret("x"),
                directory=directory, database=database)
