"""`opsctl backup list`: what is in the stores, the last days as a calendar, and what is due."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from opsctl.cli.custody import custody
from opsctl.cli.result import Result, table
from opsctl.cli.workplace import Customer, workplace
from opsctl.core.clock import iso

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opsctl.backup.contents import Catalog, CatalogBackup
    from opsctl.backup.days import Day
    from opsctl.backup.listing import BackupList, SecondList

LEGEND = "k kept  l kept, late  s kept, unusual  B broken  ? unknown  . not due  - not covered"


def list_backups(customer: Customer,
                 days: Annotated[int, typer.Option("--days", min=1, max=400, help="So many local days.")] = 30,
                 ) -> Result:
    """List the backups in the stores and, day by day, whether the promise of a daily one was kept."""
    from opsctl.backup.listing import listing

    with workplace(acts=False) as place:
        found = listing(place, custody(place, customer), count=days)
    second = found.second
    heading = ("database", "backup", "stored", "size", "state", *(("copy",) if second else ()), "why")
    rows = [(b.place.database, b.place.backup_id, iso(b.modified), f"{b.size / 1e6:.1f} MB", _state(b),
             *((_copy(b.place.backup_id, second),) if second else ()), b.reason or "-") for b in found.catalog.backups]
    text = [table(heading, rows) if rows else "no backups in the store", "", *calendar(found.days), *_remarks(found)]
    text += [f"{one.database}: rehearsal {one.state.value}: {one.detail}"
             + (f"; run opsctl backup rehearse {customer}" if one.due else "") for one in found.rehearsals]
    return Result(_data(found), "\n".join(text).rstrip())


def _state(backup: CatalogBackup) -> str:
    return backup.state.value if backup.good or backup.state.value != "good" else backup.evidence.value


def _copy(backup_id: str, second: SecondList) -> str:
    if second.catalog is None:
        return "unknown"
    if backup_id in second.damaged:
        return "damaged"
    have = [one for one in second.catalog.backups if one.place.backup_id == backup_id]
    if have:
        return _state(have[0])
    return "missing" if backup_id in second.uncopied else "-"


def _remarks(found: BackupList) -> list[str]:
    """Leftovers and losses of each store, and what the second one holds that the first does not."""
    lines = _of_store(found.catalog, "")
    second = found.second
    if second is None:
        return lines
    if second.catalog is None:
        return [*lines, f"the second store cannot be read: {second.reason}"]
    here = {one.place.backup_id for one in found.catalog.backups}
    alone = [one.place.backup_id for one in second.catalog.backups if one.place.backup_id not in here]
    lines += [f"in the second store alone: {name}" for name in alone]
    lines += [f"no second copy: {', '.join(second.uncopied)}; opsctl backup copy {found.catalog.customer} makes it"
              ] if second.uncopied else []
    return [*lines, *_of_store(second.catalog, " in the second store")]


def _of_store(catalog: Catalog, where: str) -> list[str]:
    lines = [f"left over{where}: {left.key} ({left.what}, since {iso(left.since)})" for left in catalog.leftovers]
    lost = {one.place.backup_id: one for one in catalog.lost}
    lines += [f"lost{where}: {name}: {one.reason}, and the rest is there; see opsctl backup clean {catalog.customer} "
              "--dry-run" for name, one in lost.items()]
    return lines + [f"missing{where}: the ledger has {name} as there, the store no longer has it"
                    for name in catalog.missing if name not in lost]


def calendar(days: Sequence[Day]) -> list[str]:
    """Per database a row per week, a letter a day, and a line for each day that is not plainly kept."""
    lines, remarks = [], []
    for database in dict.fromkeys(day.database for day in days):
        own = {day.day: day for day in days if day.database == database}
        monday = min(own) - timedelta(days=min(own).weekday())
        lines.append(f"{database:<12}  Mo Tu We Th Fr Sa Su")
        while monday <= max(own):
            week = (monday + timedelta(days=number) for number in range(7))
            cells = " ".join(f"{_letter(own[day])} " if day in own else "  " for day in week)
            lines.append(f"{monday.isoformat():<12}  {cells}".rstrip())
            monday += timedelta(days=7)
        remarks += [f"{database} {day.day}: {_remark(day)}" for day in sorted(own.values(), key=lambda one: one.day)
                    if _letter(day) in "Bls" or (_letter(day) == "?" and day.backups)]
    return [*lines, LEGEND, *remarks, ""]


def _letter(day: Day) -> str:
    if day.verdict.value == "kept":
        return "l" if day.late else "s" if day.unusual else "k"
    return {"broken": "B", "not due": ".", "not covered": "-", "unknown": "?"}[day.verdict.value]


def _remark(day: Day) -> str:
    words = (*(("late: it ended only after the day",) if day.late else ()), *(word.value for word in day.unusual))
    if day.verdict.value == "broken" and not day.backups:
        words = ("missing",)
    return ": ".join(part for part in (", ".join(words), day.reason) if part)


def _data(found: BackupList) -> dict[str, Any]:
    second = found.second
    return {"store": found.catalog.store, "backups": [_backup_data(one) for one in found.catalog.backups],
            "days": [_day_data(day) for day in found.days],
            "leftovers": [left.key for left in found.catalog.leftovers], "missing": list(found.catalog.missing),
            "lost": [one.place.backup_id for one in found.catalog.lost],
            "rehearsal_due": found.rehearsal,
            "rehearsals": [{"database": one.database, "state": one.state.value, "detail": one.detail,
                            "last": one.last.isoformat() if one.last else None, "seconds": one.seconds}
                           for one in found.rehearsals],
            "second": None if second is None else {
                "store": second.catalog.store if second.catalog else None, "reason": second.reason,
                "backups": [_backup_data(one) for one in second.catalog.backups] if second.catalog else [],
                "leftovers": [left.key for left in second.catalog.leftovers] if second.catalog else [],
                "missing": list(second.catalog.missing) if second.catalog else [],
                "lost": [one.place.backup_id for one in second.catalog.lost] if second.catalog else [],
                "uncopied": list(second.uncopied), "damaged": sorted(second.damaged)}}


def _backup_data(one: CatalogBackup) -> dict[str, Any]:
    return {"database": one.place.database, "id": one.place.backup_id, "stored": iso(one.modified), "bytes": one.size,
            "state": one.state.value, "evidence": one.evidence.value, "good": one.good, "reason": one.reason}


def _day_data(day: Day) -> dict[str, Any]:
    return {"database": day.database, "day": day.day.isoformat(), "verdict": day.verdict.value,
            "backups": list(day.backups), "late": day.late, "unusual": [word.value for word in day.unusual],
            "reason": day.reason}
