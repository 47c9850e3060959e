"""Fixtures: a private PostgreSQL cluster from the machine's binaries, and a fresh ledger URL on either database."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.not_exercised import not_exercised

REPOSITORY = Path(__file__).parents[3]
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgresql_cluster() -> Iterator[Path]:
    """The socket folder of a running cluster without TCP; its superuser is `postgres`, without a password."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if not found:
        not_exercised("PostgreSQL: no /usr/lib/postgresql/*/bin/initdb on this machine (package postgresql)")
    programs = found[-1].parent
    # A short path: a socket's path has at most 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="opsctl-pg-", dir="/tmp"))
    try:
        # PostgreSQL refuses to run as root.
        user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"] if os.geteuid() == 0 else []
        if user:
            shutil.chown(folder, "postgres", "postgres")
        data = folder / "data"
        _run([*user, programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8",
              "--locale=C.UTF-8"])
        control = [*user, programs / "pg_ctl", "-D", data, "-w"]
        _run([*control, "-l", folder / "log", "-o", f"-c listen_addresses='' -k {folder}", "start"])
        try:
            yield folder
        finally:
            _run([*control, "-m", "immediate", "stop"])
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgresql_url(postgresql_cluster: Path) -> str:
    """An empty database of its own."""
    name = f"ledger_{next(_numbers)}"
    with psycopg.connect(host=str(postgresql_cluster), user="postgres", dbname="postgres", autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
    return f"postgresql://postgres@/{name}?host={postgresql_cluster}"


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A file that does not exist yet, in a folder that does not either."""
    return f"sqlite:///{tmp_path}/ledger/ledger.db"


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger_url(request: pytest.FixtureRequest) -> str:
    """A fresh place for a ledger, on SQLite and on PostgreSQL."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


def start_python(code: str, *arguments: str) -> subprocess.Popen[str]:
    """Another process that runs `code` with this interpreter and this opsctl."""
    return subprocess.Popen([sys.executable, "-c", code, *arguments], cwd=REPOSITORY, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def _run(command: list[object]) -> None:
    # pg_ctl's server inherits the output: a pipe would never end.
    with tempfile.TemporaryFile("w+") as output:
        result = subprocess.run([str(word) for word in command], stdout=output, stderr=output, check=False, cwd="/",
                                timeout=120)
        output.seek(0)
        assert result.returncode == 0, output.read()
