"""Runs scripts on a guest over SSH as the operator's user, with the guest's key checked strictly."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from opsctl.core.errors import OperationFailed
from opsctl.lab import network, paths
from opsctl.lab.command import run
from opsctl.lab.definition import GUEST_USER, HostDefinition
from opsctl.lab.layout import HostFolders


def known_hosts(host: HostDefinition) -> Path:
    """The file with this guest's key, as it was written when the guest was made."""
    return HostFolders(host.name).root / "known_hosts"


def ssh_argv(host: HostDefinition, command: Sequence[str]) -> list[str]:
    """The ssh command line that runs `command` on the guest."""
    options = {"BatchMode": "yes", "StrictHostKeyChecking": "yes", "UserKnownHostsFile": str(known_hosts(host)),
               "GlobalKnownHostsFile": "/dev/null", "IdentitiesOnly": "yes", "ConnectTimeout": "5",
               "ServerAliveInterval": "3", "ServerAliveCountMax": "5"}
    flags = [f"-o{name}={value}" for name, value in options.items()]
    return ["ssh", "-F", "/dev/null", "-i", str(paths.SSH_IDENTITY), *flags, f"{GUEST_USER}@{host.address}", *command]


def run_script(host: HostDefinition, script: str, *, timeout: float = 120) -> str:
    """Run a shell script as root on the guest; it travels on standard input, so it may hold secrets.

    Returns its standard output; OperationFailed with the output's last lines when it fails.
    """
    network.require_bridge()
    try:
        return run(ssh_argv(host, ["sudo", "sh", "-eu", "-s"]), standard_input=script, timeout=timeout)
    except OperationFailed as error:
        raise OperationFailed(f"A step of setting up {host.name} failed.",
                              f"Run `opsctl lab reset {host.name}`.", (error.message, *error.details)) from error
