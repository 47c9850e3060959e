"""Patching that is broken off midway: nothing goes on here or on the host, and the ledger says how it ended."""

import signal
import subprocess
import threading
from contextlib import ExitStack
from pathlib import Path

import pytest

from opsctl.core.outcome import Outcome, Status
from opsctl.lab import fault
from opsctl.maintenance.service import apply
from opsctl.runs.workplace import Workplace
from tests.lab.guests import answers, on, wait
from tests.lab.patch_support import apt_lock, current, installed, offered, units
from tests.lab.surroundings import Opsctl, hosted

pytestmark = pytest.mark.lab
HOST, CUSTOMER = "cedervig-1", "sample-cedervig"


def installing() -> bool:
    """The transient unit of an installation runs on the host (it waits for the lock)."""
    return "-install.service" in units(HOST)


def marked_processes(folder: Path) -> list[str]:
    """Processes here that belong to a playbook run below `folder`."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and f"OPSCTL_PLAYBOOK_RUN={folder}".encode() in (entry / "environ").read_bytes():
                found.append((entry / "cmdline").read_bytes().decode(errors="replace"))
        except OSError:
            continue
    return found


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
def test_a_signal_midway_leaves_no_process_and_no_unit(opsctl: Opsctl, workplace: Workplace, number: int,
                                                       tmp_path: Path) -> None:
    current(workplace, CUSTOMER)
    with offered("metertools") as versions:
        with apt_lock(HOST):
            child = opsctl.start("patch", "apply", CUSTOMER, "--yes")
            try:
                wait(installing, 60, "the installation begins")
                assert marked_processes(tmp_path), "the run's processes are found by their mark"
                child.send_signal(number)
                child.communicate(timeout=40)
            finally:
                child.kill()
            assert child.returncode not in (0, None)
            assert units(HOST) == ""
            assert on(HOST, "pgrep -a apt-get || true") == ""
            assert marked_processes(tmp_path) == []
        finished = workplace.ledger.last(CUSTOMER, "run.finished")
        assert finished is not None and finished.payload["status"] == "interrupted"
        entry = workplace.ledger.last(CUSTOMER, "patch.applied")
        assert entry is not None and entry.payload["result"] == "failed"
        assert {path.name for path in (tmp_path / "runs").iterdir()} <= {"logs", "surveys"}
        assert list((tmp_path / "runs" / "surveys").glob("*")) == [], "the private folders are gone"
        assert apply(workplace, hosted(workplace, CUSTOMER)).status is Status.DONE, "the lease is free, and it goes on"
        assert installed(HOST, "metertools") == versions


def test_a_link_that_is_cut_midway_is_unreachable_and_the_next_run_sees_the_unit(workplace: Workplace) -> None:
    outcomes: list[Outcome] = []
    profile = current(workplace, CUSTOMER)
    with offered("metertools") as versions, ExitStack() as stack:
        lock = stack.enter_context(ExitStack())
        lock.enter_context(apt_lock(HOST))
        worker = threading.Thread(target=lambda: outcomes.append(apply(workplace, profile)))
        worker.start()
        try:
            wait(installing, 60, "the installation begins")
            fault.set_fault(HOST, "link-down", on=True)
            worker.join(timeout=120)
        finally:
            fault.set_fault(HOST, "link-down", on=False)
        assert outcomes and outcomes[0].status is Status.FAILED
        assert outcomes[0].data["hosts"][HOST]["result"] == "failed"
        wait(lambda: answers(HOST), 60, "the host answers again")
        assert installing(), "a cut link alone stops nothing on the host: its unit goes on, bounded in time"
        again = apply(workplace, profile)
        assert again.status is Status.FAILED
        assert "-install.service is running on this host" in again.data["details"][0]
        lock.close()
        wait(lambda: not installing(), 60, "the installation ends by itself once the lock is free")
        assert installed(HOST, "metertools") == versions
        assert apply(workplace, profile).status is Status.UNCHANGED


def test_a_killed_run_shows_as_never_finished_and_its_unit_is_bounded(opsctl: Opsctl, workplace: Workplace,
                                                                      tmp_path: Path) -> None:
    current(workplace, CUSTOMER)
    with offered("metertools"), apt_lock(HOST):
        child = opsctl.start("patch", "apply", CUSTOMER, "--yes")
        wait(installing, 60, "the installation begins")
        child.kill()
        child.communicate(timeout=20)
        unit = units(HOST).split()[0]
        try:
            assert on(HOST, f"systemctl show -P RuntimeMaxUSec {unit}") == "1h"
            last = workplace.ledger.last(CUSTOMER, "run.started")
            assert last is not None and last.run in unit
            assert [entry.kind for entry in workplace.ledger.find_run(last.run)] == ["run.started", "patch.started"]
        finally:
            on(HOST, "systemctl stop 'opsctl-*'")
            for line in subprocess.run(["pgrep", "-f", str(tmp_path)], capture_output=True, text=True,
                                       check=False).stdout.split():
                subprocess.run(["kill", line], check=False)
