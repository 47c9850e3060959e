"""Restore with the commands that docs/backup.md gives, taken from the page: no backup is locked into opsctl."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from opsctl.adapters.objects import open_store
from opsctl.adapters.ssh import Shell
from opsctl.backup.running import run_backup
from opsctl.core.outcome import Status
from opsctl.profiles.hosted import Engine, Method
from opsctl.profiles.model import KamstrupProfile
from opsctl.runs.workplace import Workplace
from tests.lab.backup_support import DATABASE_HOSTS, identity, query, shell_on
from tests.lab.surroundings import ROOT, hosted

pytestmark = pytest.mark.lab


def commands(name: str) -> str:
    """The block of the page with this name."""
    found = re.search(rf"^```bash by-hand-{name}\n(.*?)^```$", (ROOT / "docs" / "backup.md").read_text(), re.M | re.S)
    assert found, f"docs/backup.md has no block by-hand-{name}"
    return found[1]


@contextmanager
def folder_with_backup(shell: Shell, profile: KamstrupProfile, backup_id: str, key: str, owner: str) -> Iterator[str]:
    """The backup's files and the identity in a folder of the host, as an operator would have copied them."""
    folder = f"/var/tmp/by-hand-{secrets.token_hex(4)}"
    store = open_store(profile.backup.store)
    prefix = f"{profile.customer}/ready/{backup_id}/"
    files = {entry.key.removeprefix(prefix): store.get(entry.key) for entry in store.list(prefix).objects}
    try:
        assert shell.run(["install", "-d", "-m", "0700", "-o", owner, folder], sudo=True).exit_code == 0
        for name, body in {**files, "identity": key.encode()}.items():
            put = shell.run(["install", "-m", "0600", "-o", owner, "/dev/stdin", f"{folder}/{name}"], sudo=True,
                            stdin=body, timeout=60)
            assert put.exit_code == 0, put.stderr
        yield folder
    finally:
        shell.run(["sh", "-c", f"rm -rf {folder} {folder}-*"], sudo=True)


def ask(shell: Shell, engine: Engine, way: Method, new: str) -> int:
    """Rows of readings in what was restored."""
    statement = b"select count(*) from readings;"
    if engine is Engine.POSTGRESQL:
        where = ["-p", "5498", "-d", "ready"] if way is Method.PHYSICAL else ["-d", new]
        argv = ["runuser", "-u", "postgres", "--", "psql", "-X", "-A", "-t", *where]
    else:
        where = [f"--socket={new}/mysqld.sock", "ready"] if way is Method.PHYSICAL else [new]
        argv = ["mariadb", "--no-defaults", "-N", "-B", *where]
    done = shell.run(argv, sudo=True, stdin=statement, timeout=60)
    assert done.exit_code == 0, done.stderr
    return int(done.text())


def stop(shell: Shell, engine: Engine, way: Method, new: str) -> None:
    """Stop the server or drop the database that was made by hand."""
    if way is Method.LOGICAL:
        query(shell, engine, f"drop database if exists {new};")
    elif engine is Engine.POSTGRESQL:
        shell.run(["runuser", "-u", "postgres", "--", "/usr/lib/postgresql/17/bin/pg_ctl", "-D", new, "-m", "fast",
                   "stop"], sudo=True, timeout=60)
    else:
        shell.run(["mariadb-admin", "--no-defaults", f"--socket={new}/mysqld.sock", "shutdown"], sudo=True, timeout=60)


@pytest.mark.parametrize("way", Method)
@pytest.mark.parametrize("customer", ["sample-aalund", "sample-cedervig"])
def test_the_page_s_commands_restore(workplace: Workplace, lab: Path, customer: str, way: Method) -> None:
    profile = hosted(workplace, customer)
    [database] = profile.databases
    profile = profile.model_copy(update={"databases": (database.model_copy(update={"method": way}),)})
    taken = run_backup(workplace, profile)
    assert taken.status is Status.DONE, taken
    owner = "postgres" if database.engine is Engine.POSTGRESQL else "root"
    key = identity(lab, customer).reveal()
    with shell_on(workplace, profile, DATABASE_HOSTS[customer]) as shell, \
            folder_with_backup(shell, profile, taken.data["backups"][0]["backup_id"], key, owner) as folder:
        new = f"{folder}-new" if way is Method.PHYSICAL else f"by_hand_{secrets.token_hex(4)}"
        script = commands(f"{database.engine.value}-{way.value}")
        script = re.sub(r"\bNEW\b", new, script).replace("IDENTITY", f"{folder}/identity")
        try:
            done = shell.run(["runuser", "-u", owner, "--", "bash", "-c", f"cd {folder}\nset -euo pipefail\n{script}"],
                             sudo=True, timeout=120)
            assert done.exit_code == 0, done.stderr.decode() + done.text()
            assert ask(shell, database.engine, way, new) == int(query(shell, database.engine,
                                                                      "select count(*) from readings;"))
        finally:
            stop(shell, database.engine, way, new)
