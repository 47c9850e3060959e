"""What is wrong with a database, its host or its store, on the lab: a clear error, what to do, and no false backup."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from opsctl.adapters.objects import open_store
from opsctl.adapters.ssh import Shell
from opsctl.backup import dialogue
from opsctl.backup.catalog import catalog
from opsctl.backup.cleaning import clean
from opsctl.backup.prune import prune
from opsctl.backup.restore import restore
from opsctl.backup.running import run_backup
from opsctl.backup.verify import verify
from opsctl.core.clock import FixedClock
from opsctl.core.errors import ExitCode, OperationFailed
from opsctl.core.outcome import Outcome, Status
from opsctl.lab.fault import set_fault
from opsctl.runs.workplace import Workplace
from tests.faults.test_backup_faults import (
    SIZES,
    SLOW,
    in_background,
    nothing_in_store,
    unit_of,
    wait_for,
    wait_gone,
    wait_until_up,
)
from tests.lab.backup_support import free_port, identity, query, shell_on
from tests.lab.surroundings import Opsctl, hosted

pytestmark = pytest.mark.lab
BIRKEBY, CEDERVIG, AALUND = "sample-birkeby", "sample-cedervig", "sample-aalund"


@contextmanager
def first_line_of_hba(shell: Shell, line: str) -> Iterator[None]:
    """A line before all others of birkeby's pg_hba.conf, in force; taken away again as root, whatever it closes."""
    hba = "/etc/postgresql/15/main/pg_hba.conf"
    assert shell.run(["cp", "-p", hba, f"{hba}.test"], sudo=True).exit_code == 0
    try:
        assert shell.run(["sed", "-i", f"1i {line}", hba], sudo=True).exit_code == 0
        assert shell.run(["pg_ctlcluster", "15", "main", "reload"], sudo=True).exit_code == 0
        time.sleep(0.5)
        yield
    finally:
        shell.run(["mv", f"{hba}.test", hba], sudo=True)
        shell.run(["pg_ctlcluster", "15", "main", "reload"], sudo=True)
        time.sleep(0.5)


def test_a_server_that_wants_a_password_is_told_with_the_remedy(workplace: Workplace, lab: Path) -> None:
    """opsctl has none and asks for none: it comes in as the system user, by the socket."""
    profile = hosted(workplace, BIRKEBY)
    with shell_on(workplace, profile, "birkeby-db") as shell, first_line_of_hba(shell, "local all all scram-sha-256"):
        outcome = run_backup(workplace, profile)
    assert outcome.status is Status.FAILED, outcome
    assert "password" in outcome.summary
    assert "local all postgres peer" in outcome.resolution
    assert nothing_in_store(workplace, profile)


def test_a_wrong_password_of_mariadb_is_told_with_the_remedy(workplace: Workplace, lab: Path) -> None:
    profile = hosted(workplace, CEDERVIG)
    engine = profile.databases[0].engine
    with shell_on(workplace, profile, "cedervig-1") as shell:
        before = query(shell, engine, "show create user root@localhost;").strip()
        query(shell, engine, "alter user root@localhost identified via mysql_native_password using password('other');")
        try:
            outcome = run_backup(workplace, profile)
        finally:
            back = shell.run(["mariadb", "--no-defaults", "-uroot", "-pother"],
                             stdin=before.replace("CREATE USER", "alter user").encode() + b";", sudo=True)
        assert back.exit_code == 0, back.stderr
        assert query(shell, engine, "select 1;").strip() == "1"
    assert outcome.status is Status.FAILED, outcome
    assert "Access denied" in outcome.summary
    assert "unix_socket" in outcome.resolution
    assert nothing_in_store(workplace, profile)


def test_a_table_outside_the_data_directory_of_mariadb_is_named(workplace: Workplace, lab: Path) -> None:
    profile, folder = hosted(workplace, CEDERVIG), "/var/lib/outside-test"
    engine = profile.databases[0].engine
    with shell_on(workplace, profile, "cedervig-1") as shell:
        assert shell.run(["install", "-d", "-o", "mysql", "-g", "mysql", folder], sudo=True).exit_code == 0
        try:
            query(shell, engine, f"create table outside (n int) data directory = '{folder}';")
            outcome = run_backup(workplace, profile)
        finally:
            query(shell, engine, "drop table if exists outside;")
            shell.run(["rm", "-rf", folder], sudo=True)
    assert outcome.status is Status.FAILED, outcome
    assert "ready.outside" in outcome.summary
    assert "LIKE" in outcome.resolution
    assert nothing_in_store(workplace, profile)


def test_a_server_without_a_wal_sender_is_refused_with_the_remedy(workplace: Workplace, lab: Path) -> None:
    profile = hosted(workplace, BIRKEBY)
    extra = "/etc/postgresql/15/main/conf.d/zz-test.conf"
    with shell_on(workplace, profile, "birkeby-db") as shell:
        shell.run(["sh", "-c", f"echo 'max_wal_senders = 0' > {extra}; chmod 644 {extra}"], sudo=True)
        try:
            assert shell.run(["systemctl", "restart", "postgresql@15-main"], sudo=True, timeout=60).exit_code == 0
            outcome = run_backup(workplace, profile)
        finally:
            shell.run(["rm", "-f", extra], sudo=True)
            assert shell.run(["systemctl", "restart", "postgresql@15-main"], sudo=True, timeout=60).exit_code == 0
    assert outcome.status is Status.FAILED, outcome
    assert "max_wal_senders" in outcome.summary + outcome.resolution + str(outcome.data)
    assert nothing_in_store(workplace, profile)


@pytest.mark.parametrize("customer", [BIRKEBY, CEDERVIG])
def test_a_host_that_reboots_midway_publishes_nothing(workplace: Workplace, lab: Path, customer: str,
                                                      monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialogue, "SILENCE_SECONDS", 25)
    profile = hosted(workplace, customer)
    host = profile.databases[0].host
    with shell_on(workplace, profile, host) as shell:
        wait = in_background(lambda: run_backup(workplace, profile, bandwidth=SLOW // 4, sizes=SIZES))
        wait_for(shell, unit_of(customer), "age")
        with suppress(OperationFailed):  # It may cut its own answer off.
            shell.run(["systemctl", "--no-block", "reboot"], sudo=True)
    outcome: Outcome = wait()
    assert outcome.status is Status.FAILED, outcome
    wait_until_up(workplace, profile, host)
    assert nothing_in_store(workplace, profile)
    assert run_backup(workplace, profile).status is Status.DONE


def test_a_full_disk_on_the_host_ends_a_restore_and_the_place_is_emptied(workplace: Workplace, lab: Path) -> None:
    """A backup needs no room on its host; a restore does, and asks for it first."""
    profile = hosted(workplace, AALUND)
    backup_id = run_backup(workplace, profile).data["backups"][0]["backup_id"]
    place = "/var/lib/opsctl-scratch/restored"
    set_fault("aalund-1", "disk-full", True)
    try:
        outcome = restore(workplace, profile, backup_id, host="aalund-1", directory=place, port=free_port(),
                          identity=identity(lab, AALUND))
    finally:
        set_fault("aalund-1", "disk-full", False)
    assert outcome.status is Status.FAILED, outcome
    assert any(word in outcome.summary for word in ("free", "space", "room")), outcome
    assert outcome.resolution
    with shell_on(workplace, profile, "aalund-1") as shell:
        assert shell.run(["find", place, "-mindepth", "1"], sudo=True).text() == ""
        shell.run(["rm", "-rf", place, f"{place}.configuration"], sudo=True)


@pytest.mark.parametrize(("kind", "told"), [("denied", "403|AccessDenied"), ("broken", "500|InternalError")])
def test_a_store_that_refuses_midway_gets_no_backup(workplace: Workplace, lab: Path, kind: str, told: str) -> None:
    import re

    profile = hosted(workplace, BIRKEBY)
    with shell_on(workplace, profile, "birkeby-db") as shell:
        wait = in_background(lambda: run_backup(workplace, profile, bandwidth=SLOW, sizes=SIZES), seconds=300)
        wait_for(shell, unit_of(BIRKEBY), "age")
        set_fault("s3", kind, True)
        try:
            outcome = wait()
        finally:
            set_fault("s3", kind, False)
        wait_gone(shell, unit_of(BIRKEBY), 10)
    assert outcome.status is Status.FAILED, outcome
    assert re.search(told, outcome.summary), outcome
    assert outcome.resolution
    assert "X-Amz" not in str(outcome)
    assert catalog(workplace, profile).backups == ()
    assert clean(workplace, profile).code is ExitCode.OK
    assert nothing_in_store(workplace, profile)


def test_a_slow_store_takes_longer_and_loses_nothing(workplace: Workplace, lab: Path) -> None:
    profile = hosted(workplace, BIRKEBY)
    with shell_on(workplace, profile, "birkeby-db") as shell:
        wait = in_background(lambda: run_backup(workplace, profile, sizes=SIZES), seconds=500)
        wait_for(shell, unit_of(BIRKEBY), "python3")
        set_fault("s3", "slow", True)
        try:
            outcome = wait()
        finally:
            set_fault("s3", "slow", False)
    assert outcome.status is Status.DONE, outcome
    assert verify(workplace, profile, outcome.data["backups"][0]["backup_id"]).status is Status.DONE


def test_a_manifest_that_cannot_be_read_stops_every_removal(workplace: Workplace, lab: Path) -> None:
    profile = hosted(workplace, CEDERVIG)
    first, second = (run_backup(workplace, profile).data["backups"][0]["backup_id"] for _ in range(2))
    store = open_store(profile.backup.store)
    key = f"{CEDERVIG}/ready/{first}/manifest.json"
    store.put(key, store.get(key)[:200])
    assert verify(workplace, profile, first).code is ExitCode.EVIDENCE_DAMAGED
    outcome = prune(workplace, profile)
    assert outcome.status is Status.UNCHANGED
    assert all("cannot be read" in row["reason"] for row in outcome.data["verdicts"])
    assert catalog(workplace, profile).find(second).good


@pytest.mark.parametrize("days", [-40, 40])
def test_clocks_that_are_far_apart_remove_nothing_from_a_real_store(workplace: Workplace, lab: Path,
                                                                    days: int) -> None:
    profile = hosted(workplace, BIRKEBY)
    assert run_backup(workplace, profile).status is Status.DONE
    wrong = replace(workplace, clock=FixedClock(workplace.clock.now() + timedelta(days=days)))
    outcome = prune(wrong, profile)
    assert outcome.status is Status.UNCHANGED, outcome
    assert "apart" in outcome.data["verdicts"][0]["reason"]
    assert clean(wrong, profile).status is Status.FAILED
    assert len(catalog(workplace, profile).backups) == 1


def test_a_bucket_without_a_lock_is_told_by_the_doctor(opsctl: Opsctl) -> None:
    answer = opsctl("doctor", AALUND, "--json")
    rows = {row["what"]: row for row in answer.envelope["data"]["checks"] if row["group"] == AALUND}
    assert "stolen credentials" in rows["backup store: lock"]["detail"]
    assert "lock_days" in rows["backup store: lock"]["remedy"]
    assert rows["second backup store"]["finding"] == "pass"
