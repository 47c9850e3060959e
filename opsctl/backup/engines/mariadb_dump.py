"""MariaDB, logical: one database by mariadb-dump from one snapshot, restorable into the same and newer versions.

The dump's snapshot cannot be shared with another session, so no exact rows are known beforehand: proof is
every stage's exit code, the number of tables, and CHECK TABLE after the restore.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from opsctl.backup.dialogue import HostProgram
from opsctl.backup.engines import mariadb_beside
from opsctl.backup.engines import mariadb_commands as commands
from opsctl.backup.engines.contract import Found, Proof, Target, Tried, compress, decompress, require_tools
from opsctl.backup.engines.databases import (
    InDatabase,
    require_database,
    require_free_name,
    require_not_older,
    require_room_in,
)
from opsctl.backup.engines.mariadb_server import QUERY_SECONDS, ask, count
from opsctl.backup.exchange import Command, Transfer
from opsctl.backup.manifest import Manifest, StreamName
from opsctl.backup.naming import ROLES
from opsctl.core.errors import OperationFailed
from opsctl.profiles.hosted import Database

_TOOLS = {"age": "age", "zstd": "zstd", "setpriv": "util-linux", "mariadb": "mariadb-client",
          "mariadb-dump": "mariadb-client"}
_WORD = re.compile(r"[a-z0-9_]+")


class MariaDBDump(InDatabase):
    """See the module and engines/contract.py."""

    owner = "mysql"
    data_format = "mariadb-dump SQL | zstd | age"

    def inspect(self, host: HostProgram, database: Database) -> Found:
        require_tools(host, _TOOLS)
        facts = json.loads(ask(host, commands.DATABASE_FACTS.format(name=database.name)))
        if not facts["present"]:
            raise OperationFailed(f"{host.hello.host}: MariaDB has no database {database.name}", "correct the profile")
        if facts["others"]:
            raise OperationFailed(f"{host.hello.host}: not all tables of {database.name} are InnoDB: {facts['others']}",
                                  "convert them, or back this server up physically")
        kept = {name: str(facts[name]) for name in ("charset", "collation", "tables", "events")}
        return Found(facts["version"], int(facts["size"]), None, kept, {"database": database.name})

    @contextmanager
    def consistent(self, host: HostProgram, found: Found) -> Iterator[Found]:
        """mariadb-dump opens its own snapshot."""
        yield found

    def source(self, host: HostProgram, found: Found) -> tuple[Command, ...]:
        return Command("mariadb-dump", commands.dump(found.settings["database"])), compress()

    def conclude(self, host: HostProgram, found: Found, transfer: Transfer) -> Proof:
        return Proof(found.facts)

    def companions(self, host: HostProgram, found: Found) -> Mapping[StreamName, tuple[Command, ...]]:
        return {ROLES: (Command("mariadb-dump", commands.USERS), compress())}

    def fits(self, host: HostProgram, manifest: Manifest, target: Target) -> Target:
        require_database(target, manifest)
        require_tools(host, _TOOLS)
        facts = json.loads(ask(host, commands.DATABASE_FACTS.format(name=target.database)))
        require_not_older(host, manifest.engine_version, str(facts["version"]))
        require_free_name(host, target, bool(facts["present"]))
        require_room_in(host, ask(host, "select @@datadir;\n").strip(), manifest)
        return target

    def make(self, host: HostProgram, manifest: Manifest, target: Target) -> None:
        words = {name: manifest.facts[name] for name in ("charset", "collation")}
        if not all(_WORD.fullmatch(word) for word in words.values()):
            raise OperationFailed(f"{manifest.backup_id}: its character set is not a plain word", "use another backup")
        ask(host, f"create database `{target.database}` character set {words['charset']} "
                  f"collate {words['collation']};\n")

    def unpack(self, target: Target, manifest: Manifest) -> tuple[Command, ...]:
        """The copy's events come back disabled: the original runs beside it."""
        return (decompress(self.owner), Command("events", mariadb_beside.stage(), self.owner),
                Command("mariadb", (*commands.client(), target.database)))

    def try_out(self, host: HostProgram, target: Target, manifest: Manifest) -> Tried:
        checked = host.run(("mariadb-check", "--no-defaults", "--socket=/run/mysqld/mysqld.sock", "--check", "--silent",
                            target.database), seconds=QUERY_SECONDS)
        bad = checked.out.strip().splitlines()
        if checked.code or bad:
            raise OperationFailed(f"{host.hello.host}: CHECK TABLE found damage", "use another backup", tuple(bad[:20]))
        found = {f"{manifest.database}{name.removeprefix(target.database)}": number
                 for name, number in count(host, database=target.database).items()}
        if str(len(found)) != manifest.facts["tables"]:
            raise OperationFailed(f"{host.hello.host}: {len(found)} tables came back, the backup has "
                                  f"{manifest.facts['tables']}", "use another backup")
        version = ask(host, "select version();\n").strip()
        return Tried(version, {}, found, {"CHECK TABLE": "sound", **_events(host, target, manifest)})

    def databases(self, host: HostProgram, target: Target) -> tuple[Target, ...]:
        return tuple(replace(target, database=name) for name in ask(host, commands.DATABASES).splitlines())

    def undo(self, target: Target) -> tuple[str, ...]:
        return (*commands.client(), "-e", f"drop database if exists `{target.database}`")


def _events(host: HostProgram, target: Target, manifest: Manifest) -> dict[str, str]:
    """Which events were on in the original and do not run here; OperationFailed when one of them might."""
    found = {event["name"]: event["status"]
             for event in json.loads(ask(host, commands.EVENTS.format(name=target.database)))}
    on = sorted(name for name, status in found.items() if status == "ENABLED")
    if on:
        raise OperationFailed(f"{host.hello.host}: the event {on[0]} of the copy runs beside the original's",
                              "restore it on a host without the original")
    # A backup of before has no list: then whatever is disabled may have been on.
    wanted = json.loads(manifest.facts.get("events") or json.dumps(sorted(found)))
    held = sorted(name for name in wanted if found.get(name) == "DISABLED")
    return {"events": f"disabled in the copy, on in the original: {', '.join(held)}"} if held else {}
