"""Space that is needed soon: by the next READY release, and by a month of backups. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median

from opsctl.storage.model import Finding, Level, Measurement

MEGABYTE = 1_000_000


def release_space(measurements: Sequence[Measurement], hosts: Sequence[str], release: str,
                  megabytes: int) -> Iterator[Finding]:
    """A warning for each application host whose root volume lacks what the next release needs free."""
    for measurement in measurements:
        root = next((volume for volume in measurement.volumes if volume.mount == "/" and not volume.error), None)
        if measurement.host in hosts and root is not None and root.bytes_available < megabytes * MEGABYTE:
            yield Finding(Level.WARNING, f"{measurement.host}:/",
                          f"READY {release} needs {megabytes} MB free, and {root.bytes_available // MEGABYTE} MB are")


def backup_space(store: str, free: int, held: int, nightly: Sequence[int], keep_days: int) -> Finding | None:
    """Does the store hold `keep_days` backups of the usual size? None with no backup yet.

    free: bytes left in the store. held: bytes of the backups it has. nightly: bytes of each of the last nights.
    """
    if not nightly:
        return None
    needed = round(median(nightly) * (keep_days + 1))
    if free + held >= needed:
        return Finding(Level.OK, store, f"room for {(free + held) // round(max(1, median(nightly)))} nightly backups")
    return Finding(Level.WARNING, store, f"{keep_days + 1} nightly backups need {needed // MEGABYTE} MB, and there is "
                                         f"room for {(free + held) // MEGABYTE} MB")
