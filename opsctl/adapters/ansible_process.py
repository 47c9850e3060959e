"""Ending a playbook for certain: on this machine by the mark its processes inherit, on the hosts by unit name.

Signals to ansible-playbook alone leave work running: its workers are sessions of their own, and what they
started on a host goes on when the connection ends. So every process is found by an environment variable
that only this run's processes carry, and long work on hosts runs in units named after the run.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from opsctl.adapters.ansible_inventory import Target
from opsctl.profiles.inventory import ssh_arguments

MARK = "OPSCTL_PLAYBOOK_RUN"
"""Environment variable with the private folder's path: the mark of this run's processes."""


def processes(folder: Path) -> list[int]:
    """Pids of the live processes that carry the mark of `folder`."""
    wanted = f"{MARK}={folder}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            if wanted in (entry / "environ").read_bytes().split(b"\0") and _alive(entry):
                found.append(int(entry.name))
        except OSError:
            continue  # gone meanwhile, or another user's
    return found


def end_run(folder: Path) -> None:
    """End what a run that was killed left behind on this machine: the processes marked with a folder below `folder`."""
    below = f"{MARK}={folder}/".encode()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            if any(one.startswith(below) for one in (entry / "environ").read_bytes().split(b"\0")):
                _signal(int(entry.name), signal.SIGKILL)
        except OSError:
            continue  # gone meanwhile, or another user's


def interrupt(folder: Path, seconds: float = 10) -> None:
    """Ask ansible-playbook to stop (SIGINT) and wait for its end, at most `seconds`."""
    for pid in _children(os.getpid()):
        if pid in processes(folder):
            _signal(pid, signal.SIGINT)
    _wait(lambda: not any(pid in processes(folder) for pid in _children(os.getpid())), seconds)


def sweep(folder: Path, seconds: float = 5) -> None:
    """End every process that carries the mark: SIGTERM, then SIGKILL after `seconds`."""
    for signal_number in (signal.SIGTERM, signal.SIGKILL):
        left = processes(folder)
        if not left:
            return
        for pid in left:
            _signal(pid, signal_number)
        _wait(lambda: not processes(folder), seconds)


def stop_units(targets: Sequence[Target], identity: Path, run: str, seconds: int = 20) -> tuple[str, ...]:
    """Stop the units `opsctl-RUN*` on every target; return the names of the hosts where that failed."""
    def stop(target: Target) -> str | None:
        command = ["ssh", *shlex.split(ssh_arguments(str(target.known_hosts))), "-i", str(identity),
                   "-o", "ConnectTimeout=5", "-p", str(target.host.port),
                   f"{target.host.user}@{target.host.address}", f"sudo systemctl stop 'opsctl-{run}*'"]
        try:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds, check=False,
                                  env={"PATH": os.defpath, "HOME": "/nonexistent"})
        except (OSError, subprocess.TimeoutExpired):
            return target.name
        return None if done.returncode == 0 else target.name

    if not targets:
        return ()
    with ThreadPoolExecutor(max_workers=min(16, len(targets))) as pool:
        return tuple(name for name in pool.map(stop, targets) if name)


@contextmanager
def sigterm_interrupts() -> Iterator[None]:
    """While inside, SIGTERM raises KeyboardInterrupt in the main thread, so that cleaning up happens."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def raise_interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, raise_interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def undisturbed() -> Iterator[None]:
    """While inside, SIGINT, SIGTERM and SIGHUP are ignored: cleaning up is bounded and must not be cut short."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, signal.SIG_IGN)
              for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def deferred() -> Iterator[None]:
    """While inside, SIGINT, SIGTERM and SIGHUP wait; at the end the first that came is acted on as ever."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before: dict[signal.Signals, Any] = {}
    try:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            handler = signal.getsignal(number)
            if handler not in {signal.SIG_IGN, None}:
                before[number] = handler
                signal.signal(number, lambda caught, _frame: came.append(caught))
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if came:
            signal.raise_signal(came[0])


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            found += [int(child) for child in (task / "children").read_text().split()]
        except OSError:
            continue
    return found


def _alive(process: Path) -> bool:
    # The state follows the command in parentheses, which may itself hold any character.
    return (process / "stat").read_text().rpartition(")")[2].split()[0] not in {"Z", "X"}


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _wait(done: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not done() and time.monotonic() < end:
        time.sleep(0.1)
