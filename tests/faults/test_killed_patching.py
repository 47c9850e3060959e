"""A patch run killed at each of its steps: the next one, at once, finds and mends what it left, and nothing is lost."""

import signal
import time
from pathlib import Path

import pytest

from opsctl.core.errors import ExitCode
from opsctl.core.outcome import Status
from opsctl.maintenance.service import apply
from opsctl.runs.silencing import BEGAN, ENDED
from opsctl.runs.workplace import Workplace
from tests.contracts.alertmanagers import Silencer, silencer
from tests.faults.test_ansible_faults import installing, marked_processes
from tests.lab.guests import on, wait
from tests.lab.patch_support import apt_lock, current, installed, offered, units
from tests.lab.surroundings import Opsctl, hosted, set_in

pytestmark = pytest.mark.lab
HOST, CUSTOMER = "cedervig-1", "sample-cedervig"


def kill_at(opsctl: Opsctl, step: str) -> str:
    """Start patching and kill it, with nothing else, when it tells this step; what it printed until then."""
    child = opsctl.start("patch", "apply", CUSTOMER, "--yes")
    assert child.stderr is not None
    told = []
    for line in child.stderr:
        told.append(line)
        if step in line:
            child.send_signal(signal.SIGKILL)
            break
    child.communicate(timeout=60)
    assert child.returncode == -signal.SIGKILL, "".join(told)
    return "".join(told)


@pytest.mark.parametrize("step", ["Ask the host what there is to patch", "Install the planned versions", "Reboot",
                                  "Give back what came of this host"])
def test_whatever_the_step_the_next_run_puts_it_right(opsctl: Opsctl, workplace: Workplace, tmp_path: Path,
                                                      step: str) -> None:
    current(workplace, CUSTOMER)
    with offered("metertools", "lab-kernel") as versions:
        before = installed(HOST, *versions)
        known = len(opsctl("change", "list", CUSTOMER, "--json").envelope["data"]["changes"])
        kill_at(opsctl, step)
        second = opsctl("patch", "apply", CUSTOMER, "--yes", "--json")
        assert second.code == 0, second
        assert any("an earlier run died" in warning for warning in second.envelope["warnings"]), second
        assert installed(HOST, *versions) == versions
        assert marked_processes(tmp_path) == [], "no playbook outlived its run"
        assert units(HOST) == ""
        assert on(HOST, "dpkg --audit; test ! -e /run/reboot-required && echo gone") == "gone"
        assert {path.name for path in (tmp_path / "runs").iterdir()} <= {"logs", "surveys"}
        assert list((tmp_path / "runs" / "surveys").glob("*")) == []
        changes = opsctl("change", "list", CUSTOMER, "--json").envelope["data"]["changes"][known:]
        seen = {name: (one["before"][name], one["after"][name]) for one in changes for name in one["after"]}
        assert seen == {name: (before[name], version) for name, version in versions.items()}, "the log has every change"
        assert apply(workplace, hosted(workplace, CUSTOMER)).status is Status.UNCHANGED
    listed = opsctl("run", "list", CUSTOMER, "--json").envelope["data"]["runs"]
    assert [one["status"] for one in listed if one["operation"] == "patch apply"].count("died") == 1
    assert opsctl("ledger", "verify").code == 0


def test_an_installation_that_outlives_its_run_is_waited_for_and_its_silence_is_ended(
        opsctl: Opsctl, workplace: Workplace, config: Path) -> None:
    current(workplace, CUSTOMER)
    with silencer() as server, offered("metertools") as versions:
        config.write_text(config.read_text(encoding="utf-8") + f"silences: {{alertmanager: '{server.address}'}}\n",
                          encoding="utf-8")
        with apt_lock(HOST):
            child = opsctl.start("patch", "apply", CUSTOMER, "--yes")
            wait(installing, 60, "the installation begins")
            assert states(server) == ["active"]
            child.kill()
            child.communicate(timeout=20)
            assert states(server) == ["active"], "a run that is killed ends nothing"
            second = opsctl.start("patch", "apply", CUSTOMER, "--yes", "--json")
            time.sleep(6)
            assert installing() and second.poll() is None, "it waits for what is at work"
        out, err = second.communicate(timeout=120)
        assert second.returncode == 0, (out, err)
        assert "waiting for opsctl-" in err and "ended by itself" in out
        assert installed(HOST, "metertools") == versions
        assert set(states(server)) == {"expired"}
    kinds = [entry.kind for entry in workplace.ledger.entries(CUSTOMER, kinds=(BEGAN, ENDED))]
    assert kinds == [BEGAN, ENDED]


def test_a_host_that_never_comes_back_is_a_failure_with_its_cause_to_resolve(
        opsctl: Opsctl, workplace: Workplace, config: Path) -> None:
    from opsctl.lab import service
    from tests.lab.guests import ROOT

    current(workplace, CUSTOMER)
    set_in(config, policy={"reboot_seconds": 20})
    try:
        with offered("lab-kernel"):
            on(HOST, "systemctl disable --quiet ssh.service ssh.socket 2>/dev/null || systemctl disable ssh.service")
            failed = opsctl("patch", "apply", CUSTOMER, "--yes", "--json")
            assert failed.code == ExitCode.FAILED, failed
            entry = workplace.ledger.last(CUSTOMER, "patch.applied")
            assert entry is not None
            assert (entry.payload["result"], entry.payload["reboot"]["done"]) == ("failed", False)
            again = opsctl("patch", "apply", CUSTOMER, "--yes")
            assert again.code == 1 and "not marked resolved" in again.stdout
    finally:
        service.reset(ROOT, lambda text: None, [HOST])


def states(server: Silencer) -> list[str]:
    return [one["status"]["state"] for one in server.silences.values()]


