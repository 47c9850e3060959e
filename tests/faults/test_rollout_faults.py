"""A rollout over the hosted samples: canary first, one that fails, a kill midway with two at work, a resumption."""

import signal
import subprocess
from pathlib import Path

import pytest

from opsctl.core.errors import ExitCode
from opsctl.lab import fault
from opsctl.runs.workplace import Workplace
from tests.faults.test_ansible_faults import marked_processes
from tests.lab.guests import boot_id, on, wait
from tests.lab.patch_support import CUSTOMERS, current, installed, offered, units
from tests.lab.surroundings import Opsctl

pytestmark = pytest.mark.lab
HOSTS = ("aalund-1", "birkeby-db", "birkeby-app", "cedervig-1")


@pytest.fixture
def canary(inventories: Path, workplace: Workplace) -> None:
    """sample-aalund is the canary, the others general; nothing of an earlier test waits to be installed."""
    for customer in CUSTOMERS:
        profile = inventories / customer / "profile.yml"
        lines = [line for line in profile.read_text(encoding="utf-8").splitlines() if not line.startswith("ring:")]
        ring = "canary" if customer == "sample-aalund" else "general"
        profile.write_text("\n".join([*lines, f"ring: {ring}", ""]), encoding="utf-8")
        current(workplace, customer)


def told(child: subprocess.Popen[str], *steps: str) -> str:
    """Read what it tells until each of `steps` was in a line."""
    assert child.stderr is not None
    wanted, lines = set(steps), []
    for line in child.stderr:
        lines.append(line)
        wanted = {step for step in wanted if step not in line}
        if not wanted:
            break
    assert not wanted, "".join(lines)
    return "".join(lines)


def test_canary_first_a_kill_with_two_at_work_and_an_exact_resumption(
        canary: None, opsctl: Opsctl, workplace: Workplace, tmp_path: Path) -> None:
    with offered("metertools", "lab-kernel") as versions:
        child = opsctl.start("patch", "apply", *CUSTOMERS, "--batch", "2", "--yes")
        before = told(child, "sample-birkeby: birkeby-db: act: Install the planned versions",
                      "sample-cedervig: cedervig-1: act: Install the planned versions")
        child.send_signal(signal.SIGKILL)
        child.communicate(timeout=60)
        assert before.index("sample-aalund: turn 1 of 3 ended") < before.index("sample-birkeby: turn 2 of 3 begins")
        run = next(one["run"] for one in opsctl("run", "list", "--json").envelope["data"]["runs"]
                   if "rollout" in one["run"])
        aalund = boot_id("aalund-1")
        resumed = opsctl("resume", run, "--yes", "--json")
        assert resumed.code == ExitCode.OK, resumed
        rows = {row["customer"]: row for row in resumed.envelope["data"]["outcomes"]}
        assert sorted(rows) == ["sample-birkeby", "sample-cedervig"], "exactly those that had not ended"
        assert boot_id("aalund-1") == aalund
        for host in HOSTS:
            assert installed(host, *versions) == versions
            assert (units(host), on(host, "dpkg --audit")) == ("", "")
        assert marked_processes(tmp_path) == []
        done = opsctl("resume", run, "--yes")
        assert done.code == 0 and "nothing is left" in done.stdout
    assert opsctl("ledger", "verify").code == 0


def test_one_of_three_fails_and_the_others_are_done_within_the_budget(
        canary: None, opsctl: Opsctl, workplace: Workplace) -> None:
    with offered("metertools") as versions:
        fault.set_fault("birkeby-app", "link-down", on=True)
        try:
            first = opsctl("patch", "apply", *CUSTOMERS, "--batch", "2", "--max-failures", "1", "--yes", "--json")
        finally:
            fault.set_fault("birkeby-app", "link-down", on=False)
        assert first.code == ExitCode.FAILED, first
        rows = {row["customer"]: row["status"] for row in first.envelope["data"]["outcomes"]}
        assert rows == {"sample-aalund": "done", "sample-birkeby": "failed", "sample-cedervig": "done"}
        assert installed("birkeby-db", "metertools") != versions, "no host of it was begun"
        run = first.envelope["data"]["rollout"]
        refused = opsctl("resume", run, "--yes")
        assert refused.code == 1 and "not marked resolved" in refused.stdout
        assert opsctl("resolve", "sample-birkeby", "--reason", "the link was cut; it is up again").code == 0
        again = opsctl("resume", run, "--yes", "--json")
        assert again.code == 0, again
        assert [row["customer"] for row in again.envelope["data"]["outcomes"]] == ["sample-birkeby"]
        assert installed("birkeby-app", "metertools") == versions


def test_ctrl_c_ends_both_customers_and_leaves_nothing_at_work(
        canary: None, opsctl: Opsctl, workplace: Workplace, tmp_path: Path) -> None:
    with offered("metertools", "lab-kernel"):
        child = opsctl.start("patch", "apply", "sample-birkeby", "sample-cedervig", "--batch", "2", "--yes")
        told(child, "sample-birkeby: birkeby-db: preflight", "sample-cedervig: cedervig-1: preflight")
        child.send_signal(signal.SIGINT)
        child.communicate(timeout=120)
        assert child.returncode not in {0, None, -signal.SIGINT}
        wait(lambda: not any(units(host) for host in HOSTS), 30, "no unit is left")
        assert marked_processes(tmp_path) == []
        for customer in ("sample-birkeby", "sample-cedervig"):
            finished = workplace.ledger.last(customer, "run.finished")
            assert finished is not None and finished.payload["status"] == "interrupted"
        listed = opsctl("run", "list", "--json").envelope["data"]["runs"]
        run = next(one for one in listed if "rollout" in one["run"])
        assert run["status"] == "interrupted"
        done = opsctl("resume", run["run"], "--yes", "--json")
        assert done.code == 0, done
        assert len(done.envelope["data"]["outcomes"]) == 2
