"""What the physical engines share: a new data directory, with the server's configuration in a folder beside it."""

from __future__ import annotations

from collections.abc import Mapping

from opsctl.backup.dialogue import HostProgram
from opsctl.backup.engines.contract import Found, Target, archive, compress, decompress
from opsctl.backup.engines.room import require_free, server_bytes
from opsctl.backup.exchange import Command
from opsctl.backup.manifest import Manifest, StreamName
from opsctl.backup.naming import CONFIGURATION
from opsctl.core.errors import OperationFailed, UsageError


class InDirectory:
    """The part of `DatabaseEngine` that is about the place."""

    owner: str

    def companions(self, host: HostProgram, found: Found) -> Mapping[StreamName, tuple[Command, ...]]:
        return {CONFIGURATION: (archive(found.configuration), compress())} if found.configuration else {}

    def make(self, host: HostProgram, manifest: Manifest, target: Target) -> None:
        folders = (target.directory, *((target.configuration,) if manifest.of(CONFIGURATION) else ()))
        made = host.run(("install", "-d", "-o", self.owner, "-g", self.owner, "-m", "0700", *folders))
        if made.code:
            raise OperationFailed(f"{target.directory} on {host.hello.host} cannot be made: {made.err.strip()[:200]}",
                                  "give a directory whose parent exists and can be written")

    def beside(self, host: HostProgram, target: Target, stream: str) -> tuple[Command, ...]:
        return decompress(self.owner), Command("tar", ("tar", "-x", "-C", target.configuration, "-f", "-"), self.owner)

    def databases(self, host: HostProgram, target: Target) -> tuple[Target, ...]:
        """A directory has a server of its own."""
        return ()

    def undo(self, target: Target) -> tuple[str, ...]:
        return ("find", target.directory, target.configuration, "-xdev", "-mindepth", "1", "-delete")


def require_room(host: HostProgram, target: Target, manifest: Manifest) -> None:
    """The directories are missing or empty, no links, and their disk has room."""
    if not target.directory:
        raise UsageError(f"{manifest.backup_id} is a physical backup", "give a new data directory with --directory")
    for folder in (target.directory, target.configuration):
        seen = host.run(("find", folder, "-maxdepth", "1", "!", "(", "-path", folder, "-type", "d", ")",
                         "-print", "-quit"))
        if seen.out.strip():
            raise OperationFailed(f"{folder} on {host.hello.host} is not empty, or is no directory",
                                  "give a new directory; opsctl restores into nothing that exists")
    parent = target.directory.rsplit("/", 1)[0]
    require_free(host, parent, server_bytes(manifest) + manifest.size, "give a directory on a larger disk")


def require_architecture(host: HostProgram, manifest: Manifest) -> None:
    """A data directory only fits the architecture it was made on."""
    if host.hello.machine != manifest.architecture:
        raise OperationFailed(f"{host.hello.host} is {host.hello.machine}, the backup {manifest.architecture}",
                              "restore to a host of the same architecture")
