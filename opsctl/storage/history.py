"""What earlier measurements say, by local day: of volumes, databases and stores the most, of speeds the worst. Pure."""

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


@dataclass(frozen=True)
class DatabaseDay:
    """One database on one local day: the most bytes of it and of its log, and of the cache's hits the least.

    checkpoints_requested: the most since the server's statistics began. None where the engine tells none.
    """

    host: str
    name: str
    day: date
    bytes: int
    wal_bytes: int
    cache_hit_percent: float | None
    checkpoints_requested: int | None
    evidence: str


@dataclass(frozen=True)
class StoreDay:
    """What the customer's backups took of one store on one local day, at most."""

    place: str
    day: date
    bytes: int
    objects: int
    evidence: str


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


def database_days(entries: Iterable[Entry], zone: str) -> tuple[DatabaseDay, ...]:
    """Every database and local day, in order; what could not be measured is left out."""
    found: dict[tuple[str, str, date], DatabaseDay] = {}
    for entry in entries:
        day = local_day(entry.recorded_at, zone)
        for one in entry.payload.get("databases", ()):
            if not one["error"]:
                now = DatabaseDay(one["host"], one["name"], day, one["bytes"], one.get("wal_bytes", 0),
                                  one.get("cache_hit_percent"), one.get("checkpoints_requested"), entry.reference)
                before = found.get((now.host, now.name, day))
                found[(now.host, now.name, day)] = now if before is None else _larger(before, now)
    return tuple(found[key] for key in sorted(found))


def store_days(entries: Iterable[Entry], zone: str) -> tuple[StoreDay, ...]:
    """Every store and local day, in order; a store that did not answer is left out."""
    found: dict[tuple[str, date], StoreDay] = {}
    for entry in entries:
        day = local_day(entry.recorded_at, zone)
        for one in entry.payload.get("stores", ()):
            if not one["error"]:
                now = StoreDay(one["place"], day, one["bytes"], one["objects"], entry.reference)
                found[(now.place, day)] = max(found.get((now.place, day), now), now, key=lambda use: use.bytes)
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


def _larger(one: DatabaseDay, other: DatabaseDay) -> DatabaseDay:
    larger = max(one, other, key=lambda day: day.bytes)
    hits = [day.cache_hit_percent for day in (one, other) if day.cache_hit_percent is not None]
    asked = [day.checkpoints_requested for day in (one, other) if day.checkpoints_requested is not None]
    return DatabaseDay(one.host, one.name, one.day, larger.bytes, max(one.wal_bytes, other.wal_bytes),
                       min(hits, default=None), max(asked, default=None), larger.evidence)
