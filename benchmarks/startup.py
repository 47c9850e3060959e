"""How long opsctl takes to answer, beside a bare `python -c pass`: interleaved runs, medians, ratios.

Run: .venv/bin/python benchmarks/startup.py [RUNS]. Prints a table; judges nothing.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OPSCTL = str(Path(sys.executable).parent / "opsctl")
COMMANDS: dict[str, tuple[list[str], dict[str, str]]] = {
    "python -c pass": ([sys.executable, "-c", "pass"], {}),
    "opsctl --help": ([OPSCTL, "--help"], {}),
    "opsctl customers list": ([OPSCTL, "customers", "list"], {}),
    "completion of `opsctl ba`": ([OPSCTL], {"_OPSCTL_COMPLETE": "complete_bash", "COMP_WORDS": "opsctl ba",
                                            "COMP_CWORD": "1"}),
    "completion of `opsctl backup r`": ([OPSCTL], {"_OPSCTL_COMPLETE": "complete_bash",
                                                  "COMP_WORDS": "opsctl backup r", "COMP_CWORD": "2"}),
}


def seconds(argv: list[str], environment: dict[str, str]) -> float:
    """Wall time of one run."""
    began = time.perf_counter()
    subprocess.run(argv, cwd=ROOT, env={**os.environ, **environment}, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL, check=False)
    return time.perf_counter() - began


def main() -> None:
    """Measure all commands, interleaved so that a noisy machine hits them alike."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(runs):
        for name, (argv, environment) in COMMANDS.items():
            times[name].append(seconds(argv, environment))
    bare = statistics.median(times["python -c pass"])
    for name, values in times.items():
        median = statistics.median(values)
        sys.stdout.write(f"{name:34} median {median * 1000:6.1f} ms  min {min(values) * 1000:6.1f} ms  "
                         f"{median / bare:5.1f} x bare python\n")


if __name__ == "__main__":
    main()
