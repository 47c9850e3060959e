"""Runs that died: which they are, whether their process is gone, and that they are put right once."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsctl.adapters.ansible_process import MARK
from opsctl.backup.terms import READING
from opsctl.contract.gate import Delivery, Purpose, Request
from opsctl.contract.services import Service
from opsctl.core.clock import SystemClock
from opsctl.core.errors import Locked
from opsctl.core.outcome import Outcome, Status
from opsctl.core.progress import Silent
from opsctl.fleet.runlog import DIED, fold
from opsctl.ledger import Entry, open_ledger
from opsctl.profiles.loader import load_profile
from opsctl.profiles.settings import Settings
from opsctl.runs import leftovers
from opsctl.runs.alive import died_here, mark
from opsctl.runs.leftovers import MENDED, NONE, dead_runs
from opsctl.runs.service import HOSTS, Run, perform
from opsctl.runs.workplace import Workplace

ROOT = Path(__file__).resolve().parents[3]
NOW = datetime(2026, 11, 25, 1, tzinfo=UTC)
CUSTOMER = "sample-aalund"
REQUEST = Request(Service.BACKUP, Purpose.PROTECT, Delivery.WORK)


def entry(kind: str, run: str, **payload: Any) -> Entry:
    return Entry("sample-aalund", 1, kind, NOW, "tests", run, payload, "p" * 64, "h" * 64)


def started(run: str, operation: str = "patch apply", **more: str) -> Entry:
    return entry("run.started", run, operation=operation, **more)


def place_in(folder: Path) -> Workplace:
    ledger = open_ledger(f"sqlite:///{folder}/ledger.db", SystemClock())
    return Workplace(Settings(), ledger, SystemClock(), Silent(), "tests", folder / "runs", folder / "drafts")


def ran(place: Workplace, operation: str = "patch apply", lease: str = "",
        meanwhile: Callable[[Run], object] = lambda run: None) -> Outcome:
    """A run of the operation for the sample customer, in which `meanwhile` happens."""
    def act(run: Run) -> Outcome:
        meanwhile(run)
        return Outcome(CUSTOMER, "x", Status.DONE, "")

    return perform(place, load_profile(ROOT / "inventories", CUSTOMER), REQUEST, operation, act, lease=lease)


def test_dead_is_what_began_on_the_hosts_and_neither_ended_nor_was_put_right() -> None:
    entries = [started("a"), entry("run.finished", "a"), started("b"), started("s", "storage check"),
               started("c", "release install"), entry(MENDED, "c", died=["b"], hosts={}), started("mine")]
    assert dead_runs(entries, "mine") == ("c",)


def test_the_lease_that_a_run_took_decides_and_not_what_it_is_called() -> None:
    entries = [started("renewal", "network renew", lease=HOSTS), started("check", "network check", lease="network"),
               started("restore", "backup restore", lease=READING), started("run", "backup run", lease=HOSTS),
               started("old", "backup verify")]
    assert dead_runs(entries, "mine") == ("renewal", "run", "old")
    assert dead_runs(entries, "mine", alive={"old", "run"}) == ("renewal",)
    gone = {"restore", "check"}
    assert dead_runs(entries, "mine", gone=gone.__contains__) == ("renewal", "restore", "run", "old"), \
        "work on hosts under another lease is dead once its process is known to be gone"
    assert dead_runs(entries, "mine", alive={"restore"}, gone=gone.__contains__) == ("renewal", "run", "old")


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["run.started", "run.finished", MENDED]))))
def test_what_was_put_right_is_never_dead_again(steps: list[tuple[str, str]]) -> None:
    entries = [started(run) if kind == "run.started" else entry(kind, "x" if kind == MENDED else run, died=[run])
               for run, kind in steps]
    found = set(dead_runs(entries, "mine"))
    assert found == {run for run in "abc" if [kind for name, kind in steps if name == run][-1:] == ["run.started"]}


def test_a_process_that_is_gone_is_known_here_alone(tmp_path: Path) -> None:
    assert not died_here(tmp_path), "nothing is known"
    subprocess.run([sys.executable, "-c", "from pathlib import Path; from opsctl.runs.alive import mark; import sys; "
                    "mark(Path(sys.argv[1]))", str(tmp_path)], check=True, cwd=ROOT)
    assert died_here(tmp_path)
    said = json.loads((tmp_path / "process.json").read_text(encoding="utf-8"))
    (tmp_path / "process.json").write_text(json.dumps({**said, "place": ["another boot", "pid:[1]"]}), encoding="utf-8")
    assert not died_here(tmp_path), "the folder of another machine says nothing here"
    (tmp_path / "process.json").write_text("{", encoding="utf-8")
    assert not died_here(tmp_path)


def test_a_process_that_lives_has_not_died(tmp_path: Path) -> None:
    mark(tmp_path)
    assert (tmp_path / "process.json").stat().st_mode & 0o777 == 0o600
    assert not died_here(tmp_path)
    said = json.loads((tmp_path / "process.json").read_text(encoding="utf-8"))
    assert said["pid"] == os.getpid()
    (tmp_path / "process.json").write_text(json.dumps({**said, "began": "1"}), encoding="utf-8")
    assert died_here(tmp_path), "its number is another process's now"


def test_the_lease_of_a_run_that_died_here_is_free_at_once_and_the_run_is_put_right_once(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leftovers, "_settled", lambda run, host, dead: NONE)
    place = place_in(tmp_path)
    ledger = place.ledger
    ledger.acquire(f"sample-aalund/{HOSTS}", "dead", 90)
    ledger.append("sample-aalund", "run.started", {"operation": "patch apply"}, actor="tests", run="dead")
    with pytest.raises(Locked, match="held by dead"):
        ran(place)
    (tmp_path / "runs" / "dead").mkdir(parents=True)
    (tmp_path / "runs" / "dead" / "variables.yml").write_text("secret", encoding="utf-8")
    subprocess.run([sys.executable, "-c", "from pathlib import Path; from opsctl.runs.alive import mark; import sys; "
                    "mark(Path(sys.argv[1]))", str(tmp_path / "runs" / "dead")], check=True, cwd=ROOT)
    first = ran(place)
    assert first.warnings == ("an earlier run died before it ended (dead)",)
    assert not (tmp_path / "runs" / "dead").exists(), "its private folder held secrets"
    assert ran(place).warnings == ()
    assert [one.payload["died"] for one in ledger.entries("sample-aalund", kinds=(MENDED,))] == [["dead"]]
    assert {one.run: one.status for one in fold(entry_ for entry_ in ledger.entries("sample-aalund")
                                                if entry_.run == "dead" or entry_.kind == MENDED
                                                if entry_.kind != "run.started" or "service" not in entry_.payload)
            } == {"dead": DIED}
    ledger.close()


def test_a_restore_that_is_at_work_is_no_dead_run_to_a_backup_beside_it(tmp_path: Path) -> None:
    place = place_in(tmp_path)

    def beside(restore: Run) -> None:
        assert ran(place, "backup run").warnings == ()
        assert (restore.folder / "process.json").is_file()

    assert ran(place, "backup restore", READING, beside).status is Status.DONE
    assert list(place.ledger.entries(CUSTOMER, kinds=(MENDED,))) == []
    said = {one.payload["operation"]: one.payload["lease"] for one in place.ledger.entries(CUSTOMER,
                                                                                          kinds=("run.started",))}
    assert said == {"backup restore": READING, "backup run": HOSTS}
    place.ledger.close()


def test_the_playbook_of_a_renewal_that_was_killed_is_ended_by_the_next_work_on_hosts(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leftovers, "_settled", lambda run, host, dead: NONE)
    place = place_in(tmp_path)
    ran(place, "network renew", HOSTS)
    (renewal,) = place.ledger.entries(CUSTOMER, kinds=("run.started",))
    place.ledger.append(CUSTOMER, "run.started", renewal.payload, actor="tests", run="killed")
    left = subprocess.Popen(["sleep", "60"], env={MARK: f"{place.runs}/killed/ansible-x", "PATH": os.defpath})
    try:
        assert ran(place).warnings == ("an earlier run died before it ended (killed)",)
        assert left.wait(10) == -signal.SIGKILL
    finally:
        left.kill()
        left.wait()
    place.ledger.close()
