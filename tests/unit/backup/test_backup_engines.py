"""What an engine's own words mean; the engines at work are tested on the lab's hosts."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from opsctl.backup.dialogue import HostProgram
from opsctl.backup.engines import postgresql_commands
from opsctl.backup.engines.contract import Found, Target
from opsctl.backup.engines.databases import require_not_older
from opsctl.backup.engines.mariadb import MariaDB
from opsctl.backup.engines.postgresql import PostgreSQL, _position, _refuse
from opsctl.backup.exchange import StageEnd, Transfer, telling_line
from opsctl.core.errors import OperationFailed
from tests.unit.backup.local_host import local_program

SOUND = {"tablespaces": [], "may_replicate": True, "wal_level": "replica", "senders_free": 9, "slots_free": 9,
         "in_recovery": False}
SAID = """pg_basebackup: initiating base backup, waiting for checkpoint to complete
pg_basebackup: write-ahead log start point: 1/A000028 on timeline 3
pg_basebackup: write-ahead log end point: 1/A000100
pg_basebackup: base backup completed
"""


@pytest.fixture(scope="module")
def host() -> Iterator[HostProgram]:
    with local_program() as (program, _):
        yield program


def _found() -> Found:
    return Found("17.5", 1, "/etc/postgresql/17/main", {"system_identifier": "7"}, {"major": "17", "port": "5432"})


def test_a_sound_cluster_passes() -> None:
    _refuse("db-1", SOUND)


@pytest.mark.parametrize(("facts", "named", "remedy"), [
    ({"tablespaces": ["fast", "slow"]}, "fast, slow", "pg_default"),
    ({"may_replicate": False}, "replication right", "REPLICATION"),
    ({"wal_level": "minimal"}, "wal_level", "wal_level = replica"),
    ({"senders_free": 0}, "WAL sender", "max_wal_senders"),
    ({"slots_free": 0}, "replication slot", "max_replication_slots"),
    ({"in_recovery": True}, "standby", "primary")])
def test_what_a_stream_cannot_hold_is_refused_with_its_remedy(facts: dict[str, Any], named: str, remedy: str) -> None:
    with pytest.raises(OperationFailed) as error:
        _refuse("db-1", {**SOUND, **facts})
    assert named in error.value.message
    assert error.value.message.startswith("db-1")
    assert remedy in error.value.resolution


def test_postgresql_must_say_where_the_log_starts_and_stops(host: HostProgram) -> None:
    facts = PostgreSQL().conclude(host, _found(), Transfer("", (StageEnd("pg_basebackup", 0, SAID),), 1))
    assert facts.facts == {"system_identifier": "7", "start_lsn": "1/A000028", "timeline": "3", "stop_lsn": "1/A000100"}
    for line in SAID.splitlines()[1:3]:
        with pytest.raises(OperationFailed):
            PostgreSQL().conclude(host, _found(), Transfer("", (StageEnd("x", 0, SAID.replace(line, "")),), 1))


def test_mariadb_must_say_that_it_completed(host: HostProgram) -> None:
    for said in ("[00] completed OK!\n[00] oh no\n", "", "[00] Streaming ibdata1\n"):
        with pytest.raises(OperationFailed) as error:
            MariaDB().conclude(host, _found(), Transfer("", (StageEnd("mariadb-backup", 0, said),), 1))
        assert "did not say" in error.value.message
    # It says so, and yet its report file is not there.
    with pytest.raises(OperationFailed) as error:
        MariaDB().conclude(host, _found(), Transfer("", (StageEnd("x", 0, "[00] completed OK!\n"),), 1))
    assert "mariadb_backup_info" in error.value.message


@pytest.mark.parametrize("name", ["mariadb_backup_info", "xtrabackup_info"])
def test_mariadb_of_every_series_has_its_report_read(host: HostProgram, name: str) -> None:
    report = Path(host.hello.scratch) / "report"
    report.mkdir(exist_ok=True)
    transfer = Transfer("", (StageEnd("x", 0, "[00] completed OK!\n"),), 1)
    try:
        (report / name).write_text("tool_version = 10.11\nend_time = 2026-11-27 20:00:00\ninnodb_to_lsn = 7\n")
        facts = MariaDB().conclude(host, _found(), transfer).facts
        assert (facts["tool_version"], facts["innodb_to_lsn"]) == ("10.11", "7")
        (report / name).write_text("tool_version = 10.11\n")
        with pytest.raises(OperationFailed, match="no complete"):
            MariaDB().conclude(host, _found(), transfer)
    finally:
        shutil.rmtree(report)


def test_positions_in_the_log_compare_as_numbers() -> None:
    assert _position("0/FFFFFFFF") < _position("1/0") < _position("A/0") < _position("10/0")


def test_version_14_is_compressed_on_the_host() -> None:
    names = {major: [stage.name for stage in PostgreSQL().source(
        None, Found("", 1, None, {}, {"major": major, "port": "5432"}))] for major in ("14", "15")}  # type: ignore[arg-type]
    assert names == {"14": ["pg_basebackup", "zstd"], "15": ["pg_basebackup"]}


@pytest.mark.parametrize(("here", "fits"), [("15.18", True), ("17.6", True), ("18beta1", True), ("14.20", False)])
def test_a_dump_goes_into_its_own_version_and_newer_ones(host: HostProgram, here: str, fits: bool) -> None:
    if fits:
        require_not_older(host, "15.18", here)
        return
    with pytest.raises(OperationFailed, match=r"14\.20"):
        require_not_older(host, "15.18", here)


def test_the_restored_server_touches_nothing_of_the_original() -> None:
    argv = postgresql_commands.server("17", "/var/lib/restored", "/var/lib/restored.configuration", 5499)
    for setting in ("listen_addresses=", "archive_mode=off", "primary_conninfo=", "logging_collector=off",
                    "external_pid_file=/var/lib/restored/opsctl.pid", "data_directory=/var/lib/restored"):
        assert setting in argv
    assert "--skip-networking" in MariaDB().server(Target("/var/lib/restored", 5499), None)  # type: ignore[arg-type]


@pytest.mark.parametrize(("text", "line"), [
    ("", "it said nothing"), ("one\ntwo\n", "two"),
    ("age: error: no identity matched any of the recipients\nage: report unexpected or unhelpful errors at "
     "https://filippo.io/age/report\n", "age: error: no identity matched any of the recipients"),
    ("FATAL: no pg_hba.conf entry\nhint\n", "FATAL: no pg_hba.conf entry")])
def test_the_line_that_tells(text: str, line: str) -> None:
    assert telling_line(text) == line
