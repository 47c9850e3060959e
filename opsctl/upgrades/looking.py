"""What the hosts say of their platform now, by one survey over all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from opsctl.profiles.model import KamstrupProfile
from opsctl.runs.playbook import survey
from opsctl.runs.workplace import Workplace
from opsctl.upgrades.model import Platform, Target

if TYPE_CHECKING:
    from opsctl.adapters.ansible_events import HostResult

Facts = Mapping[str, Mapping[str, Any]]


def look(workplace: Workplace, profiles: Sequence[KamstrupProfile], target: Target, *,
         wait_seconds: int = 0) -> dict[str, tuple[Facts, Mapping[str, str]]]:
    """By customer: (what each host said, why it said nothing). OperationFailed when no host at all was reached."""
    from opsctl.adapters.ansible_catalogue import UPGRADE_SURVEY

    found = survey(workplace, profiles, UPGRADE_SURVEY, {
        f"upgrade_survey_{target.platform}": target.version, "upgrade_survey_sound_seconds": wait_seconds})
    return {profile.customer: facts_of(by_host(profile, found.hosts.values())) for profile in profiles}


def facts_of(results: Mapping[str, HostResult]) -> tuple[Facts, Mapping[str, str]]:
    """(what each host said, why it said nothing), both by host name."""
    said = {name: result.data["upgrade_survey"] for name, result in results.items()
            if result.ok and "upgrade_survey" in result.data}
    silent = {name: result.message or str(result.state) for name, result in results.items() if name not in said}
    return said, silent


def by_host(profile: KamstrupProfile, results: Any) -> Mapping[str, HostResult]:
    """Of the results of a run, the customer's, by host name."""
    return {result.target.host.name: result for result in results if result.target.customer == profile.customer}


def arrived(facts: Facts, target: Target, hosts: Sequence[str]) -> bool:
    """Whether each of `hosts` is there and everything on every host runs: READY takes writes then."""
    return all(name in facts and not facts[name]["due"] for name in hosts) and sound(facts)


def as_before(facts: Facts, hosts: Sequence[str]) -> bool:
    """Whether none of `hosts` is there and everything on every host runs: READY takes writes on the old platform."""
    return all(name in facts and facts[name]["due"] for name in hosts) and sound(facts)


def sound(facts: Facts) -> bool:
    """Whether everything on every host runs; False when none said anything."""
    return bool(facts) and not any(said["wrong"] or said["interrupted"] for said in facts.values())


def version_of(said: Mapping[str, Any], target: Target) -> str:
    """What runs on a host, in words."""
    if target.platform is Platform.DEBIAN:
        return f"{said['os']['name']} {said['os']['version']}"
    return ", ".join(f"{one['version']}/{one['cluster']}" for one in said["clusters"] if one["online"])
