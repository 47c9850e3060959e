"""The one reading of "days with a good backup" (P16), for the nightly run, the status and the register.

A backup counts for the local day on which it was started. One that a later check found damaged is not good, unless a
check after that found it whole.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opsctl.ledger import Entry, Ledger

COMPLETED, DAMAGED, VERIFIED = "backup.completed", "backup.damaged", "backup.verified"
KINDS = (COMPLETED, DAMAGED, VERIFIED)
COPIED, COPY_FAILED, COPY_REMOVED = "backup.copied", "backup.copy-failed", "backup.copy-removed"
COPY_DAMAGED, COPY_VERIFIED = "backup.copy-damaged", "backup.copy-verified"
COPY_KINDS = (COPIED, COPY_FAILED, COPY_REMOVED, COPY_DAMAGED, COPY_VERIFIED)


def good_backups(entries: Sequence[Entry]) -> Mapping[date, Mapping[str, Entry]]:
    """By local day and database the newest good backup, from entries in the order of their recording."""
    made = {str(entry.payload.get("backup_id", entry.reference)): entry for entry in entries
            if entry.kind == COMPLETED}
    bad = damaged(entries)
    found: dict[date, dict[str, Entry]] = {}
    for name, entry in made.items():
        if name not in bad:
            day = date.fromisoformat(entry.payload["day"])
            found.setdefault(day, {})[str(entry.payload["database"])] = entry
    return found


def damaged(entries: Iterable[Entry]) -> frozenset[str]:
    """The backups whose last check found them damaged."""
    last = {str(entry.payload["backup_id"]): entry.kind for entry in entries if entry.kind in {DAMAGED, VERIFIED}}
    return frozenset(name for name, kind in last.items() if kind == DAMAGED)


def complete_days(good: Mapping[date, Mapping[str, Entry]], owed: Callable[[date], Collection[str]]) -> frozenset[date]:
    """The days on which every database that is owed on that day has a good backup."""
    return frozenset(day for day, own in good.items() if set(own) >= set(owed(day)))


def copied(entries: Iterable[Entry]) -> frozenset[str]:
    """The backups with a copy in the second store whose last check did not find it damaged."""
    found: set[str] = set()
    for entry in entries:
        name = str(entry.payload.get("backup_id"))
        if entry.kind in {COPIED, COPY_VERIFIED}:
            found.add(name)
        elif entry.kind in {COPY_REMOVED, COPY_DAMAGED}:
            found.discard(name)
    return frozenset(found)


def good_backup_days(ledger: Ledger, customer: str, databases: Collection[str], since: datetime,
                     until: datetime | None = None) -> frozenset[date]:
    """The local days with a good backup of each of these databases, from what was recorded in [since, until)."""
    entries = tuple(ledger.entries(customer, kinds=KINDS, since=since, until=until))
    return complete_days(good_backups(entries), lambda day: databases)
