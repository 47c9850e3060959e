"""What was measured on a customer's hosts, and what a judgement of it says: pure values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Level(StrEnum):
    """How grave a finding is. What could not be measured is unknown and never counts as ok."""

    OK = "ok"
    WARNING = "warning"
    CRITICAL = "critical"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Volume:
    """A mounted volume; bytes and inodes as a user that is not root sees them. error: why it is unknown."""

    host: str
    mount: str
    kind: str
    read_only: bool = False
    error: str = ""
    bytes_total: int = 0
    bytes_used: int = 0
    bytes_available: int = 0
    inodes_total: int = 0
    inodes_used: int = 0
    inodes_available: int = 0

    @property
    def usable(self) -> int:
        """Bytes that users other than root can fill: the 100 % of `df`."""
        return self.bytes_used + self.bytes_available


@dataclass(frozen=True)
class DatabaseSize:
    """A database in bytes, its server's write-ahead (or redo) log, and the volume it lies on.

    cache_hit_percent: of reads answered from the server's cache. checkpoints: since its statistics began, and how many
    of them were asked for by a full log rather than by time; None where the engine does not count so. tables: the
    largest ones with their bytes.
    """

    host: str
    name: str
    engine: str
    error: str = ""
    bytes: int = 0
    wal_bytes: int = 0
    mount: str = ""
    cache_hit_percent: float | None = None
    checkpoints: int | None = None
    checkpoints_requested: int | None = None
    tables: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class Latency:
    """Milliseconds of small synchronous writes beside the data; disk: the kernel's mean, None without a device.

    write_megabytes_per_second: of a bounded sequential write. read_, written_: the kernel's mean in bytes per second
    since the host started. busy_percent: how much of that time the device worked.
    """

    host: str
    mount: str
    error: str = ""
    median: float = 0.0
    worst: float = 0.0
    disk: float | None = None
    write_megabytes_per_second: float | None = None
    read_bytes_per_second: float | None = None
    written_bytes_per_second: float | None = None
    busy_percent: float | None = None


@dataclass(frozen=True)
class Measurement:
    """One host. problem: why nothing is known of it."""

    host: str
    problem: str = ""
    volumes: tuple[Volume, ...] = ()
    missing_mounts: tuple[str, ...] = ()
    databases: tuple[DatabaseSize, ...] = ()
    latency: tuple[Latency, ...] = ()


@dataclass(frozen=True)
class Finding:
    """One judgement: about `what` (such as `aalund-1:/`), and why, in one sentence."""

    level: Level
    what: str
    reason: str


@dataclass(frozen=True)
class Figure:
    """One number for monitoring (Nagios performance data): warn and crit are None where there is no threshold."""

    label: str
    value: float
    unit: str
    warn: float | None = None
    crit: float | None = None
    maximum: float | None = None


def measurement_of(host: str, data: Mapping[str, Any] | None, problem: str) -> Measurement:
    """The measurement of one host from what the playbook gave back; `problem` when it gave nothing back."""
    if not data:
        return Measurement(host, problem or "the host gave nothing back")
    volumes = tuple(Volume(
        host, volume["mount"], volume["type"], volume["read_only"], volume["error"],
        **{key: int(volume.get(key, 0)) for key in ("bytes_total", "bytes_used", "bytes_available", "inodes_total",
                                                     "inodes_used", "inodes_available")})
        for volume in data["volumes"])
    databases = tuple(DatabaseSize(host, one["name"], one["engine"], one["error"], int(one.get("bytes", 0)),
                                   int(one.get("wal_bytes", 0)), one.get("mount", ""), one.get("cache_hit_percent"),
                                   one.get("checkpoints"), one.get("checkpoints_requested"),
                                   tuple((str(name), int(size)) for name, size in one.get("tables", ())))
                      for one in data["databases"])
    latency = tuple(Latency(host, one["mount"], one["error"], float(one.get("median", 0)), float(one.get("worst", 0)),
                            one.get("await"), *(one.get(key) for key in (
                                "write_megabytes_per_second", "read_bytes_per_second", "written_bytes_per_second",
                                "busy_percent"))) for one in data["latency"])
    return Measurement(host, "", volumes, tuple(data["missing_mounts"]), databases, latency)


def documents(values: tuple[Any, ...]) -> list[dict[str, Any]]:
    """Dataclasses as JSON-serialisable dictionaries."""
    return [asdict(value) for value in values]
