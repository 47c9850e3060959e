"""What the logical engines share: a new database of a server that runs, beside those it has."""

from __future__ import annotations

import re
from collections.abc import Mapping

from opsctl.backup.dialogue import HostProgram
from opsctl.backup.engines.contract import Target
from opsctl.backup.engines.room import require_free, server_bytes
from opsctl.backup.exchange import Command
from opsctl.backup.manifest import Manifest
from opsctl.core.errors import OperationFailed, UsageError


class InDatabase:
    """The part of `DatabaseEngine` that is about the place."""

    def beside(self, host: HostProgram, target: Target, stream: str) -> tuple[Command, ...]:
        """The roles stay in the store: loading them could change passwords of the server's own."""
        return ()

    def prepare(self, host: HostProgram, target: Target) -> None:
        """Nothing: it is loaded when the pipeline ends."""

    def server(self, target: Target, manifest: Manifest) -> tuple[str, ...]:
        return ()

    def after_stop(self, host: HostProgram, target: Target, manifest: Manifest) -> Mapping[str, str]:
        return {}


def require_database(target: Target, manifest: Manifest) -> None:
    """A logical backup goes into a database, not into a directory."""
    if not target.database:
        raise UsageError(f"{manifest.backup_id} is a logical backup", "give the new database's name with --database")


def require_free_name(host: HostProgram, target: Target, present: bool) -> None:
    """Nothing that exists is restored over."""
    if present:
        raise OperationFailed(f"{host.hello.host} has a database {target.database} already",
                              "give a new name; opsctl restores into nothing that exists")


def require_room_in(host: HostProgram, folder: str, manifest: Manifest) -> None:
    """The disk of the server's own data has room: a full one would stop every database of that server."""
    require_free(host, folder, server_bytes(manifest), "restore on another host, or make room on that disk")


def require_not_older(host: HostProgram, made: str, here: str) -> None:
    """A dump loads into its own version and newer ones. made, here: the servers' versions, such as 17.5."""
    if _numbers(here) < _numbers(made):
        raise OperationFailed(f"{host.hello.host} has version {here}, the backup is of {made}",
                              "restore to a server of the same or a newer version")


def _numbers(version: str) -> tuple[int, ...]:
    """The release series: 17.5 -> (17,), 18beta1 -> (18,), 11.8.3-MariaDB -> (11, 8)."""
    numbers = version.split("-", maxsplit=1)[0].split(".")
    return tuple(int(re.sub(r"\D.*", "", number) or 0) for number in numbers[:max(1, len(numbers) - 1)])
