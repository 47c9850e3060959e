"""What hosts lack for the releases of a path: room, platform, packages. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from opsctl.core.errors import ConfigurationError
from opsctl.installs.model import HostState
from opsctl.releases.model import Release, Requirements
from opsctl.releases.prerequisites import at_least, strictest

Facts = Mapping[str, Mapping[str, Any]]
"""What each host said, by its name."""
RESERVE_BYTES = 64_000_000


def copied(release: Release) -> bool:
    """Whether the databases are copied before: the release migrates them, or goes back by a restored one."""
    return release.install.db_migration or release.rollback.method == "restore-backup"


def unmet(hops: Sequence[Release], facts: Facts, hosts: Sequence[HostState]) -> list[str]:
    """What the hosts lack for the hops, one line each."""
    try:
        needs = strictest([hop.requires for hop in hops])
    except ConfigurationError as error:
        return [error.message]
    lines = []
    for host in hosts:
        said = facts[host.host]
        if host.application:
            lines += [f"{host.host}: {line}" for line in _host_lacks(needs, hops, said)]
        lines += [f"{host.host}: {line}" for entry in said["databases"] for line in _database_lacks(needs, entry)]
        if any(copied(hop) for hop in hops):
            lines += [f"{host.host}: {line}" for line in _room_lacks(said)]
    return lines


def _room_lacks(said: Mapping[str, Any]) -> list[str]:
    """Room for the copies, and beside each database for a second one: the one that a failed release leaves is kept."""
    sizes = [entry for entry in said["databases"] if "bytes" in entry]
    copies = sum(int(entry["bytes"]) for entry in sizes)
    if not copies:
        return []
    free = int(said["free_bytes"]["copies"])
    lines = [] if free >= copies + RESERVE_BYTES else [
        f"{free // 1_000_000} MB are free for copies of {copies // 1_000_000} MB of databases"]
    back = min(int(entry["free_bytes"]) for entry in sizes)
    needed = copies + (copies if any(entry["with_copies"] for entry in sizes) else 0)
    return lines + ([] if back >= needed + RESERVE_BYTES else [
        f"{back // 1_000_000} MB are free where the databases lie, {needed // 1_000_000} MB are needed to go back if "
        "the release fails"])


def _host_lacks(needs: Requirements, hops: Sequence[Release], said: Mapping[str, Any]) -> list[str]:
    system = next((one for one in needs.os if one.name == said["os"]["name"]), None)
    lines = []
    if system is None or not at_least(said["os"]["version"], system.min):
        lines.append(f"{said['os']['name']} {said['os']['version']} is not among "
                     f"{', '.join(f'{one.name} {one.min}' for one in needs.os)} or later")
    free = int(said["free_bytes"]["packages"]) // 1_000_000
    if free < needs.free_space_mb:
        lines.append(f"{free} MB are free, {needs.free_space_mb} MB are needed")
    packages = [hop.apt.version for hop in hops if hop.apt]
    missing = [package for package in [*packages, said["installed"]] if package not in said["offered"]]
    lines += [f"release {hop.version} names no package in the apt repository" for hop in hops if hop.apt is None]
    return lines + ([f"the apt repository does not offer {', '.join(missing)}"] if missing else [])


def _database_lacks(needs: Requirements, entry: Mapping[str, Any]) -> list[str]:
    engine = next((one for one in needs.database if one.engine == entry["engine"]), None)
    if engine is not None and at_least(entry["version"], engine.min):
        return []
    allowed = ", ".join(f"{one.engine} {one.min}" for one in needs.database)
    return [f"database {entry['name']}: {entry['engine']} {entry['version']} is not among {allowed} or later"]
