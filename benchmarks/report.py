"""Time and memory of status, promise list, service report and fleet page, from 10 to 1,000 customers.

Run: .venv/bin/python benchmarks/report.py FOLDER [CUSTOMERS...]; FOLDER holds or gets a generated history of each size.
Prints a table: seconds of CPU and of wall time of the whole process (the least of the runs), and its largest memory.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import UTC, date, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DAYS = 60
RUNS = 3


def commands(folder: Path, month: str) -> dict[str, list[str]]:
    """What is measured, by name. One customer's month, and the whole fleet."""
    return {
        "status": ["status"],
        "promise list": ["promise", "list", "generated-0001", "--month", month],
        "report service": ["report", "service", "generated-0001", "--month", month, "--format", "html", "-o",
                           str(folder / "service.html")],
        "report fleet": ["report", "fleet", "--html", str(folder / "fleet.html")],
    }


def measured(argv: list[str], settings: Path) -> tuple[float, float, float]:
    """CPU seconds, wall seconds, and megabytes of one run."""
    program = ("import resource, subprocess, sys; code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, "
               "stderr=subprocess.DEVNULL).returncode; u = resource.getrusage(resource.RUSAGE_CHILDREN); "
               "print(u.ru_utime + u.ru_stime, u.ru_maxrss / 1024, code)")
    began = time.monotonic()
    found = subprocess.run([sys.executable, "-c", program, sys.executable, "-m", "opsctl", *argv], cwd=ROOT, text=True,
                           env={**os.environ, "OPSCTL_CONFIG": str(settings)}, capture_output=True, check=True)
    wall = time.monotonic() - began
    cpu, memory, code = found.stdout.split()
    if int(code) not in {0, 8}:
        raise SystemExit(f"{argv} ended with {code}")
    return float(cpu), wall, float(memory)


def main() -> None:
    """Measure every size, smallest first."""
    folder = Path(sys.argv[1])
    sizes = [int(word) for word in sys.argv[2:]] or [10, 100, 1000]
    month = f"{datetime.now(UTC).date().replace(day=1):%Y-%m}"
    sys.stdout.write(f"load {os.getloadavg()[0]:.1f}, {date.today()}, histories made here have {DAYS} days\n")
    for size in sizes:
        place = folder / f"customers-{size}"
        if not (place / "opsctl.yml").exists():
            subprocess.run([sys.executable, "-m", "opsctl", "lab", "history", "--customers", str(size), "--days",
                            str(DAYS), "--directory", str(place)], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        for name, argv in commands(folder, month).items():
            runs = [measured(argv, place / "opsctl.yml") for _ in range(RUNS)]
            cpu, wall, memory = (min(values) for values in zip(*runs, strict=True))
            sys.stdout.write(f"{size:5} customers  {name:15} {cpu:7.2f} s CPU  {wall:7.2f} s  {memory:6.0f} MB\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
