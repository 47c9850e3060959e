"""Processes are recognised by pid and start time, claimed once, stopped."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from opsctl.lab import process


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
