"""A full backup with what belongs before it: the tools and the servers of the hosts are ready for it (P16)."""

from __future__ import annotations

from collections.abc import Collection

from opsctl.adapters.ansible_catalogue import BACKUP_PREPARE, BACKUP_SURVEY
from opsctl.backup.running import run_backup
from opsctl.core.errors import OperationFailed
from opsctl.core.outcome import Outcome
from opsctl.profiles.hosted import HostRole
from opsctl.profiles.model import KamstrupProfile
from opsctl.runs.playbook import play, survey, targets_of
from opsctl.runs.service import Run
from opsctl.runs.workplace import Workplace

ASKED_SECONDS = 180
"""A host that takes longer to say whether it is ready is left to the playbook."""


def back_up(workplace: Workplace, profile: KamstrupProfile, bandwidth: int | None = None) -> Outcome:
    """A full backup of every database; hosts that are not ready for it are prepared by the playbook `backup` first.

    bandwidth: bytes per second.
    """
    def prepare(run: Run) -> None:
        hosts = [host.name for host in profile.hosts if HostRole.DATABASE in host.roles]
        left = _unready(run, profile, hosts)
        if left:
            play(run, targets_of(workplace, profile, only=left), BACKUP_PREPARE, {})

    return run_backup(workplace, profile, prepare=prepare, bandwidth=bandwidth)


def _unready(run: Run, profile: KamstrupProfile, hosts: Collection[str]) -> tuple[str, ...]:
    """The hosts on which something is missing or wrong, or that did not say; asked without Ansible, which takes most of
    what a backup takes beside its stream."""
    try:
        found = survey(run.workplace, [profile], BACKUP_SURVEY, only=hosts, deadline_seconds=ASKED_SECONDS,
                       cancelled=lambda: run.lease.lost)
    except OperationFailed:
        return tuple(hosts)
    told = {result.target.host.name: result.data.get("backup_survey") for result in found.hosts.values() if result.ok}
    return tuple(host for host in hosts
                 if not (said := told.get(host)) or said["missing_packages"] or said["problems"])
