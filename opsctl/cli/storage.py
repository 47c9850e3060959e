"""`opsctl storage`: capacity and performance."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from opsctl.cli.command import Format, Formatted, Kind, command, group
from opsctl.cli.result import Result, nagios_result, outcomes_result, table
from opsctl.cli.workplace import All, At, Customers, instant, select, workplace
from opsctl.contract.services import Service

if TYPE_CHECKING:
    from opsctl.storage.history import DatabaseDay, Day, StoreDay

app = group("Capacity and performance of storage.")

Days = Annotated[int, typer.Option("--days", metavar="N", min=1, max=400, help="So many days back.")]
FORECAST_DAYS = 60


class Own(NamedTuple):
    """One customer's local day of the question, and what was measured until then."""

    today: date
    days: tuple[Day, ...]
    databases: tuple[DatabaseDay, ...]
    stores: tuple[StoreDay, ...]


@command(app, "storage", "check", kind=Kind.ACTS, services=(Service.STORAGE_MANAGEMENT,))
def check(customers: Customers = None, everyone: All = False, output: Formatted = Format.TABLE) -> Result:
    """Measure volumes, inodes, databases and latency, and judge them; exit code 8 when a limit is passed."""
    from opsctl.cli.each import for_hosted
    from opsctl.contract.gate import Delivery, Purpose, Request
    from opsctl.storage.service import check as check_storage

    selection = select(customers, everyone)
    with workplace(acts=True) as place:
        outcomes = for_hosted(place, selection, Request(Service.STORAGE_MANAGEMENT, Purpose.PROTECT, Delivery.WORK),
                              lambda profiles: check_storage(place, profiles))
    return nagios_result("STORAGE", outcomes) if output is Format.NAGIOS else outcomes_result(outcomes)


@command(app, "storage", "forecast", kind=Kind.ASKS, services=(Service.STORAGE_MANAGEMENT,))
def forecast(customers: Customers = None, everyone: All = False, at: At = None) -> Result:
    """When each volume is full, from the daily maxima of the last two weeks; nothing is measured.

    `not enough data` with fewer than 10 of 14 days.
    """
    from opsctl.storage.forecast import forecast as fitted

    when = instant(at)
    rows, data = [], []
    for customer, own in _history(customers, everyone, when, FORECAST_DAYS).items():
        for place in dict.fromkeys((day.host, day.mount) for day in own.days):
            last = [day for day in own.days if (day.host, day.mount) == place]
            found = fitted({day.day: day.bytes_used for day in last}, last[-1].usable, own.today)
            growth = found.growth
            rows.append((customer, f"{place[0]}:{place[1]}", _share(last[-1].bytes_used, last[-1].usable),
                         f"{growth.estimate / 1e6:.1f} MB ({growth.low / 1e6:.1f} to {growth.high / 1e6:.1f})"
                         if growth else "", found.text))
            data.append({"customer": customer, "host": place[0], "mount": place[1], "used_bytes": last[-1].bytes_used,
                         "usable_bytes": last[-1].usable, "days": growth.days if growth else len(last),
                         "growth_bytes_per_day": growth.estimate if growth else None,
                         "growth_interval": [growth.low, growth.high] if growth else None,
                         "full": found.full, "earliest": found.earliest, "latest": found.latest, "text": found.text})
    return Result({"volumes": data}, table(("customer", "volume", "used", "growth a day (90 %)", "full"), rows))


@command(app, "storage", "history", kind=Kind.ASKS, services=(Service.STORAGE_MANAGEMENT,))
def history(customers: Customers = None, everyone: All = False, days: Days = 30, at: At = None) -> Result:
    """What was measured, as daily maxima with their evidence; a day without a line was not measured.

    Of throughput and of the cache's hits it is the day's least.
    """
    own = _history(customers, everyone, instant(at), days)
    volumes = [{"customer": customer, **asdict(day)} for customer, found in own.items() for day in found.days]
    databases = [{"customer": customer, **asdict(day)} for customer, found in own.items() for day in found.databases]
    stores = [{"customer": customer, **asdict(day)} for customer, found in own.items() for day in found.stores]
    tables = [table(("customer", "day", "volume", "used", "share", "write", "throughput", "evidence"), [
        (one["customer"], one["day"], f"{one['host']}:{one['mount']}", _size(one["bytes_used"]),
         _share(one["bytes_used"], one["usable"]),
         _shown(one["write_milliseconds"], "ms"), _shown(one["write_megabytes_per_second"], "MB/s"), one["evidence"])
        for one in volumes])]
    if databases:
        tables.append(table(("customer", "day", "database", "size", "log", "cache hits", "asked checkpoints",
                             "evidence"), [
            (one["customer"], one["day"], f"{one['host']}:{one['name']}", _size(one["bytes"]), _size(one["wal_bytes"]),
             _shown(one["cache_hit_percent"], "%"), _shown(one["checkpoints_requested"], ""), one["evidence"])
            for one in databases]))
    if stores:
        tables.append(table(("customer", "day", "store", "backups take", "objects", "evidence"), [
            (one["customer"], one["day"], one["place"], _size(one["bytes"]), one["objects"], one["evidence"])
            for one in stores]))
    return Result({"volumes": volumes, "databases": databases, "stores": stores}, "\n\n".join(tables))


def _history(customers: list[str] | None, everyone: bool, when: datetime, days: int) -> dict[str, Own]:
    """What the ledger has of hosted customers; those whose contract leaves storage out are refused or skipped."""
    from opsctl.contract.gate import Delivery, Purpose, Request
    from opsctl.core.clock import local_day
    from opsctl.runs.service import gate
    from opsctl.storage import history as measured

    selection = select(customers, everyone)
    request = Request(Service.STORAGE_MANAGEMENT, Purpose.PROTECT, Delivery.WORK)
    found: dict[str, Own] = {}
    with workplace(acts=False) as place:
        for profile in selection.profiles:
            decision = gate(profile, request, when, place.ledger)
            if not decision.allowed and not selection.explicit:
                continue
            decision.require(profile.customer)
            entries = tuple(place.ledger.entries(profile.customer, kinds=(measured.MEASURED,),
                                                 since=when - timedelta(days=days), until=when))
            found[profile.customer] = Own(
                local_day(when, profile.zone), measured.days(entries, profile.zone),
                measured.database_days(entries, profile.zone), measured.store_days(entries, profile.zone))
    return found


def _shown(value: float | None, unit: str) -> str:
    return "" if value is None else f"{value:g} {unit}".rstrip()


def _share(used: int, usable: int) -> str:
    """Of a volume of 0 bytes there is none; `storage check` names it."""
    return f"{100 * used / usable:.1f} %" if usable else ""


def _size(found: int) -> str:
    """Bytes for people: below 1 GB in MB."""
    return f"{found / 1e9:.2f} GB" if found >= 1e9 else f"{found / 1e6:.1f} MB"
