"""The steps of an upgrade on one customer's hosts: READY stopped, the way back secured, the work, READY started."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from opsctl.core.errors import ConfigurationError
from opsctl.profiles.model import KamstrupProfile
from opsctl.runs.playbook import play, targets_of
from opsctl.runs.service import Run
from opsctl.upgrades.looking import by_host
from opsctl.upgrades.model import Platform, UpgradePlan

if TYPE_CHECKING:
    from opsctl.adapters.ansible_events import HostResult
    from opsctl.adapters.snapshots import Action

Rows = Mapping[str, Mapping[str, Mapping[str, int]]]
"""Rows by host, database and table."""
WORK_SECONDS = 4 * 3600


def stop_ready(run: Run, profile: KamstrupProfile, *, count: bool = True) -> Rows:
    """Stop READY so that no reboot starts it, and count its rows. OperationFailed when a host did not do it.

    count: False where the databases may not run; then there are no rows.
    """
    from opsctl.adapters.ansible_catalogue import READY_SERVICE

    result = play(run, targets_of(run.workplace, profile), READY_SERVICE, {
        "ready_service_state": "stopped", "ready_service_count": count})
    return {name: host.data["ready_service"]["rows"] for name, host in by_host(profile, result.hosts.values()).items()}


def start_ready(run: Run, profile: KamstrupProfile) -> None:
    """Start READY and prove everything sound; nothing is counted. OperationFailed when it is not."""
    from opsctl.adapters.ansible_catalogue import READY_SERVICE

    play(run, targets_of(run.workplace, profile), READY_SERVICE, {
        "ready_service_state": "started",
        "ready_service_sound_seconds": run.workplace.settings.policy.healthy_seconds})


def snapshots(run: Run, profile: KamstrupProfile, action: Action, name: str, hosts: Sequence[str]) -> None:
    """One after the other; the first that fails ends it. ConfigurationError when no program is set."""
    from opsctl.adapters.snapshots import snapshot

    settings = run.workplace.settings.snapshots
    if settings is None:
        raise ConfigurationError("no program that takes snapshots is set", "set `snapshots` in opsctl.yml")
    for host in hosts:
        run.say(f"{host}: {action} snapshot {name}")
        snapshot(settings.command, settings.seconds, action, profile.customer, host, profile.host(host).address, name)


def work(run: Run, profile: KamstrupProfile, plan: UpgradePlan) -> Mapping[str, HostResult]:
    """Upgrade the hosts that are due; the caller judges the results, also of those that failed."""
    from opsctl.adapters.ansible_catalogue import OS_UPGRADE, POSTGRESQL_UPGRADE

    due = {host.host: host for host in plan.due}
    if plan.target.platform is Platform.DEBIAN:
        variables = {name: {"os_upgrade_sources": [one["line"] for one in host.sources]} for name, host in due.items()}
        result = play(run, targets_of(run.workplace, profile, variables, only=due), OS_UPGRADE,
                      {"os_upgrade_debian": plan.target.version}, partly=True, deadline_seconds=WORK_SECONDS)
    else:
        result = play(run, targets_of(run.workplace, profile, only=due), POSTGRESQL_UPGRADE,
                      {"postgresql_upgrade_version": plan.target.version}, partly=True, deadline_seconds=WORK_SECONDS)
    return by_host(profile, result.hosts.values())


def clusters_back(run: Run, profile: KamstrupProfile, version: int,
                  clusters: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    """Start the old clusters on their ports again, and take the new ones away."""
    from opsctl.adapters.ansible_catalogue import POSTGRESQL_ROLLBACK

    wanted = {host: {"postgresql_rollback_clusters": [dict(one) for one in found]} for host, found in clusters.items()}
    play(run, targets_of(run.workplace, profile, wanted, only=wanted), POSTGRESQL_ROLLBACK,
         {"postgresql_rollback_version": version})


def clusters_gone(run: Run, profile: KamstrupProfile, version: int,
                  clusters: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    """Let the old clusters go."""
    from opsctl.adapters.ansible_catalogue import POSTGRESQL_FINISH

    wanted = {host: {"postgresql_finish_clusters": [dict(one) for one in found]} for host, found in clusters.items()}
    play(run, targets_of(run.workplace, profile, wanted, only=wanted), POSTGRESQL_FINISH,
         {"postgresql_finish_version": version})
