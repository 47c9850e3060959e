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
    """A database in bytes, its server's write-ahead (or redo) log, and the volume it lies on."""

    host: str
    name: str
    engine: str
    error: str = ""
    bytes: int = 0
    wal_bytes: int = 0
    mount: str = ""


@dataclass(frozen=True)
class Latency:
    """Milliseconds of small synchronous writes beside the data; disk: the kernel's mean, None without a device."""

    host: str
    mount: str
    error: str = ""
    median: float = 0.0
    worst: float = 0.0
    disk: float | None = None


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
                                   int(one.get("wal_bytes", 0)), one.get("mount", "")) for one in data["databases"])
    latency = tuple(Latency(host, one["mount"], one["error"], float(one.get("median", 0)), float(one.get("worst", 0)),
                            one.get("await")) for one in data["latency"])
    return Measurement(host, "", volumes, tuple(data["missing_mounts"]), databases, latency)


def documents(values: tuple[Any, ...]) -> list[dict[str, Any]]:
    """Dataclasses as JSON-serialisable dictionaries."""
    return [asdict(value) for value in values]
