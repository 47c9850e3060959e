"""Snapshots of the lab's hosts: `python -m opsctl.lab.snapshot take|revert|discard CUSTOMER HOST ADDRESS NAME`.

A host's own writes are one folder over its base. While it is frozen they are copied, as a hypervisor would: what
starts from the copy starts as after a power cut.
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

from opsctl.core.errors import OpsctlError, UsageError
from opsctl.lab import cgroup, hosts
from opsctl.lab.command import TIED, run
from opsctl.lab.definition import HostDefinition
from opsctl.lab.definition import host as defined
from opsctl.lab.layout import HostFolders
from opsctl.lab.service import locked

_COPY_SECONDS = 600
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,80}\Z")


def take(host: HostDefinition, name: str) -> None:
    """Copy the host's own writes; complete or not there."""
    folders = HostFolders(host.name)
    if (folders.snapshots / name).exists():
        raise UsageError(f"{host.name} has a snapshot {name} already.", "Discard it, or take another name.")
    unfinished = folders.snapshots / f".{name}"
    shutil.rmtree(unfinished, ignore_errors=True)
    folders.snapshots.mkdir(exist_ok=True)
    cgroup.freeze(host.name, on=True)
    try:
        _copy(folders.upper, unfinished)
    finally:
        cgroup.freeze(host.name, on=False)
    unfinished.rename(folders.snapshots / name)


def revert(host: HostDefinition, name: str) -> None:
    """Cut the host's power and start it from the snapshot, which stays."""
    folders = HostFolders(host.name)
    if not (folders.snapshots / name).is_dir():
        raise UsageError(f"{host.name} has no snapshot {name}.", "See its folder snapshots.")
    cgroup.kill(host.name)
    hosts.stop(host)
    for left in (folders.upper, folders.work):
        shutil.rmtree(left, ignore_errors=True)
    _copy(folders.snapshots / name, folders.upper)
    hosts.start(host, lambda _: None)


def discard(host: HostDefinition, name: str) -> None:
    """Remove the snapshot; nothing happens when there is none."""
    shutil.rmtree(HostFolders(host.name).snapshots / name, ignore_errors=True)


def _copy(source: Path, target: Path) -> None:
    # With owners, device nodes and the overlay's attributes, which say what was deleted.
    run([*TIED, "cp", "--archive", "--sparse=always", str(source), str(target)], timeout=_COPY_SECONDS)


def main(arguments: list[str]) -> int:
    """Entry point, as opsctl calls the operator's snapshot program."""
    try:
        action, _customer, name, _address, snapshot = arguments
        if not _NAME.match(snapshot):
            raise UsageError("A snapshot's name has small letters, digits and hyphens.", "Name it so.")
        with locked():
            {"take": take, "revert": revert, "discard": discard}[action](defined(name), snapshot)
    except OpsctlError as error:
        print("\n".join((error.message, *error.details)), file=sys.stderr)  # noqa: T201
        return 1
    except (ValueError, KeyError):
        print("usage: take|revert|discard CUSTOMER HOST ADDRESS NAME", file=sys.stderr)  # noqa: T201
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
