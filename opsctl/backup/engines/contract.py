"""What the use cases need of an engine. `*_commands.py` hold the exact argument lists, the engines their meaning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from opsctl.backup.dialogue import HostProgram
from opsctl.backup.exchange import Command, Transfer
from opsctl.backup.manifest import Manifest
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
class Target:
    """Where a backup is restored to: a new, empty data directory on a host, and the port to try it on."""

    directory: str
    port: int

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
    """One engine. Every method raises OperationFailed naming the host's side of the problem and its remedy."""

    owner: str
    """The operating system's user that owns a data directory."""
    data_format: str
    """How the data stream is made, innermost first."""

    def inspect(self, host: HostProgram, database: Database) -> Found:
        """Preflight: server up, rights, tools; nothing is changed."""

    def consistent(self, host: HostProgram, found: Found) -> AbstractContextManager[None]:
        """Whatever must hold on the server while the data stream runs."""

    def source(self, host: HostProgram, found: Found) -> tuple[Command, ...]:
        """The stages up to compressed data on standard output."""

    def conclude(self, host: HostProgram, found: Found, transfer: Transfer) -> Mapping[str, str]:
        """The engine's own word that the stream is whole, as facts for the manifest."""

    def fits(self, host: HostProgram, manifest: Manifest) -> None:
        """Whether this host has the right engine, version, architecture and tools to restore `manifest`."""

    def unpack(self, target: Target, manifest: Manifest) -> tuple[Command, ...]:
        """The stages from compressed data on standard input into the data directory."""

    def prepare(self, host: HostProgram, target: Target) -> None:
        """What the files need before the server can use them."""

    def server(self, target: Target, manifest: Manifest) -> tuple[str, ...]:
        """The server's command line on the restored files: apart from any other, and without the network."""

    def try_out(self, host: HostProgram, target: Target, manifest: Manifest) -> Tried:
        """Ask the started server: recovered far enough, pages and indexes sound, how many rows."""

    def after_stop(self, host: HostProgram, target: Target, manifest: Manifest) -> Mapping[str, str]:
        """Checks that need the server stopped."""


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
