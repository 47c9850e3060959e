"""PostgreSQL, physical: a base backup of the whole cluster with the write-ahead log it needs.

Truth is the start and stop position in the log and the system identifier: a restored server that
has replayed to the stop position holds every transaction committed before the start.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import Any

from opsctl.backup.dialogue import HostProgram
from opsctl.backup.engines import postgresql_commands as commands
from opsctl.backup.engines.contract import (
    RECORDS,
    Found,
    Proof,
    Target,
    Tried,
    compress,
    decompress,
    require_tools,
)
from opsctl.backup.engines.directories import InDirectory, require_architecture, require_room
from opsctl.backup.engines.postgresql_server import OWNER, QUERY_SECONDS, ask, cluster, count, major_of
from opsctl.backup.exchange import Command, Transfer, telling_line
from opsctl.backup.manifest import Manifest
from opsctl.core.errors import OperationFailed
from opsctl.profiles.hosted import Database

_START = re.compile(r"write-ahead log start point: ([0-9A-F]+/[0-9A-F]+) on timeline (\d+)")
_STOP = re.compile(r"write-ahead log end point: ([0-9A-F]+/[0-9A-F]+)")


class PostgreSQL(InDirectory):
    """See the module and engines/contract.py."""

    owner = OWNER
    data_format = "tar | zstd | age"

    def inspect(self, host: HostProgram, database: Database) -> Found:
        require_tools(host, {"age": "age", "zstd": "zstd", "tar": "tar", "setpriv": "util-linux",
                             "pg_lsclusters": "postgresql-common"})
        major, port = cluster(host, database.cluster)
        require_tools(host, {commands.program(major, "pg_basebackup"): f"postgresql-client-{major}"})
        facts = json.loads(ask(host, major, port, commands.FACTS))
        _refuse(host.hello.host, facts)
        said = host.run(commands.replication_psql(major, port), user=self.owner, stdin="IDENTIFY_SYSTEM;\n")
        if said.code:
            raise OperationFailed(
                f"{host.hello.host}: PostgreSQL refuses a replication connection: {telling_line(said.err)}",
                "allow it in pg_hba.conf: `local replication postgres peer`, then reload the server")
        kept = {"system_identifier": facts["system_identifier"], "data_checksums": facts["checksums"],
                "cluster": database.cluster, "data_directory": facts["data_directory"]}
        folder = str(PurePosixPath(facts["config_file"]).parent)
        apart = folder if folder != facts["data_directory"] else None
        return Found(facts["version"].split()[0], int(facts["size"]), apart, kept, {"major": major, "port": port})

    @contextmanager
    def consistent(self, host: HostProgram, found: Found) -> Iterator[Found]:
        """A temporary slot keeps the log; it goes with its session, also when the program is killed."""
        slot = f"opsctl_{secrets.token_hex(6)}"
        host.hold(commands.hold_slot(found.settings["major"], found.settings["port"], slot), user=self.owner,
                  stdin=commands.HOLD_SLOT, marker="held")
        yield found
        host.release()

    def source(self, host: HostProgram, found: Found) -> tuple[Command, ...]:
        taken = Command("pg_basebackup", commands.base_backup(found.settings), self.owner)
        return (taken,) if int(found.settings["major"]) >= 15 else (taken, compress())

    def conclude(self, host: HostProgram, found: Found, transfer: Transfer) -> Proof:
        said = transfer.stages[0].stderr
        start, stop = _START.search(said), _STOP.search(said)
        if start is None or stop is None:
            raise OperationFailed(f"{host.hello.host}: pg_basebackup did not say where the log starts and stops",
                                  "look into the server's log, then run it again")
        return Proof({**found.facts, "start_lsn": start[1], "timeline": start[2], "stop_lsn": stop[1]})

    def fits(self, host: HostProgram, manifest: Manifest, target: Target) -> Target:
        require_architecture(host, manifest)
        require_tools(host, {"age": "age", "zstd": "zstd", "tar": "tar",
                             commands.program(major_of(manifest), "postgres"): f"postgresql-{major_of(manifest)}"})
        require_room(host, target, manifest)
        return target

    def unpack(self, target: Target, manifest: Manifest) -> tuple[Command, ...]:
        return decompress(self.owner), Command("tar", ("tar", "-x", *RECORDS, "-p", "-C", target.directory, "-f", "-"),
                                               self.owner)

    def prepare(self, host: HostProgram, target: Target) -> None:
        """Nothing: the server replays the log when it starts."""

    def server(self, target: Target, manifest: Manifest) -> tuple[str, ...]:
        folder = target.configuration if manifest.of("configuration") else target.directory
        return commands.server(major_of(manifest), target.directory, folder, target.port)

    def try_out(self, host: HostProgram, target: Target, manifest: Manifest) -> Tried:
        major, port = major_of(manifest), str(target.port)
        facts = json.loads(ask(host, major, port, commands.RECOVERED))
        if facts["in_recovery"] or _position(facts["lsn"]) < _position(manifest.facts["stop_lsn"]):
            raise OperationFailed(f"{host.hello.host}: the restored server recovered only to {facts['lsn']}, "
                                  f"not to {manifest.facts['stop_lsn']}", "use another backup")
        if facts["system_identifier"] != manifest.facts["system_identifier"]:
            raise OperationFailed(f"{host.hello.host}: the restored server has another system identifier",
                                  "use another backup, and find out what this one is")
        checked = host.run(commands.amcheck(major, target.port), user=self.owner, seconds=QUERY_SECONDS)
        if checked.code:
            raise OperationFailed(f"{host.hello.host}: pg_amcheck found damage",
                                  "use another backup, and check the original database too",
                                  (telling_line(checked.out + checked.err),))
        rows = {f"{name}.{table}": number for name in ask(host, major, port, commands.DATABASES).split()
                for table, number in count(host, major, port, name).items()}
        return Tried(facts["version"], {"lsn": facts["lsn"], "system_identifier": facts["system_identifier"]},
                     rows, {"pg_amcheck": "sound"})

    def after_stop(self, host: HostProgram, target: Target, manifest: Manifest) -> Mapping[str, str]:
        if manifest.facts.get("data_checksums") != "on":
            return {"pg_checksums": "not exercised: the cluster has no data checksums"}
        checked = host.run((commands.program(major_of(manifest), "pg_checksums"), "--check", "-D", target.directory),
                           user=self.owner, seconds=QUERY_SECONDS)
        if checked.code:
            raise OperationFailed(f"{host.hello.host}: pg_checksums: {telling_line(checked.out + checked.err)}",
                                  "use another backup, and check the original database too")
        return {"pg_checksums": "sound"}


def _refuse(host: str, facts: Mapping[str, Any]) -> None:
    if facts["in_recovery"]:
        raise OperationFailed(f"{host}: the cluster is a standby; a backup of it would restore as one",
                              "name the primary's host in `databases`")
    if facts["tablespaces"]:
        raise OperationFailed(f"{host}: the cluster has tablespaces besides the default "
                              f"({', '.join(facts['tablespaces'])}), which one stream cannot hold",
                              "move their tables back: ALTER TABLE ... SET TABLESPACE pg_default; then drop them")
    if not facts["may_replicate"]:
        raise OperationFailed(f"{host}: the role postgres has no replication right",
                              "ALTER ROLE postgres REPLICATION;")
    if facts["wal_level"] == "minimal":
        raise OperationFailed(f"{host}: wal_level is minimal", "set wal_level = replica and restart the server")
    if facts["senders_free"] < 1:
        raise OperationFailed(f"{host}: no WAL sender is free", "raise max_wal_senders and restart the server")
    if facts["slots_free"] < 1:
        raise OperationFailed(f"{host}: no replication slot is free",
                              "drop unused slots, or raise max_replication_slots and restart the server")


def _position(lsn: str) -> int:
    high, _, low = lsn.partition("/")
    return (int(high, 16) << 32) + int(low, 16)
