"""Profiles, entries and views for tests of the register."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from opsctl.core.clock import iso
from opsctl.ledger.model import Entry
from opsctl.profiles.loader import load_profile
from opsctl.profiles.model import Profile
from opsctl.promises.evidence import Evidence, of_entries
from opsctl.promises.model import Item, Kept
from opsctl.promises.month import Month
from opsctl.promises.register import register
from opsctl.promises.view import View

ROOT = Path(__file__).resolve().parents[3]
ZONE = "Europe/Copenhagen"
OCTOBER = Month(2026, 10)
LATER = datetime(2026, 11, 5, 9, tzinfo=UTC)


def profile(name: str = "aalund") -> Profile:
    return load_profile(ROOT / "inventories", f"sample-{name}")


def at(day: date, hour: int = 2) -> datetime:
    return datetime.combine(day, time(hour), ZoneInfo(ZONE)).astimezone(UTC)


def backup(day: date, database: str = "ready", **changes: Any) -> tuple[str, datetime, Mapping[str, Any]]:
    started = at(day)
    return ("backup.completed", started + timedelta(minutes=5), {
        "day": day.isoformat(), "database": database, "backup_id": f"{day:%Y%m%d}-{database}", "bytes": 1000,
        "started": iso(started), "finished": iso(started + timedelta(minutes=4)), **changes})


def evidence(*told: tuple[str, datetime, Mapping[str, Any]], since: date = date(2026, 9, 1)) -> Evidence:
    first = ("run.started", at(since), {"operation": "doctor"})
    ordered = sorted([first, *told], key=lambda one: one[1])
    return of_entries([Entry("sample-aalund", number, kind, when, "tests", "", payload, "", "")
                       for number, (kind, when, payload) in enumerate(ordered, start=1)])


def view(found: Evidence, month: Month = OCTOBER, now: datetime = LATER, name: str = "aalund", **more: Any) -> View:
    return View(profile(name), month, found, now, **more)


def kept(found: View) -> dict[str, Kept]:
    return {one.promise: one for one in register(found)}


def items(found: View, promise: str) -> list[Item]:
    return list(kept(found)[promise].items)


def every_day(days: Iterable[date]) -> list[tuple[str, datetime, Mapping[str, Any]]]:
    return [backup(day) for day in days]
