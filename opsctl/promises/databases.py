"""Which databases a day's backup has to hold (P16), by what the ledger shows of each: a profile knows today's alone.

A database is owed from its first backup, good or failed, or from the day after the first storage check that names it;
that check may have come after the day's backups. One that left the profile is owed until the last of them. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import date, timedelta
from typing import TYPE_CHECKING

from opsctl.core.clock import local_day
from opsctl.promises.backups import COMPLETED

if TYPE_CHECKING:
    from opsctl.ledger import Entry

FAILED, MEASURED = "backup.failed", "storage.measured"
EVIDENCE = (COMPLETED, FAILED, MEASURED)
_DAY = timedelta(days=1)


def owed(entries: Iterable[Entry], databases: Collection[str], today: date, zone: str
         ) -> Callable[[date], frozenset[str]]:
    """From a local day to the databases owed on it.

    entries: those of EVIDENCE, in any order. databases: of the profile; they are owed today in any case.
    """
    spans = _spans(entries, databases, today, zone)
    return lambda day: frozenset(name for name, (first, last) in spans.items() if first <= day <= last)


def _spans(entries: Iterable[Entry], databases: Collection[str], today: date, zone: str
           ) -> Mapping[str, tuple[date, date]]:
    """By database its first and last day."""
    tried: dict[str, list[date]] = {}
    checks: dict[date, set[str]] = {}
    for entry in entries:
        day = local_day(entry.recorded_at, zone)
        if entry.kind == MEASURED:
            checks.setdefault(day, set()).update(str(one["name"]) for one in entry.payload.get("databases", ()))
        elif entry.kind in {COMPLETED, FAILED}:
            own = date.fromisoformat(entry.payload["day"]) if entry.kind == COMPLETED else day
            tried.setdefault(str(entry.payload["database"]), []).append(own)
    found = {}
    for name in {*databases, *tried, *(name for named in checks.values() for name in named)}:
        named = [day for day, names in checks.items() if name in names]
        first = min([*tried.get(name, ()), *(day + _DAY for day in named)], default=_unseen(checks))
        last = max([*tried.get(name, ()), *(day - _DAY for day in named)], default=date.max)
        found[name] = (min(first, today), date.max) if name in databases else (first, last)
    return found


def _unseen(checks: Mapping[date, Collection[str]]) -> date:
    """Since when a database of the profile is owed of which nothing is on record: always, unless a storage check shows
    others and not it."""
    return max((day + _DAY for day, names in checks.items() if names), default=date.min)
