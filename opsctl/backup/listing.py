"""`backup list`: the catalogs, the promise day by day, and what is due."""

from __future__ import annotations

from dataclasses import dataclass

from opsctl.backup.catalog import catalog
from opsctl.backup.contents import Catalog, State
from opsctl.backup.copying import damaged_in, uncopied
from opsctl.backup.days import DAYS, Day, DayVerdict, days
from opsctl.backup.rehearsals import RehearsalState
from opsctl.backup.rehearse import rehearsals
from opsctl.backup.shelves import second_shelf
from opsctl.core.errors import OpsctlError
from opsctl.profiles.model import KamstrupProfile
from opsctl.runs.workplace import Workplace


@dataclass(frozen=True)
class SecondList:
    """The second store. catalog is None when it cannot be read; reason says why. uncopied: ids without a good copy."""

    catalog: Catalog | None
    uncopied: tuple[str, ...] = ()
    damaged: frozenset[str] = frozenset()
    reason: str = ""


@dataclass(frozen=True)
class BackupList:
    """What `backup list` shows of one customer. second: None where the profile names no second store."""

    catalog: Catalog
    days: tuple[Day, ...]
    rehearsals: tuple[RehearsalState, ...] = ()
    second: SecondList | None = None

    @property
    def broken(self) -> tuple[Day, ...]:
        """Days on which the promise was not kept."""
        return tuple(day for day in self.days if day.verdict is DayVerdict.BROKEN)

    @property
    def rehearsal(self) -> str:
        """Why a restore rehearsal is due; "" when none is."""
        return "; ".join(f"{one.database}: {one.detail}" for one in self.rehearsals if one.due)


def listing(workplace: Workplace, profile: KamstrupProfile, *, count: int = DAYS) -> BackupList:
    """Catalogs and days; changes nothing and records nothing. A second store that cannot be read is told."""
    found = catalog(workplace, profile, hidden=True)
    first = next(iter(workplace.ledger.entries(chain=profile.customer, limit=1)), None)
    now = workplace.clock.now()
    return BackupList(found, days(profile, found, now, count=count,
                                  records_since=first.recorded_at if first else None),
                      rehearsals(workplace, profile), _second(workplace, profile, found))


def _second(workplace: Workplace, profile: KamstrupProfile, here: Catalog) -> SecondList | None:
    shelf = second_shelf(profile)
    if shelf is None:
        return None
    try:
        there = catalog(workplace, profile, shelf=shelf, hidden=True)
    except OpsctlError as error:
        return SecondList(None, reason=error.message)
    damaged, copies = damaged_in(workplace.ledger, profile)
    lacking = uncopied(here, there, shelf, damaged, copies)
    unknown = {backup.place.backup_id for backup in there.backups if backup.state is State.UNREAD}
    return SecondList(there, tuple(backup.place.backup_id for backup in lacking
                                   if backup.place.backup_id not in unknown), copies)
