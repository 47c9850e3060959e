"""Asking MariaDB on a Debian host, for both ways of backing it up."""

from __future__ import annotations

from opsctl.backup.dialogue import HostProgram
from opsctl.backup.engines import mariadb_commands as commands
from opsctl.core.errors import OperationFailed

QUERY_SECONDS = 3600


def ask(host: HostProgram, statement: str, socket: str = "") -> str:
    said = host.run(commands.client(socket), stdin=statement, seconds=QUERY_SECONDS)
    if said.code:
        lines = said.err.strip().splitlines()[-1:] or ["it said nothing"]
        raise OperationFailed(f"{host.hello.host}: MariaDB: {lines[0][:300]}",
                              "is the server up, and may root come in by its socket (unix_socket)?")
    return said.out


def count(host: HostProgram, socket: str = "", database: str = "") -> dict[str, int]:
    """Exact rows of every user table, or of those of one database, by `database.table`."""
    statements = ask(host, commands.counts(database), socket)
    said = ask(host, statements, socket) if statements.strip() else ""
    return {table: int(number) for table, _, number in (line.rpartition("\t") for line in said.splitlines())}
