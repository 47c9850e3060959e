# ruff: noqa: S608, T201 (a scratch cluster with a throw-away password; what it prints is the result)
"""What 30 daily backups of the same changing data take in the store: opsctl, pgBackRest, restic, borg.

    apt-get install postgresql pgbackrest restic borgbackup age zstd
    .venv/bin/python -m benchmarks.month [--megabytes 60] [--days 30] [--scattered]

As root. Each day 1.25 % of the rows are new, and one in ten of the newest 5 % is corrected; with --scattered one in a
hundred of all, wherever it lies. Each day every tool takes its backup; nothing is removed. Bytes do not depend on how
busy the machine is.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.scratch import PORT, ROWS_PER_MEGABYTE, Bench, emptied, made, opsctl_stream

SECRET = "benchmark"  # noqa: S105


def size(folder: Path) -> int:
    """Bytes of all files below."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def day(bench: Bench, number: int, rows: int, scattered: bool) -> None:
    """New readings at the end; corrected ones among the newest, or anywhere."""
    first = rows + number * rows // 80
    which = f"id % 100 = {number % 100}" if scattered else f"id % 10 = {number % 10} and id > {first - rows // 20}"
    bench.as_postgres("psql", "-X", "-q", "-p", PORT, "-d", "postgres", text=(
        "insert into readings select n, n % 20000, now() - n * interval '1 minute', (random() * 1000)::numeric(10,3) "
        f"from generate_series({first + 1}, {first + rows // 80}) n;\n"
        f"update readings set value = value + 1 where {which};\nvacuum analyze;\ncheckpoint;\n"))


def opsctl(bench: Bench) -> int:
    """A physical backup each day, each whole."""
    opsctl_stream(bench, emptied(bench.directory_store()))
    return size(bench.folder / "store")


def opsctl_logical(bench: Bench) -> int:
    """The stages of `method: logical`, each day whole: dump, zstd, age."""
    target = bench.folder / "work" / "logical"
    bench.as_postgres("bash", "-o", "pipefail", "-c", f"pg_dump -p {PORT} -Fc -Z0 postgres | zstd -q -1 | "
                                                      f"age -r {bench.recipient} > {target}")
    return target.stat().st_size


def pgbackrest(kind: str) -> Callable[[Bench], int]:
    """A backup of one kind into a repository of its own; its size is told by the repository's growth."""
    def take(bench: Bench) -> int:
        repository = bench.folder / f"repo-{kind}"
        given = (f"--config={bench.folder}/pgbackrest.conf", "--stanza=main", f"--repo1-path={repository}",
                 "--repo1-retention-full=100", "--no-archive-check")
        if not repository.exists():
            repository.mkdir()
            shutil.chown(repository, "postgres")
            bench.as_postgres("pgbackrest", *given[:3], "stanza-create")
        before = size(repository)
        bench.as_postgres("pgbackrest", *given, f"--type={kind}", "backup")
        return size(repository) - before
    return take


def restic(bench: Bench) -> int:
    """The uncompressed dump into one repository, which knows what it has."""
    return _grown(bench.folder / "dump" / "restic", lambda: bench.as_postgres(
        "bash", "-o", "pipefail", "-c", f"pg_dump -p {PORT} -Fc -Z0 postgres | restic -q -r {bench.folder}/dump/restic "
        "backup --stdin", RESTIC_PASSWORD=SECRET, HOME=f"{bench.folder}/work"))


def borg(bench: Bench) -> int:
    """The same into borg, with zstd."""
    repository = bench.folder / "dump" / "borg"
    told = {"BORG_PASSPHRASE": SECRET, "HOME": f"{bench.folder}/work", "BORG_REPO": str(repository)}
    if not repository.exists():
        bench.as_postgres("borg", "init", "-e", "repokey-blake2", **told)
    return _grown(repository, lambda: bench.as_postgres(
        "bash", "-o", "pipefail", "-c", f"pg_dump -p {PORT} -Fc -Z0 postgres | borg create -C zstd,1 "
        f"::{time.time_ns()} -", **told))


def _grown(folder: Path, act: Callable[[], object]) -> int:
    before = size(folder)
    act()
    return size(folder) - before


TOOLS: dict[str, Callable[[Bench], int]] = {
    "opsctl, physical": opsctl, "opsctl, logical": opsctl_logical, "pgBackRest, full each day": pgbackrest("full"),
    "pgBackRest, one full and incrementals": pgbackrest("incr"), "restic over pg_dump": restic,
    "borg over pg_dump": borg}


def main() -> None:
    """Run the days and print the sums."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=60, choices=range(20, 2001), metavar="20..2000")
    parser.add_argument("--days", type=int, default=30, choices=range(2, 61), metavar="2..60")
    parser.add_argument("--scattered", action="store_true")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="opsctl-month-", dir="/var/tmp"))
    sums: dict[str, list[int]] = {name: [] for name in TOOLS}
    try:
        bench = made(folder, given.megabytes)
        try:
            for number in range(given.days):
                for name, take in TOOLS.items():
                    sums[name].append(take(bench))
                day(bench, number, given.megabytes * ROWS_PER_MEGABYTE, given.scattered)
        finally:
            bench.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"| tool | first day MB | last day MB | {given.days} days MB |\n|---|---|---|---|")
    for name, found in sums.items():
        print(f"| {name} | {found[0] / 1e6:.1f} | {found[-1] / 1e6:.1f} | {sum(found) / 1e6:.0f} |")


if __name__ == "__main__":
    main()
