"""What every generator of due events looks at: profile, month, evidence, the instant, policies. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property

from opsctl.contract.records import FACT_KINDS, Event, facts
from opsctl.contract.services import CELLS, Cell, Coverage, Hosting, Service
from opsctl.contract.terms import AgreementState, Terms
from opsctl.core.clock import day_bounds, local_day
from opsctl.profiles.model import KamstrupProfile, Profile
from opsctl.promises.databases import EVIDENCE, owed
from opsctl.promises.evidence import Evidence
from opsctl.promises.model import Item, Word
from opsctl.promises.month import Month
from opsctl.releases.catalogue import Catalogue
from opsctl.runs.service import terms_known
from opsctl.support.model import CalendarVersion

INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True)
class View:
    """One customer's month as it stood at `now`.

    releases: None when the release files cannot be read; then what depends on them is unknown.
    calendars: the versions of the support calendar, ascending. patch_every_days: the operator's cadence.
    """

    profile: Profile
    month: Month
    evidence: Evidence
    now: datetime
    releases: Catalogue | None = None
    calendars: tuple[CalendarVersion, ...] = ()
    patch_every_days: int = 30
    days: tuple[date, ...] = field(init=False)
    _known: dict[date, Terms] = field(init=False, default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "days", tuple(self.month.days()))

    @property
    def bounds(self) -> tuple[datetime, datetime]:
        """The month in UTC, half-open."""
        return self.month.bounds(self.profile.zone)

    @property
    def first_contract_day(self) -> date:
        """The day on which the oldest known contract began."""
        return self.profile.earlier[-1].effective_from if self.profile.earlier else self.profile.hosting_from

    @cached_property
    def databases(self) -> Callable[[date], frozenset[str]]:
        """The databases to back up on a local day."""
        profile = self.profile
        names = [one.name for one in profile.databases] if isinstance(profile, KamstrupProfile) else ()
        return owed(self.evidence.of(*EVIDENCE), names, local_day(self.now, profile.zone), profile.zone)

    def terms(self, day: date) -> Terms:
        """The contract of a local day: at its end, so that a day on which hosting began is covered.

        With the orders and the last day that were on record by then, as the gate knew them.
        """
        if day not in self._known:
            at = self._end(day)
            told = (Event(entry.kind, entry.recorded_at, entry.payload) for entry in self.evidence.of(*FACT_KINDS)
                    if entry.recorded_at <= at)
            self._known[day] = terms_known(self.profile, at, facts(told))
        return self._known[day]

    def left(self, day: date) -> bool:
        """Has the customer left before that day?"""
        return self.terms(day).has_ended(self._end(day))

    def _end(self, day: date) -> datetime:
        return day_bounds(day, self.profile.zone)[1] - INSTANT

    def cell(self, service: Service, day: date) -> Cell:
        """The cell of the data sheet that governs `service` on that day."""
        return CELLS[service, self.terms(day).hosting]

    def covered(self, service: Service, hosting: Hosting) -> Iterator[date]:
        """The days on which a contract with this hosting covers the service."""
        for day in self.days:
            cell = self.cell(service, day)
            if day >= self.first_contract_day and cell.hosting is hosting \
                    and cell.coverage is not Coverage.NOT_OFFERED and not self.left(day):
                yield day

    def agreed(self, day: date) -> bool:
        """Is the Software Maintenance Agreement valid on that day (P05)?"""
        return self.terms(day).agreement_state(self._end(day)) is AgreementState.VALID

    def missing(self, promise: str, what: str, day: date, absent: str) -> Item:
        """The item of a day without evidence: not due yet, unknown where it may be gone, or broken."""
        since, until = day_bounds(day, self.profile.zone)
        begins = self.evidence.begins
        if until > self.now:
            return Item(promise, what, Word.NOT_DUE, "the day is not over", day)
        if begins is None:
            return Item(promise, what, Word.UNKNOWN, "nothing is recorded about this customer", day)
        if since < begins:
            return Item(promise, what, Word.UNKNOWN,
                        f"the ledger's records begin on {local_day(begins, self.profile.zone)}", day)
        # What was done on a day may be recorded on the next one: a backup that ran over midnight.
        if self.evidence.gap_in(since, until + timedelta(days=1)):
            return Item(promise, what, Word.UNKNOWN, "entries of that time are damaged or gone", day)
        return Item(promise, what, Word.BROKEN, absent, day)


def left_on(view: View, day: date) -> str:
    """Why nothing is due on a day after the last one."""
    return f"the customer has left, its last day was {view.terms(day).service_ends}"
