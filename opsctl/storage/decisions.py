"""The judgement of storage: measurements, thresholds and history in, findings with reasons out (P19). Pure.

The data sheet gives no thresholds: they are the profile's policy.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta

from opsctl.profiles.hosted import Thresholds
from opsctl.storage.forecast import alarming, forecast
from opsctl.storage.model import DatabaseSize, Figure, Finding, Latency, Level, Measurement, Volume

ASK_FOR_MISSING_DAYS = 7
"""So long a volume that is gone is asked for; then its removal counts as meant."""

GRAVITY = (Level.CRITICAL, Level.UNKNOWN, Level.WARNING, Level.OK)

History = Mapping[tuple[str, str], Mapping[date, int]]
"""The most bytes used by (host, mount) and local day, from earlier measurements."""


def judge(measurements: Sequence[Measurement], thresholds: Thresholds, history: History,
          today: date) -> tuple[Finding, ...]:
    """Every finding, gravest first; never empty: what is well is said too."""
    found = [finding for measurement in measurements
             for finding in _host(measurement, thresholds, history, today)]
    return in_order(found)


def in_order(found: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings, gravest first."""
    return tuple(sorted(found, key=lambda finding: GRAVITY.index(finding.level)))


def worst(findings: Iterable[Finding]) -> Level:
    """The gravest level; unknown when there is no finding at all."""
    levels = {finding.level for finding in findings}
    for level in GRAVITY:
        if level in levels:
            return level
    return Level.UNKNOWN


def figures(measurements: Sequence[Measurement], thresholds: Thresholds) -> tuple[Figure, ...]:
    """The numbers for monitoring; what was not measured has none."""
    found: list[Figure] = []
    for host in measurements:
        for volume in host.volumes:
            if volume.error or not volume.usable:
                continue
            name, inodes = f"{host.host}:{volume.mount}", volume.inodes_used + volume.inodes_available
            found.append(_used(f"{name} used", volume.bytes_used, volume.usable, "B", thresholds))
            if inodes:
                found.append(_used(f"{name} inodes", volume.inodes_used, inodes, "", thresholds))
        for database in host.databases:
            if not database.error:
                found.append(Figure(f"{host.host}:{database.name} size", database.bytes, "B"))
                found.append(Figure(f"{host.host}:{database.name} log", database.wal_bytes, "B"))
                if database.cache_hit_percent is not None:
                    found.append(Figure(f"{host.host}:{database.name} cache hit", database.cache_hit_percent, "%"))
        for latency in (one for one in host.latency if not one.error):
            found.append(Figure(f"{host.host}:{latency.mount} write", latency.median, "ms",
                                warn=thresholds.latency_warning_milliseconds))
            if latency.write_megabytes_per_second is not None:
                speed = latency.write_megabytes_per_second
                found.append(Figure(f"{host.host}:{latency.mount} throughput", speed, "MB"))
    return tuple(found)


def percent(used: int, usable: int) -> float:
    """Share in percent, two decimals."""
    return round(100 * used / usable, 2) if usable else 100.0


def _host(measurement: Measurement, thresholds: Thresholds, history: History, today: date) -> Iterator[Finding]:
    name = measurement.host
    if measurement.problem:
        yield Finding(Level.UNKNOWN, name, f"not measured: {measurement.problem}")
        return
    if not measurement.volumes:
        yield Finding(Level.UNKNOWN, name, "it shows no volume that holds data")
    for mount in measurement.missing_mounts:
        yield Finding(Level.CRITICAL, f"{name}:{mount}", "fstab wants it mounted, and it is not")
    data = {database.mount for database in measurement.databases}
    for volume in measurement.volumes:
        used = with_today(volume, history.get((name, volume.mount), {}), today)
        yield from _volume(volume, thresholds, used, today, volume.mount in data)
    yield from _gone(measurement, history, today)
    for database in measurement.databases:
        yield from _database(database)
    yield from _latencies(measurement, thresholds)


def with_today(volume: Volume, used: Mapping[date, int], today: date) -> Mapping[date, int]:
    """The daily maxima with what was measured just now."""
    return used if volume.error else {**used, today: max(volume.bytes_used, used.get(today, 0))}


def _volume(volume: Volume, thresholds: Thresholds, used: Mapping[date, int], today: date,
            holds_data: bool) -> Iterator[Finding]:
    what = f"{volume.host}:{volume.mount}"
    if volume.error:
        yield Finding(Level.UNKNOWN, what, f"not measured: {volume.error}")
        return
    if volume.bytes_total == 0:
        yield Finding(Level.CRITICAL, what, "the volume has 0 bytes")
        return
    if volume.read_only and holds_data:
        yield Finding(Level.CRITICAL, what, "a database lies on it, and it is mounted read-only")
    if volume.inodes_total:
        yield from _share(what, "inodes", volume.inodes_used, volume.inodes_available, thresholds, quiet=True)
    share = list(_share(what, "bytes", volume.bytes_used, volume.bytes_available, thresholds))
    found = forecast(used, volume.usable, today)
    # The floor rule always holds: a forecast may add a warning, and never takes a threshold's finding away.
    if alarming(found, today, thresholds.full_within_days) and share[0].level is not Level.CRITICAL:
        yield Finding(Level.WARNING, what, f"full {found.text}; {share[0].reason}")
        return
    yield from share


def _share(what: str, unit: str, used: int, available: int, thresholds: Thresholds,
           quiet: bool = False) -> Iterator[Finding]:
    share = percent(used, used + available)
    reason = f"{share:g} % of its {unit} used"
    if available <= 0:
        yield Finding(Level.CRITICAL, what, f"full: no {unit} left")
    elif share >= thresholds.storage_critical_percent:
        yield Finding(Level.CRITICAL, what, f"{reason}, critical from {thresholds.storage_critical_percent} %")
    elif share >= thresholds.storage_warning_percent:
        yield Finding(Level.WARNING, what, f"{reason}, warning from {thresholds.storage_warning_percent} %")
    elif not quiet:
        yield Finding(Level.OK, what, reason)


def _gone(measurement: Measurement, history: History, today: date) -> Iterator[Finding]:
    present = {volume.mount for volume in measurement.volumes} | set(measurement.missing_mounts)
    for (host, mount), used in history.items():
        if host == measurement.host and mount not in present and used:
            last = max(used)
            if today - last <= timedelta(days=ASK_FOR_MISSING_DAYS):
                yield Finding(Level.CRITICAL, f"{host}:{mount}", f"it was there on {last.isoformat()} and is gone")


def _database(database: DatabaseSize) -> Iterator[Finding]:
    what = f"{database.host}:{database.name}"
    if database.error:
        yield Finding(Level.UNKNOWN, what, f"size not measured: {database.error}")
    elif not database.mount:
        yield Finding(Level.UNKNOWN, what, "it lies on no volume that was measured")


def _latencies(measurement: Measurement, thresholds: Thresholds) -> Iterator[Finding]:
    measured: dict[str, Latency] = {latency.mount: latency for latency in measurement.latency}
    for mount in sorted({database.mount for database in measurement.databases if not database.error}):
        what, latency = f"{measurement.host}:{mount}", measured.get(mount)
        if latency is None or latency.error:
            reason = latency.error if latency else "no answer"
            yield Finding(Level.UNKNOWN, what, f"latency not measured: {reason}")
        elif latency.median > thresholds.latency_warning_milliseconds:
            yield Finding(Level.WARNING, what, f"a small write takes {latency.median:g} ms, warning above "
                                               f"{thresholds.latency_warning_milliseconds} ms")


def _used(label: str, used: int, usable: int, unit: str, thresholds: Thresholds) -> Figure:
    return Figure(label, used, unit, usable * thresholds.storage_warning_percent // 100,
                  usable * thresholds.storage_critical_percent // 100, usable)
