"""What a plan to upgrade the platform says: pure values, one hash that an approval signs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from opsctl.core.digest import digest
from opsctl.runs.plans import basis_differences


class Platform(StrEnum):
    """What is upgraded."""

    DEBIAN = "debian"
    POSTGRESQL = "postgresql"


NAMES = {Platform.DEBIAN: "Debian", Platform.POSTGRESQL: "PostgreSQL"}


@dataclass(frozen=True)
class Target:
    """A Debian release or a major version of PostgreSQL to go to."""

    platform: Platform
    version: int

    def __str__(self) -> str:
        return f"{NAMES[self.platform]} {self.version}"


def target_of(payload: Mapping[str, Any]) -> Target:
    """The target as a payload has it."""
    return Target(Platform(payload["target"]["platform"]), int(payload["target"]["version"]))


@dataclass(frozen=True)
class OldCluster:
    """A PostgreSQL cluster to be upgraded; it is kept beside the new one."""

    cluster: str
    version: int
    port: int


@dataclass(frozen=True)
class HostUpgrade:
    """One host. due: False where it is there already, or has nothing of the sort.

    sources: every apt source with its fate, as the host's survey gave it. removed: what apt takes away, mostly
    libraries that come back under another name. download_mb, grows_mb: what apt says it fetches and needs.
    """

    host: str
    current: str
    due: bool
    packages: int = 0
    download_mb: int = 0
    grows_mb: int = 0
    removed: tuple[str, ...] = ()
    sources: tuple[Mapping[str, Any], ...] = ()
    clusters: tuple[OldCluster, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def left(self) -> tuple[str, ...]:
        """Sources that have nothing for the new release and are switched off, with the reason."""
        return tuple(f"{one['uri']} {one['suite']} is switched off: {one['why']}" for one in self.sources
                     if one["fate"] == "left")


@dataclass(frozen=True)
class UpgradePlan:
    """The plan of one customer, hosts in the order of the work.

    terms, inventory, revision: sha256 of the contract's terms, the hosts.yml text and the playbook.
    way_back: in words, what is gone back by.
    """

    customer: str
    target: Target
    hosts: tuple[HostUpgrade, ...]
    way_back: str
    terms: str
    inventory: str
    revision: str
    obstacles: tuple[str, ...] = ()

    @property
    def problems(self) -> tuple[str, ...]:
        """Why it cannot be applied, one line each; empty when it can."""
        return (*self.obstacles, *(f"{host.host}: {line}" for host in self.hosts for line in host.problems))

    @property
    def due(self) -> tuple[HostUpgrade, ...]:
        """The hosts that are to be upgraded."""
        return tuple(host for host in self.hosts if host.due)

    @property
    def nothing_to_do(self) -> bool:
        """True when every host was read and is there."""
        return not self.due and not self.problems

    @property
    def hash(self) -> str:
        """sha256 of the canonical text: what an approval signs.

        The counts are left out: a mirror gets new versions each day, and they decide nothing.
        """
        document = self.document()
        for host in document["hosts"]:
            del host["packages"], host["download_mb"], host["grows_mb"]
        return digest(document)

    def document(self) -> dict[str, Any]:
        """The plan as JSON-serialisable data."""
        return asdict(self)


def plan_from(document: Mapping[str, Any]) -> UpgradePlan:
    """The plan of a plan file's data; KeyError, TypeError or ValueError when it is not one."""
    hosts = tuple(HostUpgrade(**{
        **host, "clusters": tuple(OldCluster(**one) for one in host["clusters"]),
        **{key: tuple(host[key]) for key in ("removed", "sources", "problems")}}) for host in document["hosts"])
    return UpgradePlan(**{**document, "hosts": hosts, "target": target_of(document),
                          "obstacles": tuple(document["obstacles"])})


def differences(approved: UpgradePlan, fresh: UpgradePlan) -> tuple[str, ...]:
    """What changed from the approved plan to the fresh one, one line each; empty when their hashes agree."""
    if approved.hash == fresh.hash:
        return ()
    lines = basis_differences(approved, fresh)
    lines += [f"{what} changed from {left} to {right}" for what, left, right in (
        ("the target", approved.target, fresh.target), ("the way back", approved.way_back, fresh.way_back),
        ("the obstacles", _words(approved.obstacles), _words(fresh.obstacles))) if left != right]
    old = {host.host: host for host in approved.hosts}
    for host in fresh.hosts:
        lines += _host_differences(old.pop(host.host, None), host)
    return (*lines, *(f"{name} is no longer a host" for name in old))


def _host_differences(old: HostUpgrade | None, new: HostUpgrade) -> list[str]:
    if old is None:
        return [f"{new.host} is new"]
    return [f"{new.host}: {what} changed from {left} to {right}" for what, left, right in (
        ("what runs", old.current, new.current), ("what is removed", _words(old.removed), _words(new.removed)),
        ("the sources", _fates(old), _fates(new)), ("the clusters", _clusters(old), _clusters(new)),
        ("the problems", _words(old.problems), _words(new.problems))) if left != right]


def _words(values: tuple[str, ...]) -> str:
    return ", ".join(values) or "nothing"


def _fates(host: HostUpgrade) -> str:
    return _words(tuple(f"{one['uri']} {one['suite']} {one['fate']}" for one in host.sources))


def _clusters(host: HostUpgrade) -> str:
    return _words(tuple(f"{one.version}/{one.cluster} on port {one.port}" for one in host.clusters))
