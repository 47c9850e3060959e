"""PostgreSQL, logical: one database by pg_dump in custom format, restorable into the same and newer versions.

Truth is the exact number of rows of every table, counted in the very snapshot that pg_dump reads.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from opsctl.backup.dialogue import HostProgram
from opsctl.backup.engines import postgresql_commands as commands
from opsctl.backup.engines.contract import Found, Proof, Target, Tried, compress, decompress, require_tools
from opsctl.backup.engines.databases import (
    InDatabase,
    require_database,
    require_free_name,
    require_not_older,
    require_room_in,
)
from opsctl.backup.engines.postgresql_server import OWNER, QUERY_SECONDS, ask, cluster, count, rows
from opsctl.backup.exchange import Command, Transfer, telling_line
from opsctl.backup.manifest import Manifest, StreamName
from opsctl.backup.naming import ROLES
from opsctl.core.errors import OperationFailed
from opsctl.profiles.hosted import Database

_TOOLS = {"age": "age", "zstd": "zstd", "setpriv": "util-linux", "pg_lsclusters": "postgresql-common"}
_KEPT = ("encoding", "collate", "ctype")


class PostgreSQLDump(InDatabase):
    """See the module and engines/contract.py."""

    owner = OWNER
    data_format = "pg_dump custom | zstd | age"

    def inspect(self, host: HostProgram, database: Database) -> Found:
        require_tools(host, _TOOLS)
        major, port = cluster(host, database.cluster)
        require_tools(host, {commands.program(major, name): f"postgresql-client-{major}"
                             for name in ("pg_dump", "pg_dumpall")})
        facts = json.loads(ask(host, major, port, commands.DATABASE_FACTS, database.name))
        if not facts["may_read"]:
            raise OperationFailed(f"{host.hello.host}: the role postgres may not read everything",
                                  "ALTER ROLE postgres SUPERUSER;")
        kept = {name: str(facts[name]) for name in _KEPT} | {"roles": json.dumps(facts["roles"])}
        return Found(facts["version"].split()[0], int(facts["size"]), None, kept,
                     {"major": major, "port": port, "database": database.name})

    @contextmanager
    def consistent(self, host: HostProgram, found: Found) -> Iterator[Found]:
        """A session holds the snapshot and counts its rows while pg_dump reads."""
        given = found.settings
        said = host.hold(commands.psql(given["major"], given["port"], given["database"]), user=self.owner,
                         stdin=commands.SNAPSHOT + commands.ROWS, marker="held")
        yield replace(found, settings={**given, "snapshot": said.strip()})

    def source(self, host: HostProgram, found: Found) -> tuple[Command, ...]:
        return Command("pg_dump", commands.dump(found.settings, found.settings["database"]), self.owner), compress()

    def conclude(self, host: HostProgram, found: Found, transfer: Transfer) -> Proof:
        return Proof(found.facts, rows(host.release(QUERY_SECONDS)))

    def companions(self, host: HostProgram, found: Found) -> Mapping[StreamName, tuple[Command, ...]]:
        return {ROLES: (Command("pg_dumpall", commands.dump_roles(found.settings), self.owner), compress())}

    def fits(self, host: HostProgram, manifest: Manifest, target: Target) -> Target:
        require_database(target, manifest)
        require_tools(host, _TOOLS)
        major, port = cluster(host, target.cluster)
        require_not_older(host, manifest.engine_version, ask(host, major, port, "show server_version;\n").split()[0])
        require_free_name(host, target, _ask_with(host, major, port, commands.PRESENT, target=target.database) != "0")
        require_room_in(host, ask(host, major, port, "show data_directory;\n").strip(), manifest)
        return replace(target, settings={"major": major, "port": port})

    def make(self, host: HostProgram, manifest: Manifest, target: Target) -> None:
        major, port = target.settings["major"], target.settings["port"]
        for role in _ask_with(host, major, port, commands.MISSING_ROLES, roles=manifest.facts["roles"]).splitlines():
            _ask_with(host, major, port, commands.MAKE_ROLE, role=role)
        _ask_with(host, major, port, commands.MAKE_DATABASE, target=target.database,
                  **{name: manifest.facts[name] for name in _KEPT})

    def unpack(self, target: Target, manifest: Manifest) -> tuple[Command, ...]:
        return decompress(self.owner), Command("pg_restore", commands.load(target.settings, target.database),
                                               self.owner)

    def try_out(self, host: HostProgram, target: Target, manifest: Manifest) -> Tried:
        major, port = target.settings["major"], target.settings["port"]
        found = count(host, major, port, target.database)
        if found != manifest.rows:
            wrong = sorted(name for name in found.keys() | manifest.rows.keys()
                           if found.get(name) != manifest.rows.get(name))
            raise OperationFailed(f"{host.hello.host}: {len(wrong)} tables have other rows than the backup: {wrong[0]}",
                                  "use another backup", tuple(f"{name}: {found.get(name)} instead of "
                                                              f"{manifest.rows.get(name)}" for name in wrong[:20]))
        version = ask(host, major, port, "show server_version;\n").split()[0]
        return Tried(version, {"cluster": target.cluster}, found, {"row counts": "as in the backup"})

    def databases(self, host: HostProgram, target: Target) -> tuple[Target, ...]:
        major, port = cluster(host, target.cluster)
        return tuple(replace(target, database=name, settings={"major": major, "port": port})
                     for name in ask(host, major, port, commands.DATABASES).splitlines())

    def undo(self, target: Target) -> tuple[str, ...]:
        return commands.drop(target.settings, target.database)


def _ask_with(host: HostProgram, major: str, port: str, statement: str, **variables: str) -> str:
    given = tuple(word for name, value in variables.items() for word in ("-v", f"{name}={value}"))
    said = host.run((*commands.psql(major, port), *given), user=OWNER, stdin=statement, seconds=QUERY_SECONDS)
    if said.code:
        raise OperationFailed(f"{host.hello.host}: PostgreSQL on port {port}: {telling_line(said.err)}",
                              "look into the server's log")
    return said.out.strip()
