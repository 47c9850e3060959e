"""Storage measured on real hosts, and what happens when it is full, gone or cannot be measured."""

import json
from contextlib import ExitStack

import pytest

from opsctl.core.errors import ExitCode
from opsctl.core.outcome import Outcome, Status
from opsctl.lab import fault
from opsctl.runs.workplace import Workplace
from opsctl.storage.service import check
from tests.lab.guests import on
from tests.lab.patch_support import CUSTOMERS
from tests.lab.surroundings import hosted

pytestmark = pytest.mark.lab
SCRATCH = "/var/lib/opsctl-scratch"


def checked(workplace: Workplace, customer: str) -> Outcome:
    return check(workplace, [hosted(workplace, customer)])[0]


def findings(outcome: Outcome, level: str) -> dict[str, str]:
    return {finding["what"]: finding["reason"] for finding in outcome.data["findings"] if finding["level"] == level}


def test_one_run_measures_all_customers_and_records_it(workplace: Workplace) -> None:
    outcomes = check(workplace, [hosted(workplace, customer) for customer in CUSTOMERS])
    assert [outcome.customer for outcome in outcomes] == list(CUSTOMERS)
    for outcome in outcomes:
        assert (outcome.status, outcome.code) == (Status.DONE, ExitCode.OK), outcome
        entry = workplace.ledger.last(outcome.customer, "storage.measured")
        assert entry is not None and entry.payload["level"] == "ok"
        for database in entry.payload["databases"]:
            assert database["bytes"] > 1_000_000 and database["wal_bytes"] > 1_000_000
        assert all(latency["median"] > 0 for latency in entry.payload["latency"])
        json.dumps(outcome.data)
    volumes = {(volume["host"], volume["mount"]): volume for outcome in outcomes for volume in outcome.data["volumes"]}
    for host in ("aalund-1", "birkeby-app", "birkeby-db", "cedervig-1"):
        used, available = (int(number) for number in on(
            host, f"df --output=used,avail -B1 {SCRATCH} | tail -1").split())
        assert volumes[host, SCRATCH]["bytes_used"] == pytest.approx(used, abs=1 << 20)
        assert volumes[host, SCRATCH]["bytes_available"] == pytest.approx(available, abs=1 << 20)
        assert (host, "/") in volumes


def test_the_probe_leaves_nothing_on_the_host(workplace: Workplace) -> None:
    before = on("birkeby-db", "ls -A /var/lib/postgresql/15")
    assert checked(workplace, "sample-birkeby").status is Status.DONE
    assert on("birkeby-db", "ls -A /var/lib/postgresql/15") == before


def test_a_full_disk_is_critical(workplace: Workplace) -> None:
    fault.set_fault("birkeby-db", "disk-full", on=True)
    try:
        outcome = checked(workplace, "sample-birkeby")
    finally:
        fault.set_fault("birkeby-db", "disk-full", on=False)
    assert (outcome.status, outcome.code) == (Status.CHECK_FAILED, ExitCode.CHECK_FAILED)
    assert list(findings(outcome, "critical")) == [f"birkeby-db:{SCRATCH}"]
    assert checked(workplace, "sample-birkeby").status is Status.DONE


def test_exhausted_inodes_are_critical(workplace: Workplace) -> None:
    program = (f"import os\\nos.mkdir('{SCRATCH}/many')\\n"
               f"try:\\n for i in range(10**6): os.mknod(f'{SCRATCH}/many/{{i}}')")
    with ExitStack() as stack:
        stack.callback(on, "cedervig-1", f"rm -rf {SCRATCH}/many")
        on("cedervig-1", f"printf \"{program}\\nexcept OSError: pass\\n\" | python3 -")
        outcome = checked(workplace, "sample-cedervig")
    assert outcome.status is Status.CHECK_FAILED
    assert findings(outcome, "critical") == {f"cedervig-1:{SCRATCH}": "full: no inodes left"}


def test_a_mount_that_is_missing_is_critical(workplace: Workplace) -> None:
    with ExitStack() as stack:
        stack.callback(on, "cedervig-1", "sed -i '/tests-backup/d' /etc/fstab")
        on("cedervig-1", "echo 'LABEL=tests-backup /srv/tests-backup ext4 defaults 0 2' >> /etc/fstab")
        outcome = checked(workplace, "sample-cedervig")
    assert outcome.status is Status.CHECK_FAILED
    assert list(findings(outcome, "critical")) == ["cedervig-1:/srv/tests-backup"]


def test_a_database_that_does_not_answer_is_unknown(workplace: Workplace) -> None:
    with ExitStack() as stack:
        stack.callback(on, "cedervig-1", "systemctl start mariadb.service")
        on("cedervig-1", "systemctl stop mariadb.service")
        outcome = checked(workplace, "sample-cedervig")
    assert (outcome.status, outcome.code) == (Status.CHECK_FAILED, ExitCode.CHECK_FAILED)
    assert "size not measured" in findings(outcome, "unknown")["cedervig-1:ready"]


def test_an_unreachable_host_is_unknown_and_the_other_customers_are_measured(workplace: Workplace) -> None:
    fault.set_fault("birkeby-app", "link-down", on=True)
    try:
        aalund, birkeby, cedervig = check(workplace, [hosted(workplace, customer) for customer in CUSTOMERS])
    finally:
        fault.set_fault("birkeby-app", "link-down", on=False)
    assert (aalund.status, cedervig.status) == (Status.DONE, Status.DONE)
    assert birkeby.status is Status.CHECK_FAILED
    assert "unreachable" in findings(birkeby, "unknown")["birkeby-app"]
    assert any(what.startswith("birkeby-db") for what in findings(birkeby, "ok")), "its other host was measured"
