"""From what the hosts said to a plan of an upgrade: pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from opsctl.profiles.hosted import Engine, HostRole
from opsctl.profiles.inventory import in_order
from opsctl.profiles.model import KamstrupProfile
from opsctl.runs.plans import inventory_digest, terms_digest
from opsctl.upgrades.model import HostUpgrade, OldCluster, Platform, Target, UpgradePlan

Facts = Mapping[str, Mapping[str, Any]]

BY_SNAPSHOT = "the machines' snapshots, taken while READY is stopped"
BY_CLUSTER = "the old cluster, kept beside the new one"
NO_SNAPSHOTS = ("no program that takes snapshots of the machines is set, and without one an upgrade of the Debian "
                "release has no way back: set `snapshots` in opsctl.yml, see docs/upgrades.md")


def hosts_of(profile: KamstrupProfile, target: Target) -> tuple[str, ...]:
    """The hosts that the upgrade is about, in the order of the work."""
    if target.platform is Platform.DEBIAN:
        return tuple(host.name for host in in_order(profile))
    mine = {database.host for database in profile.databases if database.engine is Engine.POSTGRESQL}
    return tuple(host.name for host in in_order(profile) if host.name in mine)


def plan_of(profile: KamstrupProfile, target: Target, facts: Facts, silent: Mapping[str, str], revision: str,
            at: datetime, *, snapshots: bool) -> UpgradePlan:
    """The plan of one customer. facts: of `upgrade_survey` by host; silent: why a host said nothing.

    snapshots: whether a program that takes them is set.
    """
    about = hosts_of(profile, target)
    hosts = tuple(_host(host.name, facts.get(host.name), silent, target, host.name in about,
                        _clusters(profile, host.name)) for host in in_order(profile))
    obstacles = []
    if target.platform is Platform.DEBIAN and not snapshots and any(host.due for host in hosts):
        obstacles.append(NO_SNAPSHOTS)
    return UpgradePlan(profile.customer, target, hosts,
                       BY_SNAPSHOT if target.platform is Platform.DEBIAN else BY_CLUSTER, terms_digest(profile, at),
                       inventory_digest(profile), revision, tuple(obstacles))


def application_hosts(profile: KamstrupProfile) -> tuple[str, ...]:
    """The hosts on which READY runs."""
    return tuple(host.name for host in profile.hosts if HostRole.APPLICATION in host.roles)


def _clusters(profile: KamstrupProfile, host: str) -> Sequence[str]:
    return sorted({database.cluster for database in profile.databases
                   if database.host == host and database.engine is Engine.POSTGRESQL})


def _host(name: str, facts: Mapping[str, Any] | None, silent: Mapping[str, str], target: Target, about: bool,
          clusters: Sequence[str]) -> HostUpgrade:
    if facts is None:
        return HostUpgrade(name, "unknown", False, problems=(
            f"the host could not be read: {silent.get(name, 'no answer')}",))
    system = f"{facts['os']['name'].capitalize()} {facts['os']['version']}"
    if target.platform is Platform.DEBIAN:
        ahead = facts["next"]
        return HostUpgrade(name, system, facts["due"], ahead["packages"], ahead["download"] // 1_000_000,
                           ahead["grows"] // 1_000_000, tuple(sorted(ahead["removed"])), tuple(facts["sources"]),
                           problems=tuple(facts["problems"]))
    mine = [one for one in facts["clusters"] if one["cluster"] in clusters and one["online"]]
    runs = ", ".join(f"PostgreSQL {one['version']}/{one['cluster']}" for one in mine)
    old = tuple(OldCluster(one["cluster"], one["version"], one["port"]) for one in mine
                if one["version"] != target.version) if about else ()
    return HostUpgrade(name, runs or f"no PostgreSQL of READY's, {system}", about and facts["due"], clusters=old,
                       grows_mb=sum(one["bytes"] for one in mine) // 1_000_000 if about and facts["due"] else 0,
                       problems=tuple(facts["problems"]))
