# ruff: noqa: S608 (statements of the tests on their own tables)
"""What the tests of backup on the lab's hosts share: a shell on a host, a writer, identities, tidy folders."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from opsctl.adapters.ssh import Shell, connect
from opsctl.core.secret import Secret
from opsctl.profiles.hosted import Engine
from opsctl.profiles.model import KamstrupProfile
from opsctl.runs.workplace import Workplace

DATABASE_HOSTS = {"sample-aalund": "aalund-1", "sample-birkeby": "birkeby-db", "sample-cedervig": "cedervig-1"}


def identity(lab: Path, customer: str, which: str = "online") -> Secret:
    """One of the customer's two age identities."""
    return Secret((lab / "secrets" / f"{customer}-{which}.agekey").read_text())


@contextmanager
def shell_on(workplace: Workplace, profile: KamstrupProfile, host: str) -> Iterator[Shell]:
    """A strict connection to a host."""
    assert workplace.settings.ssh is not None
    with connect(profile.host(host), known_hosts=workplace.known_hosts(profile.customer),
                 identity=workplace.settings.ssh.identity) as shell:
        yield shell


@contextmanager
def new_directory(shell: Shell, port: int) -> Iterator[str]:
    """A path for a restored data directory; it and its server are removed at the end."""
    directory = f"/var/lib/restored-{secrets.token_hex(4)}"
    try:
        yield directory
    finally:
        shell.stop_unit(f"opsctl-restored-{port}.service")
        shell.run(["rm", "-rf", directory, f"{directory}.configuration"], sudo=True)


def free_port() -> int:
    """A port for a restored server that another test's will hardly have."""
    return 20_000 + secrets.randbelow(30_000)


def query(shell: Shell, engine: Engine, statement: str, *, port: int = 0, directory: str = "") -> str:
    """Ask the running server (port 0) or a restored one; returns what it printed."""
    if engine is Engine.POSTGRESQL:
        argv = ["runuser", "-u", "postgres", "--", "psql", "-X", "-A", "-t", "-q", "-d", "ready",
                "-v", "ON_ERROR_STOP=1", *(["-p", str(port)] if port else [])]
    else:
        socket = f"{directory}/opsctl.sock" if port else "/run/mysqld/mysqld.sock"
        argv = ["mariadb", "--no-defaults", "-N", "-B", f"--socket={socket}", "ready"]
    done = shell.run(argv, stdin=statement.encode(), sudo=True, timeout=120)
    assert done.exit_code == 0, done.stderr.decode()
    return done.text()


@contextmanager
def writer(shell: Shell, engine: Engine) -> Iterator[str]:
    """Commit the rows 1, 2, 3 ... one by one while the block runs; yields the table's name."""
    table = f"writer_{secrets.token_hex(4)}"
    unit = f"test-{table}.service".replace("_", "-")
    query(shell, engine, f"create table {table} (n bigint primary key, filler varchar(200));")
    client = ("runuser -u postgres -- psql -X -q -d ready" if engine is Engine.POSTGRESQL
              else "mariadb --no-defaults --socket=/run/mysqld/mysqld.sock ready")
    script = (f"seq 1 100000000 | while read n; do echo \"insert into {table} values ($n, repeat('x', 150));\"; done "
              f"| {client}")
    started = shell.run(["systemd-run", "--quiet", "--collect", f"--unit={unit}", "sh", "-c", script], sudo=True)
    assert started.exit_code == 0, started.stderr.decode()
    try:
        deadline = time.monotonic() + 30
        while int(query(shell, engine, f"select coalesce(max(n), 0) from {table};")) < 50:
            assert time.monotonic() < deadline, "the writer writes nothing"
            time.sleep(0.1)
        yield table
    finally:
        shell.stop_unit(unit)
        query(shell, engine, f"drop table {table};")
