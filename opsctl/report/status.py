"""How each customer stands, from the ledger: pure judgement of recorded facts.

Verdict words: kept, broken, not due, no event, not covered, unknown. Missing data is unknown, never kept.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from opsctl.promises.model import Word

if TYPE_CHECKING:
    from opsctl.report.known import Known, Seen
    from opsctl.report.outline import Outline
from opsctl.backup.rehearsals import Rehearsal, RehearsalState
from opsctl.core.clock import local_day
from opsctl.promises.cadence import cadence
from opsctl.runs.installed import of_both
from opsctl.upgrades.model import target_of


@dataclass(frozen=True)
class Verdict:
    """One word and what it rests on."""

    word: Word
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.word.value}: {self.detail}" if self.detail else self.word.value


@dataclass(frozen=True)
class CustomerStatus:
    """One customer's row. running: runs that began and have not ended. ends: the last local day of one that leaves."""

    customer: str
    hosting: str
    ready: str
    backup: Verdict
    platform: Verdict
    storage: Verdict
    network: Verdict
    notices: Verdict
    rehearsal: Verdict
    running: tuple[str, ...] = field(default=())
    ends: date | None = None

    @property
    def verdicts(self) -> Mapping[str, Verdict]:
        """The verdicts by name."""
        return {"backup": self.backup, "platform": self.platform, "storage": self.storage,
                "network": self.network, "notices": self.notices, "rehearsal": self.rehearsal}


NOT_COVERED = Verdict(Word.NOT_COVERED)
_TO_COME = "today's is still to come"


def backup_verdict(days: Collection[date], today: date, since: date | None = None) -> Verdict:
    """P16: a good backup per local day. Today's may still come; yesterday's may not.

    since: the first local day on which one was owed and recorded; None when the ledger knows nothing yet.
    """
    yesterday = today - timedelta(days=1)
    if today in days:
        return Verdict(Word.KEPT, "today")
    if yesterday in days:
        return Verdict(Word.NOT_DUE, _TO_COME)
    if days:
        return Verdict(Word.BROKEN, f"last good one of {max(days)}")
    if since is not None and since <= yesterday:
        return Verdict(Word.BROKEN, f"no good one since {since}")
    return Verdict(Word.UNKNOWN, "none recorded")


def rehearsal_verdict(states: Sequence[RehearsalState]) -> Verdict:
    """Restores for the exercise, by the operator's own interval; the gravest of a customer's databases."""
    words = {Rehearsal.FAILED: Word.BROKEN, Rehearsal.LATE: Word.BROKEN, Rehearsal.NONE: Word.UNKNOWN,
             Rehearsal.DUE: Word.NOT_DUE, Rehearsal.IN_TIME: Word.KEPT}
    worst = min(states, key=lambda one: list(words).index(one.state))
    if worst.state is Rehearsal.IN_TIME:
        return Verdict(Word.KEPT, f"restored {worst.last}" + (f", {worst.seconds:.1f} s" if worst.seconds else ""))
    if worst.state in {Rehearsal.LATE, Rehearsal.DUE}:
        return Verdict(words[worst.state], f"{worst.state.value}: " + (f"last restored {worst.last}" if worst.last else
                                                                       "never restored"))
    return Verdict(words[worst.state], worst.detail)


def upgrade_verdict(started: Seen) -> Verdict:
    """An upgrade of the platform that is unfinished: READY may be stopped, however current the packages are."""
    return Verdict(Word.BROKEN, f"the upgrade to {target_of(started.payload)} is unfinished since "
                                f"{started.at:%Y-%m-%d}, READY may be stopped")


def platform_verdict(last: datetime | None, now: datetime, every_days: int) -> Verdict:
    """P10 by the operator's own cadence, which the sheet leaves open."""
    if last is None:
        return Verdict(Word.UNKNOWN, "no patch run of all updates recorded")
    return Verdict(*cadence(last, now, every_days))


def storage_verdict(last: Mapping[str, Any] | None, day: date | None, today: date, failed: str = "",
                    since: date | None = None) -> Verdict:
    """P19: measured each day and below the limits. A run that failed has measured nothing: the day is as without it.

    last: the payload of the newest run that measured, of that day. failed: how a later one ended that did not.
    since: the first local day on which a check was owed and recorded.
    """
    tail = f"; the last run measured nothing: {failed}" if failed else ""
    yesterday = today - timedelta(days=1)
    if last is None or day is None:
        if not failed:
            return Verdict(Word.UNKNOWN, "never measured")
        owed = since is not None and since <= yesterday
        return Verdict(Word.BROKEN, f"never measured{tail}") if owed else Verdict(Word.NOT_DUE, _TO_COME + tail)
    if day < yesterday:
        return Verdict(Word.BROKEN, f"last measured {day}{tail}")
    if last["status"] == "check failed":
        return Verdict(Word.BROKEN, str(last["summary"]))
    if failed and day < today:
        return Verdict(Word.NOT_DUE, _TO_COME + tail)
    return Verdict(Word.KEPT, str(last["summary"]) if last["status"] == "warning" else f"checked {day}")


def network_verdict(last: Mapping[str, Any] | None, day: date | None, today: date, delivered: int) -> Verdict:
    """P15: delivered components are checked each day. One that is down is told and breaks no promise: no uptime is one.

    last: the payload of the newest check. delivered: how many components are to be watched.
    """
    if not delivered:
        return Verdict(Word.NO_EVENT, "no component to watch")
    if last is None or day is None:
        return Verdict(Word.UNKNOWN, "never checked")
    if day < today - timedelta(days=1):
        return Verdict(Word.BROKEN, f"last checked {day}")
    return Verdict(Word.UNKNOWN if last["level"] == "unknown" else Word.KEPT, str(last["summary"]))


def stands(outline: Outline, known: Known, notices: Verdict | None, running: tuple[str, ...], now: datetime,
           patch_every_days: int) -> CustomerStatus:
    """One customer's row. notices: the verdict on them, None for a system that Kamstrup hosts at `now`."""
    today = local_day(now, outline.zone)
    hosting = outline.hosting(today)
    ready = of_both(outline.ready, known.installed, hosted=outline.hosted) or "unknown"
    if notices is not None:
        return CustomerStatus(outline.customer, hosting, ready, NOT_COVERED, NOT_COVERED, NOT_COVERED, NOT_COVERED,
                              notices, NOT_COVERED, running, known.ends)
    if known.ends is not None and today > known.ends:
        left = Verdict(Word.NOT_COVERED, f"the customer has left, its last day was {known.ends}")
        return CustomerStatus(outline.customer, hosting, ready, left, NOT_COVERED, NOT_COVERED, NOT_COVERED,
                              NOT_COVERED, NOT_COVERED, running, known.ends)
    storage, network, tried = known.storage, known.network, known.unmeasured
    backup = backup_verdict(known.days, today, known.owed_since)
    if known.copies:
        backup = replace(backup, detail=f"{backup.detail}; {known.copies}" if backup.detail else known.copies)
    return CustomerStatus(
        outline.customer, hosting, ready, backup,
        upgrade_verdict(known.upgrade) if known.upgrade else platform_verdict(known.patched, now, patch_every_days),
        storage_verdict(storage.payload if storage else None, local_day(storage.at, outline.zone) if storage else None,
                        today, str(tried.payload["summary"]).removeprefix(f"{outline.customer}: ") if tried else "",
                        known.owed_since),
        network_verdict(network.payload if network else None,
                        local_day(network.at, outline.zone) if network else None, today, outline.watched),
        NOT_COVERED, rehearsal_verdict(known.rehearsals) if known.rehearsals else NOT_COVERED, running, known.ends)
