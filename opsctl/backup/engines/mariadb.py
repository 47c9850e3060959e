"""MariaDB, physical: mariadb-backup's stream of the whole server.

mbstream may end with 0 on a truncated stream, so three things must agree: every stage's exit code,
"completed OK!" as the last word of the log, and the report file that is written at the very end.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opsctl.backup.dialogue import HostProgram
from opsctl.backup.engines import mariadb_commands as commands
from opsctl.backup.engines.contract import Found, Proof, Target, Tried, compress, decompress, require_tools
from opsctl.backup.engines.directories import InDirectory, require_architecture, require_room
from opsctl.backup.engines.mariadb_server import QUERY_SECONDS, ask, count
from opsctl.backup.exchange import Command, Transfer
from opsctl.backup.manifest import Manifest
from opsctl.core.errors import OperationFailed
from opsctl.profiles.hosted import Database

CONFIGURATION = "/etc/mysql"
REPORTS = ("mariadb_backup_info", "xtrabackup_info")
"""What mariadb-backup calls its report: seen with 11.8 the first, with 10.11 the second."""
_KEPT = ("tool_version", "server_version", "start_time", "end_time", "innodb_from_lsn", "innodb_to_lsn", "binlog_pos")


class MariaDB(InDirectory):
    """See the module and engines/contract.py."""

    owner = "mysql"
    data_format = "xbstream | zstd | age"

    def inspect(self, host: HostProgram, database: Database) -> Found:
        require_tools(host, {"age": "age", "zstd": "zstd", "tar": "tar", "setpriv": "util-linux",
                             "mariadb": "mariadb-client", "mariadb-backup": "mariadb-backup"})
        facts = json.loads(ask(host, commands.FACTS))
        outside = [path for path in (facts["home"], facts["undo"]) if path.startswith("/")
                   and not path.startswith(facts["datadir"])]
        if outside:
            raise OperationFailed(f"{host.hello.host}: MariaDB keeps tables outside its data directory "
                                  f"({', '.join(outside)})", "move them into it; other layouts are not supported")
        _require_inside(host, facts["datadir"])
        kept = {"data_directory": facts["datadir"], "page_size": str(facts["page_size"]),
                "server_uid": str(facts["server_uid"])}
        return Found(facts["version"].split()[0], int(facts["size"]), CONFIGURATION, kept)

    @contextmanager
    def consistent(self, host: HostProgram, found: Found) -> Iterator[Found]:
        """mariadb-backup follows the log by itself."""
        yield found

    def source(self, host: HostProgram, found: Found) -> tuple[Command, ...]:
        return Command("mariadb-backup", commands.backup(host.hello.scratch)), compress()

    def conclude(self, host: HostProgram, found: Found, transfer: Transfer) -> Proof:
        last = transfer.stages[0].stderr.rstrip().splitlines()[-1:] or [""]
        if not last[0].endswith("completed OK!"):
            raise OperationFailed(f"{host.hello.host}: mariadb-backup did not say that it completed",
                                  "look at the details in the server's log, then run it again", (last[0][:300],))
        report = _report(host, f"{host.hello.scratch}/report")
        text = host.run(("cat", *report)).out if report else ""
        lines = dict(line.split(" = ", 1) for line in text.splitlines() if " = " in line)
        if "end_time" not in lines:
            raise OperationFailed(f"{host.hello.host}: mariadb-backup left no complete {REPORTS[0]}",
                                  "look into the server's log, then run it again")
        return Proof({**found.facts, **{name: lines[name] for name in _KEPT if lines.get(name)}})

    def fits(self, host: HostProgram, manifest: Manifest, target: Target) -> Target:
        require_architecture(host, manifest)
        require_tools(host, {"age": "age", "zstd": "zstd", "mbstream": "mariadb-backup",
                             "mariadb-backup": "mariadb-backup", "mariadbd": "mariadb-server"})
        said = host.run(("/usr/sbin/mariadbd", "--no-defaults", "--version"))
        if _series(manifest.engine_version) not in said.out:
            raise OperationFailed(f"{host.hello.host} has another MariaDB than {manifest.engine_version}: "
                                  f"{said.out.strip()[:120]}", "restore to a host with the same series")
        require_room(host, target, manifest)
        return target

    def unpack(self, target: Target, manifest: Manifest) -> tuple[Command, ...]:
        return decompress(self.owner), Command("mbstream", commands.unpack(target.directory), self.owner)

    def prepare(self, host: HostProgram, target: Target) -> None:
        """Links of tables with DATA DIRECTORY go first: they name the running server's files, and theirs are here."""
        present = _report(host, target.directory)
        gone = host.run(commands.links(target.directory, "-delete"), user=self.owner, seconds=QUERY_SECONDS)
        said = host.run(commands.prepare(target.directory), user=self.owner, seconds=QUERY_SECONDS)
        if not present or gone.code or said.code or not said.err.rstrip().endswith("completed OK!"):
            raise OperationFailed(f"{host.hello.host}: the restored files could not be prepared",
                                  "use another backup", tuple(said.err.rstrip().splitlines()[-3:]))

    def server(self, target: Target, manifest: Manifest) -> tuple[str, ...]:
        return commands.server(target.directory, target.port)

    def try_out(self, host: HostProgram, target: Target, manifest: Manifest) -> Tried:
        path = commands.socket(target.directory)
        version = ask(host, "select version();\n", path).strip()
        checked = host.run(commands.check(path), seconds=QUERY_SECONDS)
        bad = checked.out.strip().splitlines()
        if checked.code or bad:
            raise OperationFailed(f"{host.hello.host}: CHECK TABLE found damage", "use another backup", tuple(bad[:20]))
        return Tried(version, {}, count(host, path), {"CHECK TABLE": "sound"})

    def after_stop(self, host: HostProgram, target: Target, manifest: Manifest) -> Mapping[str, str]:
        return {}


def _require_inside(host: HostProgram, folder: str) -> None:
    """No table has DATA DIRECTORY: its restored file and its link would be two places for one table."""
    said = host.run(commands.links(folder, "-printf", "%P\\n"), seconds=QUERY_SECONDS)
    if said.code:
        raise OperationFailed(f"{host.hello.host}: {folder} cannot be looked through: {said.err.strip()[:200]}",
                              "look at the disk, then run it again")
    names = sorted(line.removesuffix(".isl").replace("/", ".", 1) for line in said.out.splitlines())
    if names:
        raise OperationFailed(f"{host.hello.host}: {len(names)} tables or partitions lie outside MariaDB's data "
                              f"directory (DATA DIRECTORY): {', '.join(names)[:300]}",
                              "make each anew without it: CREATE TABLE new LIKE old; INSERT INTO new SELECT * FROM "
                              "old; RENAME TABLE; then foreign keys and triggers, which LIKE leaves out")


def _report(host: HostProgram, folder: str) -> tuple[str, ...]:
    """The tool's report that is in the folder and not empty; () when there is none."""
    listed = host.run(("find", folder, "-maxdepth", "1", "-size", "+0", "(", "-name", REPORTS[0], "-o", "-name",
                       REPORTS[1], ")"))
    return tuple(listed.out.split("\n")[:1]) if listed.out else ()


def _series(version: str) -> str:
    """11.8.3-MariaDB-... -> 11.8."""
    return ".".join(version.split(".")[:2]) + "."
