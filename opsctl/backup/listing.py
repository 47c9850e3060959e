"""`backup list`: the catalog, and the promise day by day."""

from __future__ import annotations

from dataclasses import dataclass

from opsctl.backup.catalog import Catalog, catalog
from opsctl.backup.days import DAYS, Day, DayVerdict, days
from opsctl.backup.rehearse import last_rehearsal, rehearsal_due
from opsctl.profiles.model import KamstrupProfile
from opsctl.runs.workplace import Workplace


@dataclass(frozen=True)
class BackupList:
    """What `backup list` shows of one customer."""

    catalog: Catalog
    days: tuple[Day, ...]
    rehearsal: str = ""
    """Why a restore rehearsal is due; "" when none is."""

    @property
    def broken(self) -> tuple[Day, ...]:
        """Days on which the promise was not kept."""
        return tuple(day for day in self.days if day.verdict is DayVerdict.BROKEN)


def listing(workplace: Workplace, profile: KamstrupProfile, *, count: int = DAYS) -> BackupList:
    """Catalog and days; changes nothing and records nothing."""
    found = catalog(workplace, profile)
    first = next(iter(workplace.ledger.entries(chain=profile.customer, limit=1)), None)
    now = workplace.clock.now()
    due = rehearsal_due(last_rehearsal(workplace, profile.customer), now, profile.backup.rehearse_days)
    return BackupList(found, days(profile, found, now, count=count,
                                  records_since=first.recorded_at if first else None), due)
