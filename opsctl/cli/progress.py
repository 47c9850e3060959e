"""Progress on stderr: on a terminal one live line per customer at work, in a log plain lines that stay; or JSON lines.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum

from opsctl.cli.emit import note
from opsctl.core.errors import UsageError
from opsctl.core.progress import Progress, Silent
from opsctl.core.text import printable

LOG_SECONDS = 10.0
"""In a log, one line per customer about an amount at most this often."""
LIVE_SECONDS = 0.2
ENVIRONMENT = "OPSCTL_PROGRESS"
JSON_SECONDS = 1.0


class Form(StrEnum):
    """How progress is told."""

    LINES = "lines"
    JSON = "json"
    NONE = "none"


class JsonLines:
    """One JSON object per line, at most one a second for each piece of work, and one at its end; thread-safe.

    {"event": "said", customer, message}, {"event": "step", customer, step} or {"event": "progress", customer, what,
    done, total, unit, per_second, seconds_left}; total and seconds_left are null when they are not known, and total
    may be an estimate.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._began: dict[tuple[str, str], float] = {}
        self._told: dict[tuple[str, str], float] = {}

    def say(self, customer: str, message: str) -> None:
        with self._lock:
            note(json.dumps({"event": "said", "customer": customer, "message": message}))

    def step(self, customer: str, message: str) -> None:
        with self._lock:
            note(json.dumps({"event": "step", "customer": customer, "step": message}))

    def advance(self, customer: str, what: str, done: int, total: int | None = None, unit: str = "bytes") -> None:
        now, key = time.monotonic(), (customer, what)
        with self._lock:
            seconds = now - self._began.setdefault(key, now)
            if now - self._told.get(key, 0.0) < JSON_SECONDS and done != total:
                return
            self._told[key] = now
            rate = done / seconds if seconds > 0 else 0.0
            left = round((total - done) / rate, 1) if total and total >= done and rate else None
            note(json.dumps({"event": "progress", "customer": customer, "what": what, "done": done, "total": total,
                             "unit": unit, "per_second": round(rate, 1), "seconds_left": left}))


class Lines:
    """Writes progress; thread-safe. What is said stays; a step or an amount is a live line on a terminal."""

    def __init__(self, live: bool) -> None:
        self._live = live
        self._lock = threading.Lock()
        self._began: dict[tuple[str, str], float] = {}
        self._told: dict[tuple[str, str], float] = {}
        self._now: dict[str, str] = {}
        self._shown = 0

    def say(self, customer: str, message: str) -> None:
        with self._lock:
            self._clear()
            note(f"{customer}: {printable(message)}")
            self._show()

    def step(self, customer: str, message: str) -> None:
        with self._lock:
            if not self._live:
                if message:
                    note(f"{customer}: {printable(message)}")
                return
            self._set(customer, message)

    def advance(self, customer: str, what: str, done: int, total: int | None = None, unit: str = "bytes") -> None:
        now = time.monotonic()
        with self._lock:
            key = (customer, what)
            began = self._began.setdefault(key, now)
            every = LIVE_SECONDS if self._live else LOG_SECONDS
            if now - self._told.get(key, began if not self._live else 0.0) < every:
                return
            self._told[key] = now
            line = f"{what} {_amount(done, total, unit)}{_rate(done, total, now - began, unit)}"
            if self._live:
                self._set(customer, line)
            else:
                note(f"{customer}: {line}")

    def close(self) -> None:
        """Leave the cursor on an empty line."""
        with self._lock:
            self._now.clear()
            self._clear()

    def _set(self, customer: str, text: str) -> None:
        self._clear()
        if text:
            self._now[customer] = printable(text)
        else:
            self._now.pop(customer, None)
        self._show()

    def _show(self) -> None:
        """The live lines, as many as fit, each cut at the terminal's width: one that wraps could not be overwritten."""
        if not self._live or not self._now:
            return
        size = shutil.get_terminal_size()
        lines = [f"{customer}: {text}"[:size.columns - 1] for customer, text in self._now.items()][:size.lines - 1]
        with suppress(OSError):
            sys.stderr.write("\n".join(lines))
            sys.stderr.flush()
        self._shown = len(lines)

    def _clear(self) -> None:
        if self._shown:
            with suppress(OSError):
                # To the first of them, and everything from there on away.
                sys.stderr.write("\r" + (f"\x1b[{self._shown - 1}A" if self._shown > 1 else "") + "\x1b[J")
                sys.stderr.flush()
            self._shown = 0


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


def require_form(text: str, given_by: str) -> Form:
    """The form called `text`; UsageError that says by what it was given."""
    if text not in list(Form):
        raise UsageError(f"{given_by}{text[:40]!r} is no form of progress", f"use one of: {', '.join(Form)}")
    return Form(text)


@contextmanager
def progress() -> Iterator[Progress]:
    """Progress for one command, in the form that `--progress` or OPSCTL_PROGRESS asks for."""
    wanted = require_form(os.environ.get(ENVIRONMENT) or Form.LINES, f"{ENVIRONMENT}=")
    if wanted != Form.LINES:
        yield JsonLines() if wanted == Form.JSON else Silent()
        return
    lines = Lines(sys.stderr.isatty())
    try:
        yield lines
    finally:
        lines.close()
