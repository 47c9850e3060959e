"""Guests: made, started, stopped, removed. Each step can be repeated from whatever state was left."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

from opsctl.lab import cgroup, keys, network, paths, process, remote, rootfs, scripts
from opsctl.lab.base import base_folder, built
from opsctl.lab.command import TIED, run
from opsctl.lab.definition import HostDefinition
from opsctl.lab.layout import HostFolders
from opsctl.lab.mounts import is_mounted, mount_overlay, unmount_below

_DATA_MEGABYTES = 512
_BOOT_SECONDS = 60
_MEND_SECONDS = 15
_STOP_SECONDS = 35
Say = Callable[[str], None]


def made(host: HostDefinition) -> bool:
    """Whether the host is completely made, on the base that is in the cache now."""
    record = HostFolders(host.name).recorded()
    return record is not None and record.get("built") is not None and record["built"] == built(str(record["base"]))


def running(host: HostDefinition) -> bool:
    """Whether the guest's supervisor lives."""
    return process.find(HostFolders(host.name).mark) is not None


def prepare(host: HostDefinition, progress: Say) -> None:
    """Make a fresh root file system for the host; whatever it had before is removed."""
    progress(f"Making {host.name}")
    remove(host)
    folders = HostFolders(host.name)
    folders.root.mkdir(parents=True)
    mount(host)
    rootfs.write_guest_files(host, folders.merged)
    write_known_hosts(remote.known_hosts(host), (host,))


def mount(host: HostDefinition) -> None:
    """Mount the host's root file system and its small data disk."""
    folders = HostFolders(host.name)
    record = folders.recorded()
    lower = base_folder(host.suite) if record is None else paths.BASES / str(record["base"])
    mount_overlay(lower, folders.upper, folders.work, folders.merged)
    if not folders.data_image.exists():
        unfinished = folders.root / "data.new"
        unfinished.unlink(missing_ok=True)
        run([*TIED, "truncate", "--size", f"{_DATA_MEGABYTES}M", str(unfinished)])
        run([*TIED, "mkfs.ext4", "-q", "-m", "0", "-E", "lazy_itable_init=1,root_owner=0:0", str(unfinished)])
        unfinished.rename(folders.data_image)
    folders.data.mkdir(exist_ok=True)
    if not is_mounted(folders.data):
        run([*TIED, "mount", "-o", "loop", str(folders.data_image), str(folders.data)])
    folders.data.chmod(0o755)


def start(host: HostDefinition, progress: Say) -> None:
    """Start the guest unless it runs; does not wait for it."""
    if running(host):
        return
    folders = HostFolders(host.name)
    cgroup.kill(host.name)
    mount(host)
    progress(f"Starting {host.name}")
    folders.stopping.unlink(missing_ok=True)
    process.start_detached("opsctl.lab.supervisor", (host.name,), folders.mark, folders.log)


def mend(host: HostDefinition, progress: Say) -> None:
    """Make a running guest answer: let it run, connect its link; start it anew when that does not help.

    So is one that was told to power off by a command that did not live to see it: it may answer for a while yet.
    """
    cgroup.freeze(host.name, on=False)
    network.attach(host.link)
    stays = not HostFolders(host.name).stopping.exists()
    if not (stays and process.wait_until(lambda: network.speaks_ssh(host.address), _MEND_SECONDS)):
        progress(f"{host.name} {'does not answer' if stays else 'is powering off'}: starting it anew")
        stop(host)
        start(host, progress)


def wait_for_ssh(host: HostDefinition) -> None:
    """Wait until the guest's SSH server greets."""
    process.require(lambda: network.speaks_ssh(host.address), _BOOT_SECONDS,
                    f"{host.name} did not answer on {host.address} within {_BOOT_SECONDS} seconds of its start.",
                    f"Read {HostFolders(host.name).console} and {HostFolders(host.name).log}.")


def set_up_database(host: HostDefinition, progress: Say) -> None:
    """The steps that need a running guest, up to an empty database."""
    progress(f"Setting up {host.name}")
    remote.run_script(host, scripts.common())
    if "database" in host.roles:
        remote.run_script(host, scripts.database(host, rootfs.database_password(host.customer)))


def set_up_application(host: HostDefinition, progress: Say) -> None:
    """READY on an application host; its database has to be there."""
    if "application" in host.roles:
        progress(f"Installing READY on {host.name}")
        remote.run_script(host, scripts.application())


def finish(host: HostDefinition, progress: Say) -> None:
    """Fill the database, and record that the host is made."""
    if "database" in host.roles:
        progress(f"Filling the database of {host.name}")
        remote.run_script(host, scripts.metering_data(host))
    remote.run_script(host, "sync -f /\n")
    base = base_folder(host.suite).name
    keys.write_private(HostFolders(host.name).record,
                       json.dumps({"base": base, "built": built(base), "address": host.address}))


def power_off(host: HostDefinition) -> None:
    """Power the guest off and wait until it is."""
    cgroup.freeze(host.name, on=False)
    known = process.find(HostFolders(host.name).mark)
    if known is not None:
        HostFolders(host.name).stopping.touch()
        process.stop(known, _STOP_SECONDS)


def stop(host: HostDefinition) -> None:
    """Power the guest off, hard when it does not obey, and leave no mount or link; its files stay."""
    folders = HostFolders(host.name)
    power_off(host)
    cgroup.kill(host.name)
    cgroup.remove(host.name)
    network.remove_link(host.link)
    unmount_below(folders.root)


def remove(host: HostDefinition) -> None:
    """Stop the guest and remove everything it had: first the record, so that half a host is not taken for whole."""
    folders = HostFolders(host.name)
    folders.record.unlink(missing_ok=True)
    stop(host)
    if folders.root.exists():
        shutil.rmtree(folders.root)


def write_known_hosts(file: Path, hosts: tuple[HostDefinition, ...]) -> None:
    """The host keys, read from the guests' file systems: by address, name, and name in a run over customers."""
    lines = []
    for host in hosts:
        merged = HostFolders(host.name).merged
        names = f"{host.address},{host.name},{host.customer}--{host.name}"
        lines.append(f"{names} {rootfs.host_key(merged)}\n")
    unfinished = file.with_name(f".{file.name}.new")
    unfinished.write_text("".join(lines), encoding="utf-8")
    unfinished.chmod(0o644)
    unfinished.replace(file)
