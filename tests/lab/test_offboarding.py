"""A customer leaves with its backups: handed over from a real store, checked by other programs, erased with proof."""

import subprocess
from datetime import timedelta
from pathlib import Path

import pytest

from opsctl.adapters.objects import open_store
from opsctl.core.clock import local_day
from opsctl.core.errors import ExitCode
from opsctl.fleet.checklist import checklist
from opsctl.fleet.offboarding import start
from opsctl.fleet.returning import SUMS, erase, hand_over
from opsctl.runs.workplace import Workplace
from tests.lab.surroundings import LAB, Opsctl, hosted

pytestmark = pytest.mark.lab


@pytest.mark.parametrize("customer", ["sample-aalund", "sample-cedervig"])
def test_backups_are_handed_over_whole_and_then_erased(customer: str, workplace: Workplace, opsctl: Opsctl,
                                                       tmp_path: Path) -> None:
    profile = hosted(workplace, customer)
    assert opsctl("backup", "run", customer).code == 0
    last_day = local_day(workplace.clock.now(), profile.zone) + timedelta(days=30)
    start(workplace, profile, last_day, "notice N-1")
    target = tmp_path / "returned"
    assert hand_over(workplace, profile, target).code is ExitCode.OK
    checked = subprocess.run(["sha256sum", "--strict", "--check", SUMS], cwd=target, capture_output=True, text=True,
                             check=False)
    assert checked.returncode == 0, checked.stderr
    volumes = sorted(target.glob("*/*/*.age"))
    assert volumes
    first = next(path for path in volumes if path.name.startswith(("data", "volume")) and "1" in path.name)
    identity = LAB / "secrets" / f"{customer}-offline.agekey"
    with subprocess.Popen(["age", "--decrypt", "--identity", str(identity), str(first)], stdout=subprocess.PIPE) as age:
        assert age.stdout is not None
        head = age.stdout.read(4)
        age.kill()
    assert head == b"\x28\xb5\x2f\xfd", "zstd within age, opened with the key that was kept offline"
    assert erase(workplace, profile).code is ExitCode.OK
    store = open_store(profile.backup.store)
    assert store.list(f"{customer}/").objects == () and store.versions(f"{customer}/") == ()
    done = {line.step.value for line in checklist(workplace, profile, profile) if line.done}
    assert {"backups-returned", "backups-erased"} <= done
    assert workplace.ledger.verify(customer).sound
