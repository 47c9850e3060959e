"""What earlier measurements say: daily maxima of each volume, and of the figures of its performance. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from opsctl.core.clock import local_day

if TYPE_CHECKING:
    from opsctl.ledger import Entry

MEASURED = "storage.measured"


@dataclass(frozen=True)
class Day:
    """One volume on one local day: the most that was measured. None where nothing was."""

    host: str
    mount: str
    day: date
    bytes_used: int
    usable: int
    inodes_used: int
    write_milliseconds: float | None = None
    write_megabytes_per_second: float | None = None
    evidence: str = ""


def days(entries: Iterable[Entry], zone: str) -> tuple[Day, ...]:
    """Every volume and local day, in order; throughput is the day's least, all else its most."""
    found: dict[tuple[str, str, date], Day] = {}
    for entry in entries:
        day = local_day(entry.recorded_at, zone)
        speed = {(one["host"], one["mount"]): one for one in entry.payload.get("latency", ()) if not one["error"]}
        for volume in entry.payload["volumes"]:
            if volume["error"]:
                continue
            place = (volume["host"], volume["mount"])
            latency = speed.get(place, {})
            now = Day(*place, day, volume["bytes_used"], volume["bytes_used"] + volume["bytes_available"],
                      volume.get("inodes_used", 0), latency.get("median"), latency.get("write_megabytes_per_second"),
                      entry.reference)
            before = found.get((*place, day))
            found[(*place, day)] = now if before is None else _worse(before, now)
    return tuple(found[key] for key in sorted(found))


def daily_maxima(entries: Iterable[Entry], zone: str) -> Mapping[tuple[str, str], Mapping[date, int]]:
    """Bytes used by (host, mount) and local day."""
    found: dict[tuple[str, str], dict[date, int]] = {}
    for one in days(entries, zone):
        found.setdefault((one.host, one.mount), {})[one.day] = one.bytes_used
    return found


def _worse(one: Day, other: Day) -> Day:
    fuller = max(one, other, key=lambda day: day.bytes_used)
    slow = [day.write_milliseconds for day in (one, other) if day.write_milliseconds is not None]
    rates = [day.write_megabytes_per_second for day in (one, other) if day.write_megabytes_per_second is not None]
    return Day(one.host, one.mount, one.day, fuller.bytes_used, fuller.usable, max(one.inodes_used, other.inodes_used),
               max(slow, default=None), min(rates, default=None), fuller.evidence)
