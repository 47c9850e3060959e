"""A restored PostgreSQL with the original's own configuration waits for no standby and runs no jobs."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from opsctl.backup.engines import postgresql_commands as commands
from tests.not_exercised import not_exercised

PORT = 5497
AS_POSTGRES = ("setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--")
# pg_prewarm's leader is a worker of a preloaded library, as the schedulers of pg_cron, timescaledb and others are.
CONFIGURED = """synchronous_standby_names = 'a_standby_that_is_not_here'
shared_preload_libraries = 'pg_prewarm'
pg_prewarm.autoprewarm = on
max_worker_processes = 8
"""
pytestmark = pytest.mark.slow


def run(*argv: str, text: str = "", seconds: float = 60) -> str:
    """As postgres, to the end; what it printed."""
    done = subprocess.run([*AS_POSTGRES, *argv], input=text, capture_output=True, text=True, check=False, cwd="/",
                          timeout=seconds)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def made() -> Iterator[tuple[str, Path]]:
    """The major version and the data of a cluster with CONFIGURED."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    if os.geteuid() or not found:
        not_exercised("PostgreSQL: needs root and the package postgresql")
    # A short path: a socket's path has at most 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="opsctl-pg-", dir="/tmp"))
    shutil.chown(folder, "postgres", "postgres")
    major, data = found[-1].parts[-3], folder / "data"
    try:
        run(commands.program(major, "initdb"), "-D", str(data), "-A", "trust", "--no-sync", "--locale=C.UTF-8")
        with (data / "postgresql.conf").open("a") as file:
            file.write(CONFIGURED)
        yield major, data
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def served(major: str, data: Path) -> Iterator[int]:
    """The restored server's process, once it answers."""
    process = subprocess.Popen([*AS_POSTGRES, *commands.server(major, str(data), str(data), PORT)], cwd="/",
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 60
    try:
        while subprocess.run([commands.program(major, "pg_isready"), "-h", str(data.parent), "-p", str(PORT)],
                             check=False, capture_output=True).returncode:
            assert process.poll() is None and time.monotonic() < until, "the server does not answer"
            time.sleep(0.1)
        yield process.pid
    finally:
        process.send_signal(signal.SIGQUIT)
        process.wait(30)


def test_a_restored_server_waits_for_no_standby_and_runs_no_jobs(made: tuple[str, Path],
                                                                 monkeypatch: pytest.MonkeyPatch) -> None:
    major, data = made
    monkeypatch.setattr(commands, "SOCKETS", str(data.parent))
    with served(major, data) as server:
        # It makes an extension where there is none, and so waits for whoever its commits wait for.
        run(*commands.amcheck(major, PORT), seconds=30)
        ask = commands.psql(major, str(PORT))
        assert run(*ask, text="show shared_preload_libraries;\n") == "pg_prewarm\n", "what tables may need is loaded"
        titles = subprocess.run(["ps", "-o", "args=", "--ppid", str(server)], capture_output=True, text=True,
                                check=True).stdout
        assert "checkpointer" in titles
        assert "autoprewarm" not in titles and "logical replication" not in titles
        parallel = "debug_parallel_query" if int(major) >= 16 else "force_parallel_mode"
        counted = "select count(*) from pg_class where oid = 1259;\n"
        assert run(*ask, text=f"set {parallel} = on;\n" + counted) == "1\n"


@pytest.mark.parametrize(("major", "setting", "there"), [
    ("13", "stats_temp_directory=pg_stat_tmp", True), ("14", "stats_temp_directory=pg_stat_tmp", True),
    ("15", "stats_temp_directory=pg_stat_tmp", False), ("16", "event_triggers=off", False),
    ("17", "event_triggers=off", True)])
def test_settings_are_those_that_the_version_has(major: str, setting: str, there: bool) -> None:
    """Debian's 13 and 14 name a folder of the running server for statistics; 17 has triggers on login."""
    assert (setting in commands.server(major, "/var/lib/restored", "/var/lib/restored", 5499)) is there
