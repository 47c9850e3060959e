"""`up` from every state it may be left in, and `down` that leaves nothing."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from opsctl.core.errors import Locked
from opsctl.lab import cgroup, fault, paths, process, service
from opsctl.lab.definition import BRIDGE, HOSTS, host
from opsctl.lab.layout import HostFolders
from opsctl.lab.mounts import mount_points
from opsctl.lab.status import status
from tests.lab.guests import ROOT, answers, healthy, lab_command, on, ready, wait

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("lab")]
HOST = "cedervig-1"


def up() -> float:
    """Bring the lab up; returns the seconds it took. Afterwards everything runs."""
    began = time.monotonic()
    assert service.up(ROOT, lambda text: None).complete
    return time.monotonic() - began


def links() -> set[str]:
    """The machine's links that belong to the lab."""
    shown = json.loads(subprocess.run(["ip", "-json", "link"], capture_output=True, check=True).stdout)
    return {one["ifname"] for one in shown} & {BRIDGE, *(one.link for one in HOSTS)}


def lab_processes() -> list[str]:
    """Command lines of the lab's processes."""
    lines = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if "opsctl.lab.servers" in line or "opsctl.lab.supervisor" in line or \
                ("systemd-nspawn" in line and str(paths.HOSTS) in line):
            lines.append(line)
    return lines


def test_up_is_quick_and_changes_nothing_when_everything_runs() -> None:
    before = status()
    assert up() < 5
    assert status() == before


def test_a_killed_supervisor_is_like_a_power_cut_and_up_starts_the_host_again() -> None:
    before = on(HOST, "cat /proc/sys/kernel/random/boot_id; echo kept > /var/tmp/before; sync").strip()
    known = process.find(HostFolders(HOST).mark)
    assert known is not None
    os.kill(known.pid, signal.SIGKILL)
    wait(lambda: not cgroup.populated(HOST), 5, "the guest gone with its supervisor")
    assert next(one for one in status().hosts if one.name == HOST).state == "stopped"
    up()
    assert on(HOST, "cat /proc/sys/kernel/random/boot_id") != before
    assert on(HOST, "cat /var/tmp/before; rm /var/tmp/before") == "kept"
    wait(lambda: healthy(HOST), 20, "READY healthy again")


def test_up_repairs_stale_links_mounts_marks_and_faults() -> None:
    fault.set_fault(HOST, "stop", on=True)
    subprocess.run(["umount", str(HostFolders(HOST).merged)], check=True)
    subprocess.run(["ip", "link", "add", host(HOST).link, "type", "veth", "peer", "name", "lab-stale0"], check=True)
    HostFolders(HOST).mark.write_text('{"pid": 1, "started": 1}')
    fault.set_fault("birkeby-app", "freeze", on=True)
    fault.set_fault("birkeby-db", "link-down", on=True)
    fault.set_fault("s3", "errors", on=True)
    fault.set_fault("smtp", "freeze", on=True)
    subprocess.run(["ip", "link", "set", BRIDGE, "down"], check=True)
    up()
    assert all(answers(one.name) for one in HOSTS)
    assert [one.faults for one in (*status().hosts, *status().services) if one.faults] == []


@pytest.mark.parametrize("seconds", [0.7, 1.0, 2.5, 4.0])
def test_up_takes_over_from_a_command_that_was_killed_halfway(seconds: float) -> None:
    command = lab_command("reset", HOST, "--yes")
    time.sleep(seconds)
    command.kill()
    command.wait()
    up()
    assert ready(HOST, "/health")[1]["status"] == "ok"
    assert on(HOST, "mariadb -N ready -e 'SELECT count(*) FROM readings'") == "300000"


def test_two_commands_do_not_change_the_lab_at_once() -> None:
    command = lab_command("reset", HOST, "--yes")
    try:
        wait(lambda: next(one for one in status().hosts if one.name == HOST).state != "running", 10, "the reset begun")
        with pytest.raises(Locked):
            service.up(ROOT, lambda text: None)
    finally:
        assert command.wait(120) == 0
    assert status().complete


def test_down_leaves_nothing_and_archives_the_ledger_with_the_store() -> None:
    evidence = paths.LEDGER / "ledger.db"
    kept = evidence.read_bytes() if evidence.exists() else b"evidence"
    evidence.write_bytes(kept)
    seen = {path.name for path in paths.ARCHIVE.iterdir()}
    try:
        after = service.down(lambda text: None)
        assert {one.state for one in after.hosts} == {"stopped"}
        assert {one.state for one in after.services} == {"stopped"}
        assert lab_processes() == []
        assert links() == set()
        assert [point for point in mount_points() if point.startswith(str(paths.STATE))] == []
        assert subprocess.run(["losetup", "--associated", str(HostFolders(HOST).data_image)], capture_output=True,
                              check=True).stdout == b""
        assert [path for one in cgroup.hierarchies() for path in one.glob("opsctl-lab*")] == []
        [archived] = [path for path in paths.ARCHIVE.iterdir() if path.name not in seen]
        assert (archived / "ledger" / "ledger.db").read_bytes() == kept
        assert len(list(paths.ARCHIVE.iterdir())) <= 3
        assert not evidence.exists()
    finally:
        took = up()
    assert took < 40
