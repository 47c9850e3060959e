"""What the ledger shows of many customers, for their status: a few queries over all chains, not some for each customer.

From the table of newest entries. Where that cannot tell (an entry of a later instant, databases backed up on different
days, a damaged backup), the customer's own entries are read.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from opsctl.backup.rehearsals import REHEARSAL_FAILED, REHEARSED, RehearsalState, rehearsal_states
from opsctl.contract.records import OFFBOARDED, OFFBOARDING_ENDED
from opsctl.core.clock import local_day
from opsctl.core.outcome import Status
from opsctl.ledger.model import Entry, Latest
from opsctl.promises.backups import COMPLETED, COPY_KINDS, DAMAGED, KINDS, complete_days, copied, good_backups
from opsctl.promises.cadence import GOOD_RUN, counts
from opsctl.promises.databases import EVIDENCE, owed
from opsctl.runs import installed as standing
from opsctl.upgrades import standing as upgrades

if TYPE_CHECKING:
    from opsctl.report.outline import Outline

RECENT = timedelta(days=60)
"""So far back the last good backup is looked for."""
CHECKED, FINISHED = "network.checked", "run.finished"
_MEASURED = tuple(f"{FINISHED}/storage check/{status.value}"
                  for status in (Status.DONE, Status.WARNING, Status.CHECK_FAILED))
_UNMEASURED = tuple(f"{FINISHED}/storage check/{status.value}" for status in (Status.FAILED, Status.INTERRUPTED))
"""Storage checks that ended without having measured anything."""
_PATCHED = tuple(f"{FINISHED}/patch apply/{status}" for status in sorted(GOOD_RUN))
_UPGRADED = (upgrades.COMPLETED, upgrades.REFUSED, upgrades.TAKEN_BACK)
_INSTALLED = tuple(sorted(standing.EVIDENCE))
TOPICS = (*_MEASURED, *_UNMEASURED, *_PATCHED, CHECKED, *_INSTALLED, upgrades.STARTED, *_UPGRADED, DAMAGED,
          OFFBOARDED, OFFBOARDING_ENDED, f"{COMPLETED}/", f"{REHEARSED}/", f"{REHEARSAL_FAILED}/")


class Reads(Protocol):
    """What is read: a `Ledger`, or a quick one."""

    def newest(self, topics: Collection[str]) -> list[Latest]:
        """The newest entry of each topic and chain; a topic that ends with a slash stands for all below it."""

    def entries(self, chain: str | None = None, kinds: Collection[str] | None = None, since: datetime | None = None,
                until: datetime | None = None, newest_first: bool = False,
                limit: int | None = None) -> Iterator[Entry]:
        """As `Ledger.entries`."""


class Seen(NamedTuple):
    """A payload, and when it was recorded."""

    payload: Mapping[str, Any]
    at: datetime


@dataclass(frozen=True)
class Known:
    """One customer's evidence. days: local days with a good backup, the newest of them at least.

    owed_since: the first local day on which backups and storage checks were owed and the ledger was kept; asked only
    when there are none of one of them.
    copies: whether the newest backups have their second copy, in words; "" without a second store.
    upgrade: the start of an upgrade of the platform that is unfinished.
    storage: the newest check that measured something. unmeasured: a newer one that did not.
    ends: the last local day of a customer that leaves.
    """

    storage: Seen | None
    network: Seen | None
    patched: datetime | None
    installed: str
    days: frozenset[date]
    owed_since: date | None
    rehearsals: tuple[RehearsalState, ...] = ()
    copies: str = ""
    upgrade: Seen | None = None
    unmeasured: Seen | None = None
    ends: date | None = None


def known(reads: Reads, outlines: Sequence[Outline], now: datetime) -> dict[str, Known]:
    """By customer what was recorded before `now`."""
    found: dict[str, dict[str, Latest]] = {}
    for row in reads.newest(TOPICS):
        found.setdefault(row.chain, {})[row.topic] = row
    return {one.customer: _Reading(reads, one, found.get(one.customer, {}), now).all() for one in outlines}


class _Reading:
    """One customer: from the newest entries by topic, or from its own where those are not enough."""

    def __init__(self, reads: Reads, outline: Outline, rows: Mapping[str, Latest], now: datetime) -> None:
        self._reads, self._outline, self._rows, self._now = reads, outline, rows, now

    def all(self) -> Known:
        storage, network = self._newest(_MEASURED, FINISHED), self._newest((CHECKED,), CHECKED)
        tried = self._newest(_UNMEASURED, FINISHED)
        patched = self._newest(_PATCHED, FINISHED, wanted=self._counts)
        days = self._days() if self._outline.databases else frozenset()
        return Known(storage, network, patched.at if patched else None, self._installed(), days,
                     None if days and storage else self._owed_since(), self._rehearsals(), self._copies(),
                     self._upgrade(), tried if tried and (storage is None or tried.at > storage.at) else None,
                     self._ends())

    def _installed(self) -> str:
        """READY's version by the ledger. Its own entries are read only when the newest is no proof of its present
        hosts: a report in a customer's words, or a proof from before the hosting changed."""
        one = self._outline
        kinds = tuple(standing.PROOFS) if one.hosted else _INSTALLED
        rows = [self._rows[kind] for kind in kinds if kind in self._rows]
        if not rows:
            return ""
        since, last = one.hosting_since(self._today), max(rows, key=lambda row: row.sequence)
        if last.topic in standing.PROOFS and last.recorded_at < self._now and local_day(
                last.recorded_at, one.zone) >= since:
            return str(last.payload[standing.PROOFS[last.topic]])
        return standing.proven_by(self._reads.entries(one.customer, kinds, until=self._now), one.zone, since,
                                  reported=not one.hosted)

    def _upgrade(self) -> Seen | None:
        started, ended = self._newest((upgrades.STARTED,), upgrades.STARTED), self._newest(_UPGRADED, *_UPGRADED)
        return None if started is None or (ended is not None and ended.at >= started.at) else started

    def _ends(self) -> date | None:
        """The last day, by the start of an offboarding that was not cancelled."""
        started, cancelled = (self._newest((kind,), kind) for kind in (OFFBOARDED, OFFBOARDING_ENDED))
        if started is None or (cancelled is not None and cancelled.at >= started.at):
            return None
        return date.fromisoformat(started.payload["last_day"])

    def _counts(self, run: Seen) -> bool:
        """Whether the patch run brought all that the contract gives."""
        one = self._outline
        return counts(run.payload, local_day(run.at, one.zone), self._today, one.agreed)

    def _newest(self, topics: Sequence[str], *kinds: str, wanted: Callable[[Seen], bool] = lambda seen: True
                ) -> Seen | None:
        """The newest that is wanted. Where that is another than the newest of all, the customer's own are read."""
        rows = [self._rows[topic] for topic in topics if topic in self._rows]
        if not rows:
            return None
        last = max(rows, key=lambda row: row.sequence)
        newest = Seen(last.payload, last.recorded_at)
        if all(row.recorded_at < self._now for row in rows) and wanted(newest):
            return newest
        found = (Seen(entry.payload, entry.recorded_at) for entry in self._reads.entries(
            self._outline.customer, kinds, until=self._now, newest_first=True) if _topic(entry) in topics)
        return next(filter(wanted, found), None)

    def _days(self) -> frozenset[date]:
        rows = [row for topic, row in self._rows.items() if topic.startswith(f"{COMPLETED}/")
                and row.payload["database"] in self._outline.databases]
        days = {row.payload["day"] for row in rows}
        harm = self._rows.get(DAMAGED)
        plain = len(days) == 1 and {row.payload["database"] for row in rows} == self._outline.databases
        if plain and (harm is None or harm.recorded_at < self._now - RECENT):
            day = date.fromisoformat(days.pop())
            if all(self._now - RECENT <= row.recorded_at < self._now for row in rows) and day <= self._today:
                return frozenset({day})
        good, wanted = good_backups(self._recent(KINDS)), self._outline.databases
        found = complete_days(good, lambda day: wanted)
        if found & {self._today, self._today - timedelta(days=1)}:
            return found
        # Storage checks are long: they are read only where a database may be younger than the days.
        return complete_days(good, owed(self._recent(EVIDENCE), wanted, self._today, self._outline.zone))

    def _recent(self, kinds: Collection[str]) -> tuple[Entry, ...]:
        return tuple(self._reads.entries(self._outline.customer, kinds, since=self._now - RECENT, until=self._now))

    def _rehearsals(self) -> tuple[RehearsalState, ...]:
        """Each database's last restore for the exercise; of one without any its first backup counts."""
        one = self._outline
        rows = [row for topic, row in self._rows.items() if topic.startswith((f"{REHEARSED}/", f"{REHEARSAL_FAILED}/"))]
        if any(row.recorded_at >= self._now for row in rows):
            tries = list(self._reads.entries(one.customer, (REHEARSED, REHEARSAL_FAILED), until=self._now))
        else:
            tries = sorted(map(_entry, rows), key=lambda entry: entry.sequence)
        never = one.databases - {str(entry.payload.get("database")) for entry in tries}
        first = self._first_backups(never) if never else []
        return rehearsal_states(sorted(one.databases), [*first, *tries], self._today, one.rehearse_days, one.zone)

    def _first_backups(self, databases: Collection[str]) -> list[Entry]:
        """The first backups of these databases; a few entries say it nearly always."""
        for limit in (4 * len(databases), None):
            made = list(self._reads.entries(self._outline.customer, (COMPLETED,), until=self._now, limit=limit))
            if {str(entry.payload["database"]) for entry in made} >= set(databases):
                break
        return made

    def _copies(self) -> str:
        if not self._outline.second_store:
            return ""
        since, name = self._now - RECENT, self._outline.customer
        newest = {str(entry.payload["database"]): str(entry.payload.get("backup_id"))
                  for entry in self._reads.entries(name, (COMPLETED,), since=since, until=self._now)}
        there = copied(self._reads.entries(name, COPY_KINDS, since=since, until=self._now))
        return "" if not newest else "copied" if set(newest.values()) <= there else "no second copy"

    @property
    def _today(self) -> date:
        return local_day(self._now, self._outline.zone)

    def _owed_since(self) -> date | None:
        first = next(iter(self._reads.entries(self._outline.customer, limit=1)), None)
        if first is None or first.recorded_at > self._now:
            return None
        begin = self._outline.hosting_from if self._today >= self._outline.hosting_from else date.min
        return max(local_day(first.recorded_at, self._outline.zone) + timedelta(days=1), begin)


def _entry(row: Latest) -> Entry:
    return Entry(row.chain, row.sequence, row.topic.partition("/")[0], row.recorded_at, "", "", row.payload, "", "")


def _topic(entry: Entry) -> str:
    from opsctl.ledger.topics import topic

    return topic(entry.kind, entry.payload)


def last_sequences(rows: Iterable[Latest]) -> dict[str, str]:
    """By chain a text that differs whenever another entry of these topics was recorded."""
    found: dict[str, list[str]] = {}
    for row in sorted(rows):
        found.setdefault(row.chain, []).append(f"{row.topic}:{row.sequence}")
    return {chain: " ".join(parts) for chain, parts in found.items()}


def running_of(held: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    """By customer the runs that hold a lease now, from names and owners of leases."""
    found: dict[str, tuple[str, ...]] = {}
    for name, owner in held:
        customer = name.partition("/")[0]
        found[customer] = (*found.get(customer, ()), owner)
    return found
