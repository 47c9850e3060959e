"""The control process is killed at every step of a backup: no false backup, and the next night puts all in order."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from opsctl.backup.catalog import catalog
from opsctl.backup.cleaning import clean
from opsctl.backup.copying import copy_missing
from opsctl.backup.running import run_backup
from opsctl.backup.shelves import second_shelf
from opsctl.core.clock import SystemClock
from opsctl.core.outcome import Status
from opsctl.ledger import open_ledger
from opsctl.runs.workplace import Workplace
from tests.faults.killed_run import STEPS
from tests.lab.backup_support import shell_on
from tests.lab.surroundings import ROOT, hosted

pytestmark = pytest.mark.lab
CUSTOMER = "sample-aalund"


@pytest.mark.parametrize("step", STEPS)
def test_a_control_process_killed_at_any_step_leaves_no_false_backup(workplace: Workplace, config: Path,
                                                                      step: str) -> None:
    profile = hosted(workplace, CUSTOMER)
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(config.parent), "OPSCTL_CONFIG": str(config),
                   "LC_ALL": "C.UTF-8", "CI": "true"}
    child = subprocess.run([sys.executable, "-m", "tests.faults.killed_run", step, "backup", "run", CUSTOMER],
                           cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=300,
                           check=False)
    assert child.returncode == -9, child.stderr.decode()
    kinds = [entry.kind for entry in workplace.ledger.entries(CUSTOMER)]
    assert kinds[0] == "run.started"
    assert "run.finished" not in kinds
    with shell_on(workplace, profile, "aalund-1") as shell:
        units = shell.run(["systemctl", "list-units", "--no-legend", "opsctl-*"]).text()
        assert units == "" or _gone(shell)
    found = catalog(workplace, profile)
    written = {"manifest written", "recorded", "copied", "copy written"}
    recorded = written - {"manifest written"}
    # A manifest that the ledger never got is no good backup: whoever can write to the store could have made it.
    assert [backup.good for backup in found.backups] == ([step in recorded] if step in written else [])
    there = catalog(workplace, profile, shelf=second_shelf(profile))
    assert [backup.good for backup in there.backups] == ([True] if step == "copy written" else [])
    # The dead run's lease ends by itself after 90 seconds; a fresh ledger stands for the time after that.
    later = replace(workplace, ledger=open_ledger(f"sqlite:///{workplace.runs.parent}/later/ledger.db", SystemClock()))
    assert clean(later, profile).status in {Status.DONE, Status.UNCHANGED}
    again = run_backup(later, profile)
    assert again.status is Status.DONE, again
    assert copy_missing(later, profile).status is Status.UNCHANGED
    for store in (catalog(later, profile), catalog(later, profile, shelf=second_shelf(profile))):
        assert (store.leftovers, sum(backup.good for backup in store.backups)) == ((), 1)
    later.ledger.close()


def _gone(shell: object) -> bool:
    """Whether the host has stopped by itself within 15 seconds."""
    import time

    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        if shell.run(["systemctl", "list-units", "--no-legend", "opsctl-*"]).text() == "":  # type: ignore[attr-defined]
            return True
        time.sleep(0.3)
    return False
