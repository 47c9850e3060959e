"""What `opsctl backup run` takes beside the stream: start, the question to the hosts, the link, the ledger.

Needs the lab, as root. `python -m benchmarks.backup_command [ROUNDS [CUSTOMER...]]` takes real backups there, in turn,
and reads the times from the lines that the command itself says. The stream goes from the line with the database's size
to the line with the backup's id: the engine's begin and end, every part, manifest and all. For customers with one
database and no second store.
"""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CONFIG = "/var/lib/opsctl-lab/opsctl.yml"
CUSTOMERS = ("sample-birkeby", "sample-cedervig")
ROUNDS = 5
FOUND = re.compile(r": \S+ \S+, [\d.]+ MB$")
"""`ready: postgresql 17.12, 68.8 MB`"""
TAKEN = re.compile(r": \d{8}T\d{6}Z-\w+, [\d.]+ MB in the store$")
ASKED = re.compile(r"Ask whether the databases can be backed up$")


def run(customer: str) -> dict[str, float]:
    """Seconds by phase; SystemExit when the backup did not succeed, or did not say what is looked for."""
    environment = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": "/root", "LC_ALL": "C.UTF-8",
                   "OPSCTL_CONFIG": CONFIG}
    began = time.perf_counter()
    child = subprocess.Popen([sys.executable, "-m", "opsctl", "backup", "run", customer, "--json"], cwd=ROOT,
                             env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    marks: dict[str, float] = {}
    assert child.stderr is not None  # noqa: S101 - it was asked for
    for line in child.stderr:
        text, now = line.rstrip(), time.perf_counter() - began
        if TAKEN.search(text):
            marks["taken"] = now
        elif FOUND.search(text):
            marks["found"] = now
        elif ASKED.search(text):
            marks["asked"] = now
    code, wall = child.wait(), time.perf_counter() - began
    if code or not {"asked", "found", "taken"} <= set(marks):
        raise SystemExit(f"{customer}: the backup ended with {code}, and said {sorted(marks)}")
    stream = marks["taken"] - marks["found"]
    return {"wall": wall, "until the hosts are asked": marks["asked"],
            "from there to the stream": marks["found"] - marks["asked"], "stream": stream,
            "after it": wall - marks["taken"], "beside the stream": wall - stream}


def main() -> None:
    """Medians of the interleaved rounds."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    customers = sys.argv[2:] or list(CUSTOMERS)
    found: dict[str, list[dict[str, float]]] = {customer: [] for customer in customers}
    for _ in range(rounds):
        for customer in customers:
            found[customer].append(run(customer))
    for customer, all_ in found.items():
        phases = {name: statistics.median(one[name] for one in all_) for name in all_[0]}
        sys.stdout.write(f"{customer}, {rounds} rounds, medians in s: "
                         + ", ".join(f"{name} {seconds:.2f}" for name, seconds in phases.items()) + "\n")


if __name__ == "__main__":
    main()
