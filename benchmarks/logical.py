# ruff: noqa: T201 (what it prints is the result)
"""opsctl's logical backup beside the bare pipeline of the same tools: `pg_dump | zstd | age` into a file.

    .venv/bin/python -m benchmarks.logical [--megabytes 300] [--rounds 5]

As root, with what `benchmarks.backup` needs. Rounds are interleaved; medians, and the ratio of each pair, are printed.
opsctl counts every row of every table in the dump's own snapshot meanwhile, which the bare pipeline does not.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.measuring import Figure, measured
from benchmarks.scratch import PLACE, PORT, Bench, drained, emptied, made
from opsctl.backup.engines.contract import Found, encrypt
from opsctl.backup.engines.postgresql_dump import PostgreSQLDump
from opsctl.backup.exchange import Order
from opsctl.backup.uploads import Sizes, Uploads
from tests.unit.backup.local_host import local_program


def ours(bench: Bench) -> None:
    """The host program with the logical engine, into an empty directory store."""
    store = bench.directory_store()
    found = Found("15", 0, None, {}, {"major": bench.bin.parent.name, "port": PORT, "database": "postgres"})
    engine = PostgreSQLDump()
    with local_program() as (program, _), Uploads(store, PLACE, Sizes()) as uploads:
        with engine.consistent(program, found) as held:
            stages = (*engine.source(program, held), encrypt([bench.recipient], "postgres"))
            data = program.stream(Order("data", stages, store.signs), uploads).require("the stream")
            engine.conclude(program, held, data)
        uploads.complete()
        uploads.publish(b"{}")
        program.end()


def bare(bench: Bench) -> None:
    """What a script would do."""
    bench.as_postgres("bash", "-o", "pipefail", "-c", f"pg_dump -p {PORT} -Fc -Z0 postgres | zstd -q -1 | "
                                                      f"age -r {bench.recipient} > {bench.folder}/work/bare")


def main() -> None:
    """Run the rounds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=300, choices=range(20, 20_001), metavar="20..20000")
    parser.add_argument("--rounds", type=int, default=5, choices=range(1, 21), metavar="1..20")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="opsctl-logical-", dir="/var/tmp"))
    acts: dict[str, Callable[[Bench], None]] = {"opsctl, logical": ours, "bare pipeline": bare}
    runs: dict[str, list[Figure]] = {name: [] for name in acts}
    try:
        bench = made(folder, given.megabytes)
        try:
            for _ in range(given.rounds):
                for name, act in acts.items():
                    emptied(bench.directory_store())
                    drained(bench)
                    runs[name].append(measured(lambda act=act: act(bench)))  # type: ignore[misc]
        finally:
            bench.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print("| tool | wall s | CPU s of the machine | memory MB |\n|---|---|---|---|")
    for name, found in runs.items():
        wall, cpu, memory = (statistics.median(getattr(one, field) for one in found)
                             for field in ("wall", "cpu", "memory"))
        print(f"| {name} | {wall:.2f} | {cpu:.2f} | {memory:.0f} |")
    ratios = [one.wall / two.wall for one, two in zip(*runs.values(), strict=True)]
    print(f"\nwall, opsctl by bare, median of the pairs: {statistics.median(ratios):.2f} "
          f"({', '.join(f'{ratio:.2f}' for ratio in ratios)})")


if __name__ == "__main__":
    main()
