"""How long the error log takes with ten thousand open requests of five customers, beside a bare `python -c pass`.

Run: .venv/bin/python benchmarks/support.py [REQUESTS] [RUNS]. Prints processor and wall time of interleaved runs, and
how many requests a second were logged; judges nothing. Works in a temporary folder.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from opsctl.core.clock import SystemClock
from opsctl.core.progress import Silent
from opsctl.ledger import open_ledger
from opsctl.profiles.settings import Settings
from opsctl.runs.workplace import Workplace
from opsctl.support.intake import UNASKED
from opsctl.support.log import writing
from opsctl.support.people import Person
from opsctl.support.service import Report, open_request

ROOT = Path(__file__).resolve().parents[1]
OPSCTL = str(Path(sys.executable).parent / "opsctl")
CUSTOMERS = ("sample-aalund", "sample-birkeby", "sample-cedervig", "sample-dalmose", "sample-elmegaard")
COMMANDS = {"python -c pass": [sys.executable, "-c", "pass"], "opsctl support list": [OPSCTL, "support", "list"],
            "opsctl support list --json": [OPSCTL, "support", "list", "--json"],
            "opsctl support due": [OPSCTL, "support", "due"]}


def fill(folder: Path, count: int) -> float:
    """Log `count` requests as `support open` does; returns the seconds it took."""
    clock = SystemClock()
    ledger = open_ledger(f"sqlite:///{folder}/ledger.db", clock)
    place = Workplace(Settings(), ledger, clock, Silent(), "benchmark", folder, folder)
    began, now = time.perf_counter(), datetime.now(UTC)
    for customer in CUSTOMERS:
        with writing(place, customer) as log:
            for number in range(count // len(CUSTOMERS)):
                open_request(log, _covered, Report(
                    Person(f"Reporter {number}", f"Subject {number}", "text " * 20),
                    now - timedelta(minutes=3 * number), answers=UNASKED, level="ABCD"[number % 4],
                    level_reason="benchmark", late_reason="benchmark"))
    ledger.close()
    return time.perf_counter() - began


def _covered(about: str, at: datetime) -> str:
    return ""


def measured(argv: list[str], environment: dict[str, str]) -> tuple[float, float]:
    """Processor and wall seconds of one run."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(argv, cwd=ROOT, env={**os.environ, **environment}, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL, check=False)
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall


def main() -> None:
    """Fill a ledger, then measure all commands, interleaved so that a noisy machine hits them alike."""
    count, runs = (int(given) for given in (*sys.argv[1:3], *("10000", "10")[len(sys.argv) - 1:]))
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "opsctl.yml").write_text(f"ledger: {{url: 'sqlite:///{folder}/ledger.db'}}\n"
                                           f"inventories: {ROOT}/inventories\n", encoding="utf-8")
        took = fill(folder, count)
        sys.stdout.write(f"{count} requests logged in {took:.1f} s, {count / took:.0f} a second\n")
        environment = {"OPSCTL_CONFIG": str(folder / "opsctl.yml"), "XDG_CACHE_HOME": str(folder / "cache")}
        found: dict[str, list[tuple[float, float]]] = {name: [] for name in COMMANDS}
        for _ in range(runs):
            for name, argv in COMMANDS.items():
                found[name].append(measured(argv, environment))
    for name, values in found.items():
        cpu, wall = ([value[index] * 1000 for value in values] for index in (0, 1))
        sys.stdout.write(f"{name:28} processor: {_shown(cpu)}   wall: {_shown(wall)}\n")


def _shown(values: list[float]) -> str:
    return f"median {statistics.median(values):6.1f} ms, least {min(values):6.1f} ms"


if __name__ == "__main__":
    main()
