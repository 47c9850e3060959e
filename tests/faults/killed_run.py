"""Runs `opsctl` and kills this very process (SIGKILL) when it comes to one step: `killed_run.py STEP ARGUMENTS...`."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from opsctl.backup import copying, take
from opsctl.backup.uploads import Uploads
from opsctl.cli.main import run
from opsctl.runs.service import Run

Original = Callable[..., Any]


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def before(original: Original, when: Callable[..., bool] = lambda *_: True) -> Original:
    def act(*given: Any, **named: Any) -> Any:
        if when(*given):
            die()
        return original(*given, **named)
    return act


def after(original: Original) -> Original:
    def act(*given: Any, **named: Any) -> Any:
        original(*given, **named)
        die()
    return act


def records(kind: str) -> Callable[..., bool]:
    return lambda _run, recorded, *_: recorded == kind


STEPS: dict[str, Callable[[], None]] = {
    "hosts prepared": lambda: setattr(take, "open_program", before(take.open_program)),
    "database inspected": lambda: setattr(take, "_streams", before(take._streams)),
    "streamed": lambda: setattr(Uploads, "complete", before(Uploads.complete)),
    "parts made objects": lambda: setattr(Uploads, "complete", after(Uploads.complete)),
    "manifest written": lambda: setattr(Uploads, "publish", after(Uploads.publish)),
    "recorded": lambda: setattr(Run, "record", after_kind(Run.record, "backup.completed")),
    "copied": lambda: setattr(copying, "_over_host", after(copying._over_host)),
    "copy written": lambda: setattr(Run, "record", before(Run.record, records("backup.copied"))),
}


def after_kind(original: Original, kind: str) -> Original:
    def act(*given: Any, **named: Any) -> Any:
        found = original(*given, **named)
        if given[1] == kind:
            die()
        return found
    return act


if __name__ == "__main__":
    STEPS[sys.argv[1]]()
    run(sys.argv[2:])
