"""What the hosts say of READY now, by one survey over all of them."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from opsctl.core.errors import OperationFailed
from opsctl.installs.planning import Facts, facts_of
from opsctl.profiles.hosted import HostRole
from opsctl.profiles.model import Profile, hosts_of
from opsctl.runs.playbook import survey
from opsctl.runs.workplace import Workplace

if TYPE_CHECKING:
    from opsctl.adapters.ansible_events import HostResult

PAUSE_SECONDS = 5
Seen = tuple[Facts, Mapping[str, str]]
"""What each host said, and why it said nothing, both by host name."""


def look(workplace: Workplace, profiles: Sequence[Profile]) -> dict[str, Seen]:
    """By customer. OperationFailed when no host at all could be reached."""
    from opsctl.adapters.ansible_catalogue import READY_SURVEY

    found = survey(workplace, profiles, READY_SURVEY)
    return {profile.customer: facts_of(by_host(profile, found.hosts.values())) for profile in profiles}


def wait_well(workplace: Workplace, profile: Profile, version: str, package: str) -> bool:
    """Whether READY runs well in `version`: it is given `healthy_seconds` where every host has the package already.

    One page that fails once must not take back what READY has written meanwhile. OperationFailed for a host that
    says nothing: of that nobody knows what it wrote.
    """
    until = time.monotonic() + workplace.settings.policy.healthy_seconds
    while True:
        facts, silent = look(workplace, [profile])[profile.customer]
        if silent:
            raise OperationFailed(f"{profile.customer}: {', '.join(silent)} says nothing, so nothing was taken back",
                                  "see that it can be reached, then run it again", tuple(silent.values()))
        if runs_well(profile, facts, version, package):
            return True
        if time.monotonic() >= until or not begun(profile, facts, package):
            return False
        time.sleep(PAUSE_SECONDS)


def begun(profile: Profile, facts: Facts, package: str) -> bool:
    """Whether READY may have been started in the new release: the package is whole on every application host."""
    names = _applications(profile)
    return bool(names) and all(facts[name]["installed"] == package and not facts[name]["interrupted"] for name in names)


def by_host(profile: Profile, results: Any) -> Mapping[str, HostResult]:
    """Of the results of a run, the customer's, by host name."""
    return {result.target.host.name: result for result in results if result.target.customer == profile.customer}


def runs_well(profile: Profile, facts: Facts, version: str, package: str) -> bool:
    """Whether every application host, and there is one, has the package and READY answers healthy in `version`."""
    names = _applications(profile)
    return bool(names) and all(
        name in facts and facts[name]["installed"] == package and facts[name]["version"] == version
        and not facts[name]["wrong"] and not facts[name]["interrupted"] for name in names)


def _applications(profile: Profile) -> list[str]:
    return [host.name for host in hosts_of(profile) if HostRole.APPLICATION in host.roles]
