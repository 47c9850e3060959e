"""Processes are recognised by pid and start time, claimed once, stopped."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from opsctl.core.errors import OperationFailed
from opsctl.lab import process

pytestmark = pytest.mark.slow


def sleeper(mark: Path, ignore: bool = False) -> subprocess.Popen[bytes]:
    """A process that claims `mark` and sleeps; it may ignore SIGTERM."""
    code = ("import signal, sys, time; from pathlib import Path; from opsctl.lab.process import claim\n"
            f"kept = claim(Path({str(mark)!r}))\n"
            + ("signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" if ignore else "")
            + "print('claimed', flush=True); time.sleep(60)")
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.readline()
    return child


def test_a_claimed_process_is_found_until_it_ends(tmp_path: Path) -> None:
    mark = tmp_path / "one.json"
    child = sleeper(mark)
    found = process.find(mark)
    assert found is not None
    assert found.pid == child.pid
    child.kill()
    child.wait()
    assert process.find(mark) is None


def test_a_second_process_cannot_claim_the_same_mark(tmp_path: Path) -> None:
    mark = tmp_path / "one.json"
    first = sleeper(mark)
    second = sleeper(mark)
    assert second.wait(10) == 1
    found = process.find(mark)
    assert found is not None
    assert found.pid == first.pid
    first.kill()
    first.wait()


def test_a_reused_pid_is_not_taken_for_the_process(tmp_path: Path) -> None:
    mark = tmp_path / "one.json"
    mark.write_text(json.dumps({"pid": os.getpid(), "started": 1}))
    assert process.find(mark) is None


def test_a_broken_or_missing_mark_names_nobody(tmp_path: Path) -> None:
    mark = tmp_path / "one.json"
    assert process.find(mark) is None
    for text in ("", "{", "[]", '{"pid": "x"}'):
        mark.write_text(text)
        assert process.find(mark) is None


def test_stop_kills_what_does_not_end_and_wakes_what_is_suspended(tmp_path: Path) -> None:
    for number, ignore in enumerate((True, False)):
        mark = tmp_path / f"{number}.json"
        child = sleeper(mark, ignore=ignore)
        found = process.find(mark)
        assert found is not None
        process.send(found, signal.SIGSTOP)
        assert process.wait_until(lambda known=found: process.suspended(known), 5)
        process.stop(found, 0.3)
        assert child.wait(5) == (-signal.SIGKILL if ignore else -signal.SIGTERM)


def test_a_zombie_is_not_alive(tmp_path: Path) -> None:
    mark = tmp_path / "one.json"
    child = sleeper(mark)
    os.kill(child.pid, signal.SIGKILL)
    assert process.wait_until(lambda: process.find(mark) is None, 5)
    child.wait()


def test_a_process_is_found_although_its_starter_was_killed_before_it_said_who_it_is(tmp_path: Path) -> None:
    mark = tmp_path / "one.json"
    code = ("import os, signal; from pathlib import Path; from opsctl.lab import process\n"
            f"child = process.start_detached('tests.unit.lab.slow_to_start', ({str(mark)!r},), Path({str(mark)!r}),\n"
            f"                               Path({str(tmp_path / 'log')!r}))\n"
            "print(child.pid, flush=True); os.kill(os.getpid(), signal.SIGKILL)")
    starter = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=False)
    assert starter.returncode == -signal.SIGKILL
    found = process.find(mark)
    assert found is not None
    assert found.pid == int(starter.stdout)
    process.stop(found, 5)
    assert process.find(mark) is None


def test_a_process_that_ends_before_it_claims_its_mark_is_nobody(tmp_path: Path) -> None:
    mark = tmp_path / "one.json"
    child = process.start_detached("there_is_no_such_module", (), mark, tmp_path / "log")
    assert process.find(mark) is None
    assert child.wait(5) != 0


def test_what_runs_is_not_started_twice(tmp_path: Path) -> None:
    mark = tmp_path / "one.json"
    child = sleeper(mark)
    with pytest.raises(OperationFailed, match="runs already"):
        process.start_detached("there_is_no_such_module", (), mark, tmp_path / "log")
    child.kill()
    child.wait()
