"""What breaks a backup on the lab's hosts: in every case nothing is published, and the reason is told."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from opsctl.adapters.objects import open_store
from opsctl.adapters.ssh import Shell, connect
from opsctl.backup import dialogue
from opsctl.backup.catalog import catalog
from opsctl.backup.cleaning import clean
from opsctl.backup.restore import restore
from opsctl.backup.running import run_backup
from opsctl.backup.uploads import Sizes
from opsctl.backup.verify import verify
from opsctl.core.clock import SystemClock
from opsctl.core.errors import ExitCode, Locked, OperationFailed
from opsctl.core.outcome import Outcome, Status
from opsctl.core.secret import Secret
from opsctl.lab.fault import set_fault
from opsctl.ledger import open_ledger
from opsctl.profiles.hosted import DirectoryStore
from opsctl.profiles.model import KamstrupProfile
from opsctl.runs.service import Run
from opsctl.runs.workplace import Workplace
from tests.lab import guests
from tests.lab.backup_support import DATABASE_HOSTS, free_port, identity, new_directory, query, shell_on
from tests.lab.surroundings import Opsctl, hosted

pytestmark = pytest.mark.lab
# Slow enough to be hit in the middle: some 10 MB take ten seconds and more.
SLOW = 800_000
SIZES = Sizes(part_bytes=5 << 20, parts_per_volume=10_000, address_seconds=60)
# Parts too small for the host to hold the whole stream in memory while it waits. S3 would not complete them.
TINY = Sizes(part_bytes=256 << 10, parts_per_volume=10_000, address_seconds=60)


def unit_of(customer: str) -> str:
    return f"opsctl-backup-{customer}-ready.service"


def processes(shell: Shell, unit: str) -> dict[str, int]:
    """{command: process id} of a unit's processes on the host."""
    rows = shell.run(["ps", "-eo", "pid=,comm=,unit="]).text().splitlines()
    return {row.split()[1]: int(row.split()[0]) for row in rows if row.split()[-1] == unit}


def wait_for(shell: Shell, unit: str, command: str) -> int:
    """The process id of `command` once it runs in `unit`."""
    deadline = time.monotonic() + 20
    while command not in (found := processes(shell, unit)):
        assert time.monotonic() < deadline, f"{command} is not in {unit}: {found}"
        time.sleep(0.1)
    return found[command]


def wait_gone(shell: Shell, unit: str, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while shell.run(["systemctl", "is-active", "--quiet", unit]).exit_code == 0:
        assert time.monotonic() < deadline, f"{unit} still runs"
        time.sleep(0.2)
    assert processes(shell, unit) == {}


def in_background(work: Callable[[], Any], seconds: float = 120) -> Callable[[], Any]:
    """Start `work` in a thread; the returned function waits for its result or raises its error."""
    box: dict[str, Any] = {}

    def call() -> None:
        try:
            box["result"] = work()
        except BaseException as error:
            box["error"] = error

    thread = threading.Thread(target=call)
    thread.start()

    def wait() -> Any:
        thread.join(seconds)
        assert not thread.is_alive()
        if "error" in box:
            raise box["error"]
        return box["result"]

    return wait


def nothing_in_store(workplace: Workplace, profile: KamstrupProfile) -> bool:
    found = catalog(workplace, profile)
    return (found.backups, found.leftovers, found.foreign) == ((), (), ())


@pytest.fixture(params=DATABASE_HOSTS)
def customer(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("victim", ["producer", "age", "uploader"])
def test_a_killed_stage_publishes_nothing(workplace: Workplace, lab: Path, customer: str, victim: str) -> None:
    profile = hosted(workplace, customer)
    producer = "mariadb-backup" if customer == "sample-cedervig" else "pg_basebackup"
    name = {"producer": producer, "age": "age", "uploader": "python3"}[victim]
    with shell_on(workplace, profile, DATABASE_HOSTS[customer]) as shell:
        wait = in_background(lambda: run_backup(workplace, profile, bandwidth=SLOW, sizes=TINY))
        wait_for(shell, unit_of(customer), "age")
        time.sleep(0.5)
        shell.run(["kill", "-9", str(wait_for(shell, unit_of(customer), name))], sudo=True)
        outcome: Outcome = wait()
        assert (outcome.status, outcome.code) == (Status.FAILED, ExitCode.FAILED), outcome
        assert outcome.data["failed"][0]["reason"]
        wait_gone(shell, unit_of(customer), 5)
    assert nothing_in_store(workplace, profile)
    assert [entry.kind for entry in workplace.ledger.entries(chain=customer)] == [
        "run.started", "backup.failed", "run.finished"]


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_the_host_stops_when_the_control_side_is_gone(workplace: Workplace, opsctl: Opsctl, how: int) -> None:
    customer = "sample-aalund"
    profile = hosted(workplace, customer)
    with shell_on(workplace, profile, DATABASE_HOSTS[customer]) as shell:
        child = opsctl.start("backup", "run", customer, "--bandwidth", "0.5")
        try:
            wait_for(shell, unit_of(customer), "age")
            guests.wait(lambda: bool(catalog(workplace, profile).leftovers), 20, "an upload is begun")
        finally:
            os.kill(child.pid, how)
            child.communicate(timeout=60)
        wait_gone(shell, unit_of(customer), 10)
    assert child.returncode != 0
    found = catalog(workplace, profile)
    assert found.backups == ()
    if how == signal.SIGINT:
        assert found.leftovers == ()
        return
    # Nobody could tidy up after SIGKILL: the leftovers are seen, told, and removed on request. The dead run's
    # lease is still held in the database; a fresh ledger stands for the time after it has run out.
    assert [left.what for left in found.leftovers] == ["upload"]
    fresh = _with_another_ledger(workplace)
    assert clean(fresh, profile, dry_run=True).status is Status.UNCHANGED
    assert clean(fresh, profile).status is Status.DONE
    assert nothing_in_store(workplace, profile)


def _with_another_ledger(workplace: Workplace) -> Workplace:
    from dataclasses import replace

    folder = workplace.runs.parent / f"another-{time.monotonic_ns()}"
    return replace(workplace, ledger=open_ledger(f"sqlite:///{folder}/ledger.db", SystemClock()))


def test_the_second_of_two_runs_is_locked(workplace: Workplace, lab: Path) -> None:
    """By the lease within one ledger; by the unit on the host between two that know nothing of each other."""
    customer = "sample-birkeby"
    profile = hosted(workplace, customer)
    with shell_on(workplace, profile, DATABASE_HOSTS[customer]) as shell:
        wait = in_background(lambda: run_backup(workplace, profile, bandwidth=SLOW, sizes=SIZES))
        wait_for(shell, unit_of(customer), "age")
        with pytest.raises(Locked):
            run_backup(workplace, profile)
        second = run_backup(_with_another_ledger(workplace), profile)
        assert (second.status, second.code) == (Status.LOCKED, ExitCode.LOCKED), second
        # The refused one has not stopped the first one's unit.
        first = wait()
    assert first.status is Status.DONE, first
    assert len(catalog(workplace, profile).backups) == 1


@pytest.fixture
def made(workplace: Workplace, customer: str) -> Iterator[tuple[KamstrupProfile, str]]:
    profile = hosted(workplace, customer)
    outcome = run_backup(workplace, profile)
    assert outcome.status is Status.DONE, outcome
    yield profile, outcome.data["backups"][0]["backup_id"]


def _restore(workplace: Workplace, profile: KamstrupProfile, backup_id: str, key: Secret, shell: Shell,
             directory: str, port: int, **more: Any) -> Outcome:
    return restore(workplace, profile, backup_id, host=DATABASE_HOSTS[profile.customer], directory=directory,
                   port=port, identity=key, **more)


def test_a_changed_part_is_found(workplace: Workplace, lab: Path, made: tuple[KamstrupProfile, str]) -> None:
    profile, backup_id = made
    store = open_store(profile.backup.store)
    key = f"{profile.customer}/ready/{backup_id}/volume-0001.age"
    body = bytearray(store.get(key))
    body[len(body) // 2] ^= 1
    store.put(key, bytes(body))
    outcome = verify(workplace, profile, backup_id)
    assert outcome.code is ExitCode.CHECK_FAILED
    assert "volume-0001.age" in outcome.summary
    port = free_port()
    with shell_on(workplace, profile, DATABASE_HOSTS[profile.customer]) as shell, \
            new_directory(shell, port) as directory:
        outcome = _restore(workplace, profile, backup_id, identity(lab, profile.customer), shell, directory, port)
        assert outcome.status is Status.FAILED
        assert "hash differs" in outcome.summary + str(outcome.data)
        assert shell.run(["find", directory, "-mindepth", "1"], sudo=True).text() == ""


def test_a_forged_manifest_is_refused(workplace: Workplace, lab: Path, made: tuple[KamstrupProfile, str]) -> None:
    """Write access to the store must not be enough to forge a backup."""
    profile, backup_id = made
    store = open_store(profile.backup.store)
    key = f"{profile.customer}/ready/{backup_id}/manifest.json"
    store.put(key, store.get(key).replace(b'"opsctl_version"', b' "opsctl_version"'))
    assert verify(workplace, profile, backup_id).code is ExitCode.EVIDENCE_DAMAGED
    port = free_port()
    with shell_on(workplace, profile, DATABASE_HOSTS[profile.customer]) as shell, \
            new_directory(shell, port) as directory:
        given = (workplace, profile, backup_id, identity(lab, profile.customer), shell, directory, port)
        outcome = _restore(*given)
        assert outcome.code is ExitCode.EVIDENCE_DAMAGED
        assert shell.run(["test", "-e", directory], sudo=True).exit_code == 1
        accepted = _restore(*given, accept_unrecorded=True, start=False)
        assert accepted.status is Status.DONE
        last = workplace.ledger.last(profile.customer, "backup.restored")
        assert last is not None
        assert last.payload["evidence"] == "not the one in the ledger"


def test_a_wrong_identity_restores_nothing(workplace: Workplace, lab: Path, made: tuple[KamstrupProfile, str]) -> None:
    profile, backup_id = made
    other = next(name for name in DATABASE_HOSTS if name != profile.customer)
    wrong = identity(lab, other)
    port = free_port()
    with shell_on(workplace, profile, DATABASE_HOSTS[profile.customer]) as shell, \
            new_directory(shell, port) as directory:
        outcome = _restore(workplace, profile, backup_id, wrong, shell, directory, port)
        assert outcome.status is Status.FAILED
        assert "no identity matched" in outcome.summary
        assert "AGE-SECRET" not in str(outcome)
        assert shell.run(["find", directory, "-mindepth", "1"], sudo=True).text() == ""
        right = _restore(workplace, profile, backup_id, identity(lab, profile.customer), shell, directory, port,
                         start=False)
        assert right.status is Status.DONE


def test_nothing_that_exists_is_restored_over(workplace: Workplace, lab: Path,
                                              made: tuple[KamstrupProfile, str]) -> None:
    profile, backup_id = made
    port = free_port()
    with shell_on(workplace, profile, DATABASE_HOSTS[profile.customer]) as shell, \
            new_directory(shell, port) as directory:
        shell.run(["install", "-d", directory], sudo=True)
        shell.run(["touch", f"{directory}/precious"], sudo=True)
        outcome = _restore(workplace, profile, backup_id, identity(lab, profile.customer), shell, directory, port)
        assert outcome.status is Status.FAILED
        assert "not empty" in outcome.summary
        assert shell.run(["test", "-e", f"{directory}/precious"], sudo=True).exit_code == 0
        linked = f"{directory}-link"
        shell.run(["ln", "-s", directory, linked], sudo=True)
        try:
            outcome = _restore(workplace, profile, backup_id, identity(lab, profile.customer), shell, linked, port)
            assert "no directory" in outcome.summary
        finally:
            shell.run(["rm", linked], sudo=True)


def test_no_secret_stands_in_a_process_list_or_journal(workplace: Workplace, lab: Path) -> None:
    customer = "sample-aalund"
    profile = hosted(workplace, customer)
    with shell_on(workplace, profile, DATABASE_HOSTS[customer]) as shell:
        wait = in_background(lambda: run_backup(workplace, profile, bandwidth=SLOW * 3, sizes=SIZES))
        wait_for(shell, unit_of(customer), "age")
        listed = shell.run(["ps", "-ewwo", "args="], sudo=True).text()
        assert wait().status is Status.DONE
        assert "age -e -r age1" in listed
        journal = shell.run(["journalctl", "--no-pager", "-n", "500"], sudo=True).text()
    for text in (listed, journal):
        assert "X-Amz-Signature" not in text
        assert "AGE-SECRET" not in text


def test_a_lost_lease_publishes_nothing(workplace: Workplace, lab: Path) -> None:
    """Another run has taken over while this one streamed: what it has must not become a backup."""
    profile = hosted(workplace, "sample-cedervig")

    def lose(run: Run) -> None:
        run.lease.renewal.lost = True

    outcome = run_backup(workplace, profile, prepare=lose)
    assert (outcome.status, outcome.code) == (Status.LOCKED, ExitCode.LOCKED), outcome
    assert "lease" in outcome.summary
    assert nothing_in_store(workplace, profile)


def test_a_frozen_host_is_given_up(workplace: Workplace, lab: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its kernel still acknowledges every packet, so only silence tells; here after 25 seconds, not after 130."""
    monkeypatch.setattr(dialogue, "SILENCE_SECONDS", 25)
    profile = hosted(workplace, "sample-cedervig")
    with shell_on(workplace, profile, "cedervig-1") as shell:
        wait = in_background(lambda: run_backup(workplace, profile, bandwidth=SLOW // 4, sizes=TINY))
        wait_for(shell, unit_of("sample-cedervig"), "age")
        set_fault("cedervig-1", "freeze", True)
        try:
            outcome = wait()
            with pytest.raises(OperationFailed), shell_on(workplace, profile, "cedervig-1"):
                pass
        finally:
            set_fault("cedervig-1", "freeze", False)
        assert outcome.status is Status.FAILED
        assert "nothing was heard" in outcome.summary
        wait_gone(shell, unit_of("sample-cedervig"), 30)
    assert nothing_in_store(workplace, profile)


@pytest.mark.parametrize("customer", ["sample-aalund"])
def test_a_link_cut_for_a_minute_is_ridden_out(workplace: Workplace, lab: Path, customer: str) -> None:
    """The parts under way are sent again and the dialogue goes on: one run, one backup, whole."""
    profile = hosted(workplace, customer)
    with shell_on(workplace, profile, DATABASE_HOSTS[customer]) as shell:
        wait = in_background(lambda: run_backup(workplace, profile, bandwidth=SLOW, sizes=SIZES), seconds=400)
        wait_for(shell, unit_of(customer), "age")
        time.sleep(2)
    set_fault(DATABASE_HOSTS[customer], "link-down", True)
    try:
        time.sleep(60)
    finally:
        set_fault(DATABASE_HOSTS[customer], "link-down", False)
    outcome = wait()
    assert outcome.status is Status.DONE, outcome
    found = catalog(workplace, profile)
    assert ([backup.good for backup in found.backups], found.leftovers) == ([True], ())
    assert verify(workplace, profile, found.backups[0].place.backup_id).status is Status.DONE


def test_a_store_that_fails_midway_gets_no_backup(workplace: Workplace, lab: Path) -> None:
    """503 to everything: retried for a while, then given up; what was begun is found and removed afterwards."""
    profile = hosted(workplace, "sample-birkeby")
    with shell_on(workplace, profile, "birkeby-db") as shell:
        wait = in_background(lambda: run_backup(workplace, profile, bandwidth=SLOW, sizes=SIZES), seconds=300)
        wait_for(shell, unit_of("sample-birkeby"), "age")
        set_fault("s3", "errors", True)
        try:
            outcome = wait()
        finally:
            set_fault("s3", "errors", False)
        wait_gone(shell, unit_of("sample-birkeby"), 10)
    assert outcome.status is Status.FAILED, outcome
    assert re.search("503|SlowDown", outcome.summary), outcome
    assert catalog(workplace, profile).backups == ()
    assert clean(workplace, profile).code is ExitCode.OK
    assert nothing_in_store(workplace, profile)


def test_a_full_disk_under_the_store_gets_no_backup(workplace: Workplace, lab: Path) -> None:
    profile = hosted(workplace, "sample-cedervig")
    store = profile.backup.store
    assert isinstance(store, DirectoryStore)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m,mode=0700", "tmpfs", store.path], check=True)
    try:
        outcome = run_backup(workplace, profile, sizes=TINY)
        assert outcome.status is Status.FAILED, outcome
        assert "No space left" in outcome.summary + str(outcome.data)
        assert "disk" in outcome.resolution
        assert nothing_in_store(workplace, profile)
    finally:
        subprocess.run(["umount", store.path], check=True)


def test_a_host_that_goes_down_midway_publishes_nothing(workplace: Workplace, lab: Path,
                                                        monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialogue, "SILENCE_SECONDS", 25)
    profile = hosted(workplace, "sample-cedervig")
    with shell_on(workplace, profile, "cedervig-1") as shell:
        wait = in_background(lambda: run_backup(workplace, profile, bandwidth=SLOW // 4, sizes=TINY))
        wait_for(shell, unit_of("sample-cedervig"), "age")
    set_fault("cedervig-1", "stop", True)
    try:
        outcome = wait()
    finally:
        set_fault("cedervig-1", "stop", False)
    assert outcome.status is Status.FAILED, outcome
    assert nothing_in_store(workplace, profile)
    wait_until_up(workplace, profile, "cedervig-1")
    assert run_backup(workplace, profile).status is Status.DONE


def wait_until_up(workplace: Workplace, profile: KamstrupProfile, host: str) -> None:
    """Until the host answers and its database too."""
    deadline = time.monotonic() + 90
    while True:
        try:
            with shell_on(workplace, profile, host) as shell:
                query(shell, profile.databases[0].engine, "select 1;")
                return
        except (OperationFailed, AssertionError):
            assert time.monotonic() < deadline, f"{host} does not come up again"
            time.sleep(0.5)


def test_a_database_that_is_down_is_named(workplace: Workplace, lab: Path) -> None:
    profile = hosted(workplace, "sample-birkeby")
    with shell_on(workplace, profile, "birkeby-db") as shell:
        assert shell.run(["pg_ctlcluster", "15", "main", "stop", "--", "-m", "fast"], sudo=True,
                         timeout=60).exit_code == 0
        try:
            outcome = run_backup(workplace, profile)
        finally:
            assert shell.run(["systemctl", "restart", "postgresql@15-main"], sudo=True, timeout=60).exit_code == 0
    assert outcome.status is Status.FAILED
    assert "not online" in outcome.summary
    assert "pg_ctlcluster" in outcome.resolution


def test_missing_rights_are_named_with_their_remedy(workplace: Workplace, lab: Path) -> None:
    profile = hosted(workplace, "sample-birkeby")
    with shell_on(workplace, profile, "birkeby-db") as shell:
        hba = "/etc/postgresql/15/main/pg_hba.conf"
        assert shell.run(["cp", "-p", hba, f"{hba}.test"], sudo=True).exit_code == 0
        try:
            shell.run(["sed", "-i", "1i local replication all reject", hba], sudo=True)
            query(shell, profile.databases[0].engine, "select pg_reload_conf();")
            time.sleep(0.5)
            outcome = run_backup(workplace, profile)
        finally:
            shell.run(["mv", f"{hba}.test", hba], sudo=True)
            query(shell, profile.databases[0].engine, "select pg_reload_conf();")
    assert outcome.status is Status.FAILED
    assert "refuses a replication connection" in outcome.summary
    assert "pg_hba.conf" in outcome.resolution


def test_a_missing_part_is_found(workplace: Workplace, lab: Path) -> None:
    profile = hosted(workplace, "sample-cedervig")
    backup_id = run_backup(workplace, profile).data["backups"][0]["backup_id"]
    open_store(profile.backup.store).delete(f"sample-cedervig/ready/{backup_id}/volume-0001.age")
    assert not catalog(workplace, profile).find(backup_id).good
    outcome = verify(workplace, profile, backup_id)
    assert (outcome.code, "missing" in outcome.summary) == (ExitCode.CHECK_FAILED, True)


def test_extra_tablespaces_are_refused_with_the_remedy(workplace: Workplace, lab: Path) -> None:
    profile = hosted(workplace, "sample-birkeby")
    engine = profile.databases[0].engine
    with shell_on(workplace, profile, "birkeby-db") as shell:
        shell.run(["install", "-d", "-o", "postgres", "-m", "0700", "/var/lib/test-tablespace"], sudo=True)
        try:
            query(shell, engine, "create tablespace test_fast location '/var/lib/test-tablespace';")
            outcome = run_backup(workplace, profile)
        finally:
            query(shell, engine, "drop tablespace if exists test_fast;")
            shell.run(["rm", "-rf", "/var/lib/test-tablespace"], sudo=True)
    assert outcome.status is Status.FAILED
    assert "test_fast" in outcome.summary
    assert "pg_default" in outcome.resolution
    assert nothing_in_store(workplace, profile)


def test_a_host_without_its_tools_is_prepared_by_the_playbook(opsctl: Opsctl, lab: Path) -> None:
    """Asked without Ansible; what is missing is installed with it. Here the package is there and its program is not."""
    ready = opsctl("backup", "run", "sample-cedervig", "--json")
    assert ready.code == 0 and "Ask whether the databases can be backed up" in ready.stderr
    assert "preflight" not in ready.stderr, "nothing was missing, so no playbook ran"
    guests.on("cedervig-1", "mv /usr/bin/age /usr/bin/age.away")
    try:
        answer = opsctl("backup", "run", "sample-cedervig", "--json")
    finally:
        guests.on("cedervig-1", "mv /usr/bin/age.away /usr/bin/age")
    assert "preflight: Install the missing tools" in answer.stderr
    assert answer.code == 1 and "age" in answer.envelope["data"]["outcomes"][0]["summary"], answer


def test_an_unknown_cluster_is_named_with_those_there_are(workplace: Workplace, lab: Path) -> None:
    profile = hosted(workplace, "sample-aalund")
    lost = profile.model_copy(update={"databases": tuple(
        database.model_copy(update={"cluster": "archive"}) for database in profile.databases)})
    outcome = run_backup(workplace, lost)
    assert outcome.status is Status.FAILED
    assert "archive" in outcome.summary
    assert "17/main online" in outcome.summary


class TestSsh:
    """The adapter against a real sshd."""

    def test_a_host_without_a_known_key_is_not_entered(self, workplace: Workplace, lab: Path, tmp_path: Path) -> None:
        host = hosted(workplace, "sample-aalund").hosts[0]
        empty = tmp_path / "known_hosts"
        empty.touch()
        for path in (empty, tmp_path / "missing"):
            with pytest.raises(OperationFailed) as error, \
                    connect(host, known_hosts=path, identity=lab / "ssh" / "id_ed25519"):
                pass
            assert host.name in error.value.message
            assert str(path) in error.value.message + error.value.resolution

    def test_a_host_with_another_key_is_not_entered(self, workplace: Workplace, lab: Path, tmp_path: Path) -> None:
        host = hosted(workplace, "sample-aalund").hosts[0]
        other = workplace.known_hosts("sample-cedervig").read_text().split()
        swapped = tmp_path / "known_hosts"
        swapped.write_text(f"{host.address} {other[1]} {other[2]}\n")
        with pytest.raises(OperationFailed) as error, \
                connect(host, known_hosts=swapped, identity=lab / "ssh" / "id_ed25519"):
            pass
        assert "another host key" in error.value.message

    def test_commands_units_and_clock(self, workplace: Workplace, lab: Path) -> None:
        profile = hosted(workplace, "sample-birkeby")
        with shell_on(workplace, profile, "birkeby-db") as shell:
            done = shell.run(["sh", "-c", "cat; echo 'a b' >&2; exit 3"], stdin=b"\x00\xff in")
            assert (done.exit_code, done.stdout, done.stderr) == (3, b"\x00\xff in", b"a b\n")
            assert shell.run(["id", "-u"], sudo=True).text() == "0"
            assert shell.run(["echo", "$HOME; `id`", "it's"]).text() == "$HOME; `id` it's"
            assert abs(shell.clock_offset(SystemClock())) < 2
            with pytest.raises(OperationFailed):
                shell.run(["sleep", "30"], timeout=0.5)
            with pytest.raises(OperationFailed) as error:
                shell.open(["sleep", "30"]).read_line(0.5)
            assert "nothing was heard" in error.value.message
            channel = shell.open(["systemd-run", "--quiet", "--pipe", "--wait", "--collect", "--unit=test-long",
                                  "sleep", "600"], sudo=True)
            deadline = time.monotonic() + 10
            while shell.run(["systemctl", "is-active", "test-long"]).exit_code:
                assert time.monotonic() < deadline
            assert shell.stop_unit("test-long.service")
            channel.result(10)
            assert shell.run(["systemctl", "is-active", "test-long"]).exit_code != 0

    def test_an_unreachable_host_is_named(self, workplace: Workplace, lab: Path) -> None:
        host = hosted(workplace, "sample-aalund").hosts[0].model_copy(update={"port": 9})
        with pytest.raises(OperationFailed) as error, \
                connect(host, known_hosts=workplace.known_hosts("sample-aalund"),
                        identity=lab / "ssh" / "id_ed25519", timeout=3):
            pass
        assert "aalund-1" in error.value.message
