"""What the hosts say of READY now, by one survey over all of them."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from opsctl.core.errors import OperationFailed
from opsctl.installs.lacking import Facts
from opsctl.installs.planning import facts_of
from opsctl.installs.seen import begun, runs_well
from opsctl.profiles.model import Profile
from opsctl.runs.playbook import survey
from opsctl.runs.workplace import Workplace

if TYPE_CHECKING:
    from opsctl.adapters.ansible_events import HostResult

PAUSE_SECONDS = 5
SILENT_SECONDS = 120
Seen = tuple[Facts, Mapping[str, str]]
"""What each host said, and why it said nothing, both by host name."""


def look(workplace: Workplace, profiles: Sequence[Profile]) -> dict[str, Seen]:
    """By customer. OperationFailed when no host at all could be reached."""
    from opsctl.adapters.ansible_catalogue import READY_SURVEY

    found = survey(workplace, profiles, READY_SURVEY)
    return {profile.customer: facts_of(by_host(profile, found.hosts.values())) for profile in profiles}


def heard(workplace: Workplace, profile: Profile) -> Facts:
    """What every host says; one that says nothing is waited for, since a link may be cut for a moment.

    OperationFailed for a host that stays silent: of that nobody knows what READY wrote there.
    """
    until = time.monotonic() + SILENT_SECONDS
    while True:
        facts, silent = look(workplace, [profile])[profile.customer]
        if not silent:
            return facts
        if time.monotonic() >= until:
            raise OperationFailed(f"{profile.customer}: {', '.join(silent)} says nothing, so nothing was taken back",
                                  "see that it can be reached, then run it again", tuple(silent.values()))
        time.sleep(PAUSE_SECONDS)


def settled(workplace: Workplace, profile: Profile, version: str, package: str) -> Facts:
    """The same once READY runs well in `version`, or has had `healthy_seconds` where a host has the package already.

    One page that fails once must not take back what READY has written meanwhile.
    """
    until = time.monotonic() + workplace.settings.policy.healthy_seconds
    while True:
        facts = heard(workplace, profile)
        if (runs_well(profile, facts, version, package) or time.monotonic() >= until
                or not begun(profile, facts, package)):
            return facts
        time.sleep(PAUSE_SECONDS)


def by_host(profile: Profile, results: Any) -> Mapping[str, HostResult]:
    """Of the results of a run, the customer's, by host name."""
    return {result.target.host.name: result for result in results if result.target.customer == profile.customer}
