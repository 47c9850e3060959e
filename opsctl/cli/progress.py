"""Progress on stderr: a live line on a terminal, a plain line now and then in a log."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from opsctl.cli.emit import note
from opsctl.core.progress import Progress

LOG_SECONDS = 10.0
"""In a log, one line per customer at most this often."""


class Lines:
    """Writes progress as lines; thread-safe. On a terminal the line of an `advance` is overwritten."""

    def __init__(self, live: bool) -> None:
        self._live = live
        self._lock = threading.Lock()
        self._began: dict[tuple[str, str], float] = {}
        self._told: dict[tuple[str, str], float] = {}
        self._width = 0

    def say(self, customer: str, message: str) -> None:
        with self._lock:
            self._clear()
            note(f"{customer}: {message}")

    def advance(self, customer: str, what: str, done: int, total: int | None = None, unit: str = "bytes") -> None:
        now = time.monotonic()
        with self._lock:
            key = (customer, what)
            began = self._began.setdefault(key, now)
            if now - self._told.get(key, began if not self._live else 0.0) < (0.2 if self._live else LOG_SECONDS):
                return
            self._told[key] = now
            line = f"{customer}: {what} {_amount(done, total, unit)}{_rate(done, total, now - began, unit)}"
            if self._live:
                self._clear()
                with suppress(OSError):
                    sys.stderr.write(line)
                    sys.stderr.flush()
                self._width = len(line)
            else:
                note(line)

    def close(self) -> None:
        """Leave the cursor on an empty line."""
        with self._lock:
            self._clear()

    def _clear(self) -> None:
        if self._width:
            with suppress(OSError):
                sys.stderr.write("\r" + " " * self._width + "\r")
            self._width = 0


def _amount(done: int, total: int | None, unit: str) -> str:
    if unit != "bytes":
        return f"{done} of {total} {unit}" if total else f"{done} {unit}"
    text = f"{done / 1e6:.1f} MB"
    return f"{text} of about {total / 1e6:.1f} MB" if total else text


def _rate(done: int, total: int | None, seconds: float, unit: str) -> str:
    if seconds < 1 or done <= 0:
        return ""
    rate = done / seconds
    text = f", {rate / 1e6:.1f} MB/s" if unit == "bytes" else ""
    if total and total > done:
        left = (total - done) / rate
        text += f", {int(left // 60)}:{int(left % 60):02d} left"
    return text


@contextmanager
def progress() -> Iterator[Progress]:
    """Progress for one command."""
    lines = Lines(sys.stderr.isatty())
    try:
        yield lines
    finally:
        lines.close()
