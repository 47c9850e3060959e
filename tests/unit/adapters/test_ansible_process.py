import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from opsctl.adapters.ansible_process import MARK, deferred, end_run, processes, sweep, undisturbed


def start(mark: Path, code: str) -> subprocess.Popen[bytes]:
    child = subprocess.Popen([sys.executable, "-c", code], env={"PATH": os.environ["PATH"], MARK: str(mark)},
                             stdout=subprocess.PIPE, start_new_session=True)
    assert child.stdout is not None and child.stdout.readline() == b"ready\n"
    return child


def test_sweep_ends_what_carries_the_mark_and_nothing_else(tmp_path: Path) -> None:
    stubborn = ("import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
                "print('ready', flush=True); time.sleep(60)")
    ours, other = start(tmp_path / "ours", stubborn), start(tmp_path / "ours-2", stubborn)
    try:
        assert processes(tmp_path / "ours") == [ours.pid]
        started = time.monotonic()
        sweep(tmp_path / "ours", seconds=0.5)
        assert ours.wait(timeout=5) == -9
        assert time.monotonic() - started < 3
        assert processes(tmp_path / "ours") == []
        assert other.poll() is None
    finally:
        for child in (ours, other):
            child.kill()
            child.wait()


def test_an_ended_process_is_not_alive(tmp_path: Path) -> None:
    child = start(tmp_path, "print('ready', flush=True)")
    deadline = time.monotonic() + 5
    while processes(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert processes(tmp_path) == [], "it waits for its parent as a zombie, and does nothing any more"
    child.wait()


def test_what_a_killed_run_left_is_ended_and_nothing_else(tmp_path: Path) -> None:
    waits = "import time; print('ready', flush=True); time.sleep(60)"
    left, other = start(tmp_path / "run-1" / "ansible-x", waits), start(tmp_path / "run-10" / "ansible-y", waits)
    try:
        end_run(tmp_path / "run-1")
        assert left.wait(timeout=30) == -signal.SIGKILL
        assert other.poll() is None
    finally:
        for child in (left, other):
            child.kill()
            child.wait()


def test_cleaning_up_is_not_cut_short_by_any_signal_that_ends_a_run() -> None:
    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        with undisturbed():
            for number in numbers:
                os.kill(os.getpid(), number)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGHUP)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_waits_and_is_acted_on_at_the_end(number: signal.Signals) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    done: list[str] = []
    before = signal.signal(number, interrupt)
    try:
        with pytest.raises(KeyboardInterrupt):
            with deferred():
                os.kill(os.getpid(), number)
                time.sleep(0.05)
                done.append("inside")
            done.append("after")
        assert done == ["inside"]
        assert signal.getsignal(number) is interrupt
    finally:
        signal.signal(number, before)


def test_what_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with deferred():
            os.kill(os.getpid(), signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
