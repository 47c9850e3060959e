"""What READY's state on all hosts, as they say it, means for an installation that did not come to its end. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from opsctl.installs.lacking import Facts
from opsctl.profiles.hosted import HostRole
from opsctl.profiles.model import Profile, hosts_of


@dataclass(frozen=True)
class Way:
    """How to go back. restore: the databases are put back from their copies. running: READY is healthy in the release
    before already, so nothing is touched. obstacle: why there is no way back; "" where there is."""

    restore: bool = False
    running: bool = False
    obstacle: str = ""


def way_back(profile: Profile, facts: Facts, started: Mapping[str, Any]) -> Way:
    """From how every host stands. started: what the installation recorded at its start.

    Until an application host has another package nothing was migrated, and READY may have gone on in the release
    before, with writes that its databases hold and their copies do not.
    """
    package = str(started["from_package"])
    if runs_well(profile, facts, str(started["from"]), package):
        return Way(running=True)
    if not _moved(profile, facts, package):
        return Way()
    if not started["reversible"]:
        return Way(obstacle="its release offers no way back")
    lacking = _uncopied(profile, facts, package) if started["copies"] else ()
    return Way(restore=bool(started["copies"]),
               obstacle=f"there is no copy of {', '.join(lacking)} to go back to" if lacking else "")


def runs_well(profile: Profile, facts: Facts, version: str, package: str) -> bool:
    """Whether every application host, and there is one, has the package and READY answers healthy in `version`."""
    names = applications(profile)
    return bool(names) and all(
        name in facts and facts[name]["installed"] == package and facts[name]["version"] == version
        and not facts[name]["wrong"] and not facts[name]["interrupted"] for name in names)


def applications(profile: Profile) -> list[str]:
    """The hosts that READY runs on."""
    return [host.name for host in hosts_of(profile) if HostRole.APPLICATION in host.roles]


def begun(profile: Profile, facts: Facts, package: str) -> bool:
    """Whether READY may have been started in the new release: the package is whole on an application host."""
    return any(facts[name]["installed"] == package and not facts[name]["interrupted"] for name in applications(profile))


def _moved(profile: Profile, facts: Facts, package: str) -> bool:
    """Whether an application host is not as `package` left it, so that the databases may have been migrated."""
    return any(facts[name]["installed"] != package or facts[name]["interrupted"] for name in applications(profile))


def _uncopied(profile: Profile, facts: Facts, package: str) -> tuple[str, ...]:
    """The databases without a complete copy of that release on their hosts, as `host: name`."""
    copied = {(host, copy["name"]) for host, said in facts.items() for copy in said["copies"]
              if copy["version"] == package}
    return tuple(f"{host.name}: {entry['name']}" for host in hosts_of(profile)
                 for entry in facts[host.name]["databases"] if (host.name, entry["name"]) not in copied)
