"""Storage and network checks of a night: invented measurements, judged and forecast by the real decisions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from math import sin

from opsctl.contract.services import Service
from opsctl.lab.history.fleet import Disk
from opsctl.lab.history.nights import STORE
from opsctl.lab.history.profile import component
from opsctl.lab.history.story import Story, after
from opsctl.network import service as network
from opsctl.network.decisions import changes, worst
from opsctl.network.history import CHECKED
from opsctl.network.model import Past, Standing, State
from opsctl.profiles.hosted import Thresholds
from opsctl.storage import service as storage
from opsctl.storage.decisions import in_order, judge
from opsctl.storage.history import MEASURED
from opsctl.storage.model import DatabaseSize, Latency, Measurement, Volume
from opsctl.storage.stores import StoreUse

LIMITS = Thresholds()
OBJECTS = 4
"""Of a backup: its manifest and volumes."""
KEPT_DAYS = 15
"""Of the daily maxima: a day more than the forecast looks back."""


class Measuring:
    """One customer's checks, night after night; it remembers what a check compares with."""

    def __init__(self, story: Story, first: date) -> None:
        self._story, self._first = story, first
        self._maxima: dict[tuple[str, str], dict[date, int]] = {}
        self._before: Mapping[str, Past] = {}
        self._down_until: dict[str, date] = {}

    def storage(self, at: datetime, day: date) -> None:
        """`storage check`."""
        running = self._story.run(at, "storage check", Service.STORAGE_MANAGEMENT)
        measured = tuple(self._measured(host, day) for host in self._story.customer.hosts)
        findings = in_order(judge(measured, LIMITS, self._maxima, day))
        payload = storage.measured_payload(measured, findings, self._maxima, day, (self._in_store(measured, day),))
        for volume in (one for host in measured for one in host.volumes if not one.error):
            kept = self._maxima.setdefault((volume.host, volume.mount), {})
            kept[day] = volume.bytes_used
            kept.pop(day - timedelta(days=KEPT_DAYS), None)
        running.say(after(at, 0.06), MEASURED, payload)
        running.end(after(at, 0.09), storage.STATUS[findings[0].level], storage.summary(findings, measured))

    def _in_store(self, measured: tuple[Measurement, ...], day: date) -> StoreUse:
        """Up to 30 backups, each a third of what the databases take."""
        kept = min((day - self._first).days, 30) * len(self._story.customer.databases)
        size = sum(database.bytes for host in measured for database in host.databases)
        return StoreUse(STORE, kept * size // 3, kept * OBJECTS)

    def _measured(self, host: str, day: date) -> Measurement:
        customer, rng = self._story.customer, self._story.rng("storage", host, day)
        if rng.random() < 0.002 * customer.trouble:
            return Measurement(host, "unreachable: the host did not answer within 10 seconds")
        volumes = tuple(volume_of(disk, day, (day - self._first).days, rng.random(), rng.random() * customer.trouble)
                        for disk in customer.disks if disk.host == host)
        if host != customer.database_host:
            return Measurement(host, "", volumes)
        used = volumes[-1].bytes_used
        tables = (("reading", int(used * 0.5)), ("meter", int(used * 0.05)))
        databases = tuple(DatabaseSize(
            host, name, customer.engine, "", int(used * share), 16_777_216 * rng.randint(3, 40), "/var/lib/data",
            round(97 + rng.random() * 2.9, 2), rng.randint(200, 900), rng.randint(0, 9), tables)
            for name, share in zip(customer.databases, (0.8, 0.1), strict=False))
        slow = rng.random() < 0.004 * customer.trouble
        latency = Latency(host, "/var/lib/data", "", round((80 if slow else 0.6) + rng.random(), 2), *(
            round(low + rng.random() * span, 2)
            for low, span in ((4, 9), (0.3, 1), (180, 90), (0, 9e5), (0, 4e6), (1, 9))))
        return Measurement(host, "", volumes, (), databases, (latency,))

    def network(self, at: datetime, day: date) -> None:
        """`network check`."""
        running = self._story.run(at, "network check", Service.NETWORK_MANAGEMENT)
        standings = tuple(self._standing(name, day) for name in self._story.customer.components)
        differ = tuple(changes(standings, self._before))
        payload = network.checked_payload(day, standings, (), differ, "")
        self._before = {one.name: Past(at, one.state, one.raw, one.facts) for one in standings}
        running.say(after(at, 0.4), CHECKED, payload)
        running.end(after(at, 0.45), network.STATUS[worst(standings)], payload["summary"])

    def _standing(self, name: str, day: date) -> Standing:
        customer, rng = self._story.customer, self._story.rng("network", name, day)
        said = component(customer, name)
        where = f"{said['address']} port {said['port']}"
        if rng.random() < 0.004 * customer.trouble + 0.0002:
            self._down_until[name] = day + timedelta(days=rng.choice((0, 0, 1, 3)))
        if day <= self._down_until.get(name, date.min):
            return Standing(said["name"], said["kind"], where, State.DOWN, "down", "connection refused", None, 100, {})
        facts = {"server": "generated"} if said["protocol"] == "https" else {}
        # A certificate of 90 days, renewed in good time; where there is trouble, only at the last moment.
        ends = day.toordinal() + 90 - (day.toordinal() + customer.number) % (88 if customer.trouble > 0.5 else 55)
        if said["protocol"] in {"https", "tls"}:
            facts |= {"certificate": self._story.mark(16, "certificate", name, ends),
                      "tls": "TLSv1.3", "certificate_ends": date.fromordinal(ends).isoformat()}
        left = ends - day.toordinal()
        late = left < LIMITS.certificate_warning_days and "certificate" in facts
        detail = f"its certificate ends on {date.fromordinal(ends)}, in {left} days" if late else ""
        return Standing(said["name"], said["kind"], where, State.WARNING if late else State.UP, "up", detail,
                        round(0.4 + rng.random() * 20, 2), 0, facts)


def volume_of(disk: Disk, day: date, number: int, chance: float, trouble: float) -> Volume:
    """A volume on one day: its growth, the week's rhythm, noise; enlarged where it was; never more than it holds."""
    total = disk.total * 3 // 2 if disk.enlarged and day >= disk.enlarged else disk.total
    wave = disk.noise * sin(day.toordinal() * 0.9)
    burst = disk.noise * 8 if trouble > 0.985 else 0
    used = int(disk.begin + disk.growth * number + wave + disk.noise * chance + burst)
    used = max(disk.noise, min(used, int(total * 0.995)))
    return Volume(disk.host, disk.mount, disk.kind, False, "", total, used, total - used, total // 16384,
                  used // 40960, total // 16384 - used // 40960)
