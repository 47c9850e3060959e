"""Finding and asking PostgreSQL's clusters on a Debian host, for both ways of backing them up."""

from __future__ import annotations

from opsctl.backup.dialogue import HostProgram
from opsctl.backup.engines import postgresql_commands as commands
from opsctl.backup.exchange import telling_line
from opsctl.backup.manifest import Manifest
from opsctl.core.errors import OperationFailed

OWNER = "postgres"
QUERY_SECONDS = 3600


def cluster(host: HostProgram, name: str) -> tuple[str, str]:
    """Major version and port of Debian's cluster `name`; it must be online and unique."""
    listed = host.run(("pg_lsclusters", "-h"))
    rows = [line.split() for line in listed.out.splitlines()]
    found = [row for row in rows if len(row) >= 4 and row[1] == name]
    online = [row for row in found if row[3].split(",")[0] == "online"]
    if len(online) == 1:
        return online[0][0], online[0][2]
    seen = ", ".join(f"{row[0]}/{row[1]} {row[3]}" for row in rows if len(row) >= 4) or "none"
    what = "is not online" if found else "is not there"
    raise OperationFailed(f"{host.hello.host}: the PostgreSQL cluster {name} {'is there twice' if online else what} "
                          f"(clusters: {seen})", f"start it: pg_ctlcluster VERSION {name} start; or correct `cluster`")


def ask(host: HostProgram, major: str, port: str, statement: str, database: str = "postgres") -> str:
    said = host.run(commands.psql(major, port, database), user=OWNER, stdin=statement, seconds=QUERY_SECONDS)
    if said.code:
        refused = any(word in said.err for word in ("authentication", "password", "no pg_hba.conf entry"))
        raise OperationFailed(f"{host.hello.host}: PostgreSQL on port {port}: {telling_line(said.err)}",
                              "let the system user postgres in by its socket: `local all postgres peer` in pg_hba.conf"
                              if refused else "look into the server's log")
    return said.out


def count(host: HostProgram, major: str, port: str, database: str) -> dict[str, int]:
    """Exact rows of every user table of one database, by `schema.table`."""
    return rows(ask(host, major, port, commands.ROWS, database))


def rows(said: str) -> dict[str, int]:
    """What commands.ROWS printed."""
    return {table: int(number) for table, _, number in (line.rpartition("\t") for line in said.splitlines()) if table}


def major_of(manifest: Manifest) -> str:
    """17.5 -> 17."""
    return manifest.engine_version.split(".")[0]
