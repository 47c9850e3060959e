"""Detached processes of the lab: started, recognised again by pid and start time, stopped."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from opsctl.core.errors import OperationFailed
from opsctl.lab.command import environment

_INHERITED = "OPSCTL_LAB_MARK"
"""The number of the inherited file that is the child's mark."""

_START_SECONDS = 30
_LOOK_SECONDS = 1


@dataclass(frozen=True)
class Running:
    """A live process: `started` is its start in clock ticks since boot, which tells a reused pid apart."""

    pid: int
    started: int


def find(mark: Path) -> Running | None:
    """The live process that holds `mark`; None when there is none. One that is being started is waited for."""
    wait_until(lambda: not _being_started(mark), _START_SECONDS)
    try:
        content = json.loads(mark.read_text(encoding="utf-8"))
        known = Running(int(content["pid"]), int(content["started"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return known if alive(known) else None


def alive(known: Running) -> bool:
    """Whether exactly this process still runs; a zombie does not."""
    fields = _stat(known.pid)
    return fields is not None and int(fields[19]) == known.started and fields[0] != "Z"


def suspended(known: Running) -> bool:
    """Whether the process is stopped by a signal (SIGSTOP)."""
    fields = _stat(known.pid)
    return fields is not None and fields[0] == "T"


def claim(mark: Path) -> IO[str]:
    """Write this process into `mark` and hold it locked; SystemExit when another live process holds it.

    The caller keeps the returned file open for as long as it runs.
    """
    inherited = os.environ.pop(_INHERITED, None)
    handle = _hold(mark) if inherited is None else os.fdopen(int(inherited), "a+", encoding="utf-8")
    if handle is None:
        raise SystemExit(f"{mark.stem} runs already")
    os.set_inheritable(handle.fileno(), False)
    fields = _stat(os.getpid())
    handle.write(json.dumps({"pid": os.getpid(), "started": int(fields[19]) if fields else 0}))
    handle.flush()
    return handle


def start_detached(module: str, arguments: tuple[str, ...], mark: Path, log: Path) -> subprocess.Popen[bytes]:
    """Start `python -m module` in a session of its own, output to `log`; it outlives this process.

    The child inherits `mark` locked, and claims it: from its first moment on it can be found, even when this
    process is killed before the child has said who it is. Raises OperationFailed when the mark is held.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    package_root = str(Path(__file__).parents[2])
    handle = _hold(mark)
    if handle is None:
        raise OperationFailed(f"{mark.stem} runs already.", f"Look at {mark} and {log}, then try again.")
    with handle, log.open("ab") as output:
        return subprocess.Popen([sys.executable, "-m", module, *arguments], stdin=subprocess.DEVNULL,
                                stdout=output, stderr=output, start_new_session=True, cwd="/",
                                pass_fds=(handle.fileno(),),
                                env=environment({"PYTHONPATH": package_root, _INHERITED: str(handle.fileno())}))


def stop(known: Running, seconds: float) -> None:
    """Ask the process to end; kill it when it has not ended after `seconds`."""
    for number in (signal.SIGTERM, signal.SIGCONT):
        send(known, number)
    if not wait_until(lambda: not alive(known), seconds):
        send(known, signal.SIGKILL)
        wait_until(lambda: not alive(known), 5)


def send(known: Running, number: signal.Signals) -> None:
    """Send a signal to exactly this process; nothing happens when it is gone."""
    if alive(known):
        with contextlib.suppress(ProcessLookupError):
            os.kill(known.pid, number)


def wait_until(condition: Callable[[], bool], seconds: float, pause: float = 0.05) -> bool:
    """Whether `condition` became true within `seconds`."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(pause)
    return True


def require(condition: Callable[[], bool], seconds: float, message: str, resolution: str) -> None:
    """Wait for `condition`; OperationFailed when it did not become true within `seconds`."""
    if not wait_until(condition, seconds):
        raise OperationFailed(message, resolution)


def _hold(mark: Path) -> IO[str] | None:
    """The mark, emptied and locked; None when another process keeps it. Who only looks has it for a moment."""
    mark.parent.mkdir(parents=True, exist_ok=True)
    handle = mark.open("a+", encoding="utf-8")
    if not wait_until(lambda: _locked(handle, fcntl.LOCK_EX), _LOOK_SECONDS):
        handle.close()
        return None
    handle.truncate(0)
    return handle


def _being_started(mark: Path) -> bool:
    """Whether a process holds the mark and has not written itself into it yet."""
    try:
        with mark.open(encoding="utf-8") as handle:
            return not handle.read(1) and not _locked(handle, fcntl.LOCK_SH)
    except OSError:
        return False


def _locked(handle: IO[str], kind: int) -> bool:
    try:
        fcntl.flock(handle, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _stat(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat from the state on (proc(5), field 3 and following)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return None
