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
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from opsctl.core.errors import OperationFailed
from opsctl.lab.command import environment


@dataclass(frozen=True)
class Running:
    """A live process: `started` is its start in clock ticks since boot, which tells a reused pid apart."""

    pid: int
    started: int


def find(mark: Path) -> Running | None:
    """The live process that wrote `mark`; None when there is no mark or the process is gone."""
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
    mark.parent.mkdir(parents=True, exist_ok=True)
    handle = mark.open("a+", encoding="utf-8")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise SystemExit(f"{mark.stem} runs already") from None
    fields = _stat(os.getpid())
    handle.truncate(0)
    handle.write(json.dumps({"pid": os.getpid(), "started": int(fields[19]) if fields else 0}))
    handle.flush()
    return handle


def start_detached(module: str, arguments: tuple[str, ...], log: Path,
                   extra: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
    """Start `python -m module` in a session of its own, output to `log`; it outlives this process."""
    log.parent.mkdir(parents=True, exist_ok=True)
    package_root = str(Path(__file__).parents[2])
    with log.open("ab") as output:
        return subprocess.Popen([sys.executable, "-m", module, *arguments], stdin=subprocess.DEVNULL,
                                stdout=output, stderr=output, start_new_session=True, cwd="/",
                                env=environment({"PYTHONPATH": package_root, **(extra or {})}))


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


def _stat(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat from the state on (proc(5), field 3 and following)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return None
