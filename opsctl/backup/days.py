"""P16, "full database backup is done daily": one verdict per database and local day. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum

from opsctl.backup.contents import Catalog, CatalogBackup, State
from opsctl.backup.norms import Deviation, Measure, Unusual, deviations
from opsctl.contract.services import Hosting
from opsctl.core.clock import day_bounds, local_day
from opsctl.profiles.model import KamstrupProfile, terms_at

DAYS = 30


class DayVerdict(StrEnum):
    """The words of docs: kept, broken, not due, not covered, unknown."""

    KEPT = "kept"
    BROKEN = "broken"
    NOT_DUE = "not due"
    NOT_COVERED = "not covered"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Day:
    """One database on one local day. late: finished only after the day had ended.

    unusual: what of its newest good backup differs from the median of the 14 before it, with the reasons.
    """

    database: str
    day: date
    verdict: DayVerdict
    backups: tuple[str, ...] = ()
    late: bool = False
    reason: str = ""
    unusual: tuple[Unusual, ...] = ()


def days(profile: KamstrupProfile, catalog: Catalog, now: datetime, *, count: int = DAYS,
         records_since: datetime | None = None) -> tuple[Day, ...]:
    """The last `count` local days up to the one of `now`, newest first, for every database of the profile.

    A backup counts for the local day on which it was started: that is the data it holds. records_since:
    the ledger's first entry of the customer; what was before it is unknown, neither kept nor broken.
    """
    today = local_day(now, profile.zone)
    first = local_day(records_since, profile.zone) if records_since else today
    found = [_day(profile, database.name, catalog.of(database.name), today - timedelta(days=back), today)
             for database in profile.databases for back in range(count)]
    return tuple(replace(day, verdict=DayVerdict.UNKNOWN, reason=f"the ledger's records begin on {first}")
                 if day.day < first and day.verdict is DayVerdict.BROKEN else day for day in found)


def _day(profile: KamstrupProfile, database: str, backups: Sequence[CatalogBackup], day: date, today: date) -> Day:
    start, end = day_bounds(day, profile.zone)
    # The contract at the end of the day: a day on which hosting began is already covered.
    if terms_at(profile, end - timedelta(seconds=1)).hosting is not Hosting.KAMSTRUP:
        return Day(database, day, DayVerdict.NOT_COVERED, reason="the customer hosted the system on that day (P26)")
    own = [backup for backup in backups if backup.manifest and backup.manifest.day == day]
    good = [backup for backup in own if backup.good]
    if good:
        late = all(backup.manifest is not None and backup.manifest.finished >= end for backup in good)
        strange = _strange(backups, good[-1])
        return Day(database, day, DayVerdict.KEPT, tuple(backup.place.backup_id for backup in good), late,
                   "; ".join(one.reason for one in strange), tuple(one.unusual for one in strange))
    unknown = [backup for backup in backups if backup.state in {State.UNREADABLE, State.UNREAD}
               and start <= backup.modified < end + timedelta(days=1)]
    if unknown:
        return Day(database, day, DayVerdict.UNKNOWN, tuple(backup.place.backup_id for backup in unknown),
                   reason=unknown[0].reason)
    if day == today:
        return Day(database, day, DayVerdict.NOT_DUE, reason="the day is not over")
    return Day(database, day, DayVerdict.BROKEN, tuple(backup.place.backup_id for backup in own),
               reason=own[0].reason if own else "no backup was started on that day")


def _strange(backups: Sequence[CatalogBackup], one: CatalogBackup) -> tuple[Deviation, ...]:
    """Against the good ones before it; `backups` are in order of their ids, which is that of their start."""
    before = [_measure(backup) for backup in backups if backup.good and backup.place.backup_id < one.place.backup_id]
    return deviations(before, _measure(one))


def _measure(backup: CatalogBackup) -> Measure:
    made = backup.manifest
    return Measure(made.size, (made.finished - made.started).total_seconds()) if made else Measure(backup.size, 0.0)
