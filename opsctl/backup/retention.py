"""What may be removed (P17: "backups are stored for 30 days"). Pure: records, policy and clocks in, verdicts out.

Age runs by the store's clock alone, from the manifest's time to the listing's, so that no clock set
wrong on the control machine can remove a backup. Kept by whichever rule is kinder.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

CLOCK_TOLERANCE = timedelta(minutes=10)


class Decision(StrEnum):
    """What becomes of a backup. RETAINED: old enough to go, but the store's lock holds it."""

    KEEP = "keep"
    REMOVE = "remove"
    RETAINED = "retained"


@dataclass(frozen=True)
class Candidate:
    """A backup as retention sees it. modified: its manifest's time by the store's clock.

    good: by its listing. recorded: the ledger knows this very manifest; a good one is always recorded.
    damaged: its last check found parts that are not what the manifest says, so it does not count as good.
    lost: its manifest is missing and may come back; like a damaged one it counts where there are too few.
    """

    backup_id: str
    database: str
    modified: datetime
    good: bool
    readable: bool = True
    recorded: bool = True
    damaged: bool = False
    lost: bool = False

    @property
    def flaw(self) -> str:
        """Why it does not count as good though it was; "" when it does."""
        return "its manifest is missing" if self.lost else "damaged by its last check" if self.damaged else ""


@dataclass(frozen=True)
class Verdict:
    """What becomes of one backup, and why in one sentence."""

    backup: Candidate
    decision: Decision
    reason: str


def decide(backups: Sequence[Candidate], now_store: datetime, control_clock: datetime, *, keep_days: int,
           minimum_good: int, pins: Mapping[str, str] | None = None,
           locked: Mapping[str, str] | None = None, rule: str = "P17") -> tuple[Verdict, ...]:
    """One verdict per backup, in the given order.

    pins: reason by id of what must stay. locked: the lock's end, as text, by id. rule: what asks for keep_days.
    Nothing at all is removed when the clocks are more than 10 minutes apart or one backup cannot be read: what
    cannot be judged must not make the rest look older or more numerous than it is.
    """
    apart = abs(now_store - control_clock)
    if apart > CLOCK_TOLERANCE:
        return _all_kept(backups, f"the store's clock and this machine's are {_span(apart)} apart: nothing is removed")
    unreadable = [backup.backup_id for backup in backups if not backup.readable]
    if unreadable:
        return _all_kept(backups, f"{unreadable[0]} cannot be read: nothing is removed until that is settled")
    newest = _newest_good(backups, minimum_good)
    return tuple(_one(backup, now_store, keep_days, minimum_good, newest, pins or {}, locked or {}, rule)
                 for backup in backups)


def _all_kept(backups: Sequence[Candidate], reason: str) -> tuple[Verdict, ...]:
    return tuple(Verdict(backup, Decision.KEEP, reason) for backup in backups)


def _newest_good(backups: Sequence[Candidate], minimum_good: int) -> frozenset[str]:
    """Ids of the newest `minimum_good` good ones of each database; failed ones do not count.

    Damaged and lost ones count only where there are too few sound ones: then part of one may be all there is.
    """
    by_database: dict[str, list[Candidate]] = defaultdict(list)
    for backup in backups:
        if backup.good or backup.lost:
            by_database[backup.database].append(backup)
    return frozenset(backup.backup_id for group in by_database.values()
                     for backup in sorted(group, key=_worth)[-minimum_good:])


def _worth(backup: Candidate) -> tuple[bool, datetime, str]:
    return not backup.flaw, backup.modified, backup.backup_id


def _one(backup: Candidate, now: datetime, keep_days: int, minimum_good: int, newest: Collection[str],
         pins: Mapping[str, str], locked: Mapping[str, str], rule: str) -> Verdict:
    age = now - backup.modified
    if age < timedelta(days=keep_days):
        return Verdict(backup, Decision.KEEP, f"{_span(age)} old, kept for {keep_days} days ({rule})")
    if backup.backup_id in newest:
        return Verdict(backup, Decision.KEEP, f"{backup.flaw}, kept while {backup.database} has fewer than "
                       f"{minimum_good} good ones" if backup.flaw else
                       f"one of the newest {minimum_good} good ones of {backup.database}")
    if backup.backup_id in pins:
        return Verdict(backup, Decision.KEEP, f"pinned: {pins[backup.backup_id]}")
    if not backup.recorded:
        # A lost or fresh ledger must not turn every old backup into one that does not count.
        return Verdict(backup, Decision.KEEP, "the ledger does not have its manifest: what it does not know stays")
    if backup.backup_id in locked:
        return Verdict(backup, Decision.RETAINED, f"the store retains it: {locked[backup.backup_id]}")
    what = f", and {backup.flaw}" if backup.flaw else "" if backup.good else ", and not a good one"
    return Verdict(backup, Decision.REMOVE, f"{_span(age)} old, past {keep_days} days{what}")


def _span(span: timedelta) -> str:
    if span < timedelta(0):
        return "no time"
    days, rest = divmod(int(span.total_seconds()), 86_400)
    if days:
        return f"{days} d {rest // 3600} h"
    return f"{rest // 3600} h {rest % 3600 // 60} min"
