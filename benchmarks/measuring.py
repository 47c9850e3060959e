"""Wall time, CPU of the whole machine, and memory of what a benchmark starts; tables of medians."""

from __future__ import annotations

import os
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Figure:
    """One run: seconds of wall time and of CPU, megabytes stored, megabytes of memory. server: CPU of the store."""

    wall: float
    cpu: float
    memory: float
    server: float = 0.0
    stored: float = 0.0


def machine_cpu() -> float:
    """Seconds of CPU that the whole machine has used."""
    ticks = [int(word) for word in Path("/proc/stat").read_text().splitlines()[0].split()[1:8]]
    return (sum(ticks) - ticks[3] - ticks[4]) / TICKS


def process_cpu(number: int) -> float:
    """Seconds of CPU that a process has used; 0 for none."""
    if not number:
        return 0.0
    fields = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def served_by(objects: Path) -> int:
    """The process of the S3 server whose objects lie in `served` below the folder."""
    wanted = str(objects / "served").encode()
    return next(int(path.parent.name) for path in Path("/proc").glob("[0-9]*/cmdline")
                if wanted in path.read_bytes().split(b"\0"))


def measured(act: Callable[[], None], server: int = 0) -> Figure:
    """Run it once. server: the process of the store, whose CPU is told apart and whose memory does not count."""
    memory: list[float] = []
    with _largest(memory, server):
        begun, cpu, stored = time.monotonic(), machine_cpu(), process_cpu(server)
        act()
        wall, cpu, stored = time.monotonic() - begun, machine_cpu() - cpu, process_cpu(server) - stored
    return Figure(wall, cpu - stored, memory[0], stored)


def table(title: str, figures: Mapping[str, Sequence[Figure]]) -> str:
    """Medians as Markdown; the ratio is the first tool's wall time by this one's, the median of the rounds."""
    own = next(iter(figures.values()))
    lines = [f"{title}\n", "| tool | wall s | opsctl's wall by it | CPU s | store's CPU s | stored MB | memory MB |",
             "|---|---|---|---|---|---|---|"]
    for name, runs in figures.items():
        ratio = statistics.median(mine.wall / theirs.wall for mine, theirs in zip(own, runs, strict=True))
        wall, cpu, server, stored, memory = (statistics.median(getattr(run, field) for run in runs)
                                             for field in ("wall", "cpu", "server", "stored", "memory"))
        lines.append(f"| {name} | {wall:.2f} | {ratio:.2f} | {cpu:.1f} | {server:.1f} | {stored:.0f} | {memory:.0f} |")
    return "\n".join(lines)


@contextmanager
def _largest(out: list[float], server: int) -> Iterator[None]:
    """The peak memory of the largest descendant of this process meanwhile, by sampling; appended in megabytes."""
    peak, stop = [0.0], threading.Event()

    def watch() -> None:
        while not stop.wait(0.5):
            peak[0] = max([peak[0], *_peaks(server)])

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        stop.set()
        watcher.join()
        out.append(peak[0])


def _peaks(server: int) -> Iterator[float]:
    """Peak memory in megabytes of every process that this one started, directly or not; the database's and the
    store's servers are not among them."""
    found: dict[int, tuple[int, float]] = {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            text = (path / "status").read_text()
        except OSError:
            continue
        if "VmHWM:" in text:
            found[int(path.name)] = (int(text.split("PPid:")[1].split()[0]),
                                     int(text.split("VmHWM:")[1].split()[0]) / 1024)
    for number, (parent, peak) in found.items():
        above = parent
        while above in found and above != os.getpid():
            above = found[above][0]
        if above == os.getpid() and number not in {os.getpid(), server}:
            yield peak
