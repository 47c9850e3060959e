"""What the use cases need of an engine. `*_commands.py` hold the exact argument lists, the engines their meaning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from opsctl.backup.dialogue import HostProgram
from opsctl.backup.exchange import Command, Transfer
from opsctl.backup.manifest import Manifest, StreamName
from opsctl.core.errors import OperationFailed
from opsctl.profiles.hosted import Database


@dataclass(frozen=True)
class Found:
    """What the preflight saw. size: bytes of data on the host. configuration: the folder that belongs to it.

    facts: go into the manifest. settings: the engine's own way to the server (port, paths).
    """

    version: str
    size: int
    configuration: str | None
    facts: Mapping[str, str]
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Proof:
    """The engine's own word that a stream is whole. rows: by `schema.table`, exact for the data of the stream."""

    facts: Mapping[str, str]
    rows: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Target:
    """Where a backup is restored to: a new data directory and a port to try it on, or a new database of a server.

    directory is "" for a database, database is "" for a directory. settings: the engine's way to the server.
    """

    directory: str
    port: int
    database: str = ""
    cluster: str = "main"
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def place(self) -> str:
        """What to call it."""
        return self.directory or f"the database {self.database}"

    @property
    def configuration(self) -> str:
        """The folder beside it that takes the configuration."""
        return f"{self.directory}.configuration"


@dataclass(frozen=True)
class Tried:
    """What a restored server showed. rows: by `database.schema.table`. checks: what was checked, with its result."""

    version: str
    facts: Mapping[str, str]
    rows: Mapping[str, int]
    checks: Mapping[str, str]


class DatabaseEngine(Protocol):
    """One way to back an engine up. Every method raises OperationFailed naming the host's side and the remedy.

    The order: preflight (inspect), stream (consistent around source and conclude, then companions), restore (fits,
    make, unpack, beside, prepare), verify (server, try_out, after_stop). `undo` is for a restore that failed.
    tests/lab/test_engine_contract.py is what every implementation keeps, on real servers.
    """

    owner: str
    """The operating system's user that owns the data."""
    data_format: str
    """How the data stream is made, innermost first."""

    def inspect(self, host: HostProgram, database: Database) -> Found:
        """Preflight: server up, rights, tools; nothing is changed."""

    def consistent(self, host: HostProgram, found: Found) -> AbstractContextManager[Found]:
        """Whatever must hold on the server while the data stream runs; yields what was found, completed by it."""

    def source(self, host: HostProgram, found: Found) -> tuple[Command, ...]:
        """The stages up to compressed data on standard output."""

    def conclude(self, host: HostProgram, found: Found, transfer: Transfer) -> Proof:
        """The engine's own word that the stream is whole; called before `consistent` ends."""

    def companions(self, host: HostProgram, found: Found) -> Mapping[StreamName, tuple[Command, ...]]:
        """What is stored beside the data, by stream name: the stages up to compressed bytes on standard output."""

    def fits(self, host: HostProgram, manifest: Manifest, target: Target) -> Target:
        """Whether `manifest` can be restored here: version, architecture, tools, room, and that the place is free.

        Returns the target with its settings. Nothing is changed.
        """

    def make(self, host: HostProgram, manifest: Manifest, target: Target) -> None:
        """Make the empty place."""

    def unpack(self, target: Target, manifest: Manifest) -> tuple[Command, ...]:
        """The stages from compressed data on standard input into the place."""

    def beside(self, host: HostProgram, target: Target, stream: str) -> tuple[Command, ...]:
        """The stages from a companion's compressed bytes to its place; () leaves it in the store."""

    def prepare(self, host: HostProgram, target: Target) -> None:
        """What the files need before the server can use them."""

    def server(self, target: Target, manifest: Manifest) -> tuple[str, ...]:
        """The command line of a server of its own, without the network; () when the host's server has the data."""

    def try_out(self, host: HostProgram, target: Target, manifest: Manifest) -> Tried:
        """Ask the server: recovered far enough, sound, how many rows."""

    def after_stop(self, host: HostProgram, target: Target, manifest: Manifest) -> Mapping[str, str]:
        """Checks that need the server stopped."""

    def databases(self, host: HostProgram, target: Target) -> tuple[Target, ...]:
        """Each database of the server that a backup would be restored into; () when it gets one of its own."""

    def undo(self, target: Target) -> tuple[str, ...]:
        """The command, as root, that removes what a failed restore put into the place that `make` made."""


def compress() -> Command:
    """zstd -1: measured smaller and faster than -3 on metering data (16 million readings)."""
    return Command("zstd", ("zstd", "-1", "-q", "-c"))


def decompress(user: str) -> Command:
    """The other way."""
    return Command("zstd", ("zstd", "-d", "-q", "-c"), user)


def encrypt(recipients: Sequence[str], user: str) -> Command:
    """age for every recipient; public keys only."""
    return Command("age", ("age", "-e", *(word for key in recipients for word in ("-r", key))), user)


def decrypt() -> Command:
    """age with the identity that the host program keeps in memory."""
    return Command("age", ("age", "-d", "-i", "{identity}"))


RECORDS = ("--blocking-factor=2048",)
"""tar reads a mebibyte at a time, not ten kibibytes: measured, a quarter less time for a restore's last stage."""


def archive(folder: str) -> Command:
    """A folder's content as tar, with owners by name."""
    return Command("tar", ("tar", "-C", folder, "-c", "-f", "-", "."))


def require_tools(host: HostProgram, wanted: Mapping[str, str]) -> None:
    """OperationFailed naming what is missing and the Debian package that has it: {program: package}."""
    paths = host.which(tuple(wanted))
    missing = sorted(name for name, path in paths.items() if path is None)
    if missing:
        packages = sorted({wanted[name] for name in missing})
        raise OperationFailed(f"{host.hello.host}: {', '.join(missing)} not found",
                              f"run playbook backup.yml, or on the host: apt-get install {' '.join(packages)}")
