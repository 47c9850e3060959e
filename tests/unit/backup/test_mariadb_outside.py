# ruff: noqa: S608 (statements of the tests on their own tables)
"""Tables outside MariaDB's data directory: a backup of them is refused, and one that exists comes back readable."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from opsctl.backup.engines import mariadb_commands as commands
from opsctl.backup.engines.contract import Target
from opsctl.backup.engines.mariadb import MariaDB
from opsctl.core.errors import OperationFailed
from opsctl.profiles.hosted import Database, Engine
from tests.not_exercised import not_exercised
from tests.unit.backup.mariadb_here import Server, mariadb_here, running

pytestmark = pytest.mark.slow
TABLES = """create database ready; use ready; create table near (n int);
create table `fa-r` (n int) data directory = 'ELSEWHERE'; insert into `fa-r` values (1), (2);
create table parts (n int) partition by range (n) (partition a values less than (10) data directory = 'ELSEWHERE',
 partition b values less than maxvalue); insert into parts values (1), (20);
"""
# Until then the log has how the tables were made, and they would be made again where the copy lies.
CHECKPOINT = "set global innodb_max_dirty_pages_pct_lwm = 0; set global innodb_max_dirty_pages_pct = 0; flush tables"
DATABASE = Database(name="ready", host="here", engine=Engine.MARIADB)


@pytest.fixture
def server() -> Iterator[Server]:
    if not shutil.which("mariadb-backup"):
        not_exercised("MariaDB's physical backup: needs the package mariadb-backup")
    with mariadb_here() as found:
        elsewhere = found.folder / "elsewhere"
        elsewhere.mkdir()
        shutil.chown(elsewhere, "mysql", "mysql")
        found.sql(TABLES.replace("ELSEWHERE", str(elsewhere)))
        yield found


def test_tables_outside_the_data_directory_are_refused_with_the_remedy(server: Server) -> None:
    with server.program() as program:
        with pytest.raises(OperationFailed) as error:
            MariaDB().inspect(program, DATABASE)
        assert "2 tables or partitions" in error.value.message
        assert "ready.fa@002dr, ready.parts#P#a" in error.value.message
        # The remedy is one: nothing lies outside afterwards.
        assert "LIKE" in error.value.resolution
        for name in ("fa-r", "parts"):
            server.sql(f"use ready; create table new like `{name}`; insert into new select * from `{name}`; "
                       f"rename table `{name}` to old, new to `{name}`; drop table old")
        assert MariaDB().inspect(program, DATABASE).facts["data_directory"] == f"{server.data}/"
    assert server.sql("select count(*) from ready.parts") == ["2"]


def test_a_backup_with_such_tables_that_exists_comes_back_beside_the_original(server: Server, tmp_path: Path) -> None:
    server.sql(CHECKPOINT)
    stream = tmp_path / "stream"
    (tmp_path / "report").mkdir()
    taken = [*commands.backup(str(tmp_path)), f"--socket={server.socket}"]
    with stream.open("wb") as target:
        subprocess.run(taken, stdout=target, stderr=subprocess.PIPE, check=True, cwd="/")
    copy = server.folder / "copy"
    copy.mkdir(mode=0o700)
    shutil.chown(copy, "mysql", "mysql")
    with stream.open("rb") as source:
        subprocess.run(["setpriv", "--reuid=mysql", "--regid=mysql", "--init-groups", *commands.unpack(str(copy))],
                       stdin=source, check=True, cwd="/")
    assert list(copy.glob("ready/*.isl"))
    target_ = Target(str(copy), 5499)
    with server.program() as program:
        MariaDB().prepare(program, target_)
    with running(Server(server.folder, copy, Path(commands.socket(str(copy)))),
                 [*MariaDB().server(target_, None), "--user=mysql"]), server.program() as program:  # type: ignore[arg-type]
        assert MariaDB().try_out(program, target_, None).rows == {  # type: ignore[arg-type]
            "ready.fa-r": 2, "ready.near": 0, "ready.parts": 2}
    assert server.sql("select count(*) from ready.`fa-r`") == ["2"]
    assert len(list((server.folder / "elsewhere/ready").glob("*.ibd"))) == 2
