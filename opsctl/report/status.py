"""How each customer stands, from the ledger: pure judgement of recorded facts.

Verdict words: kept, broken, not due, no event, not covered, unknown. Missing data is unknown, never kept.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from opsctl.backup.rehearsals import Rehearsal, RehearsalState
from opsctl.notices import register
from opsctl.notices.register import Revision
from opsctl.promises.model import Word
from opsctl.promises.monthly import cadence


@dataclass(frozen=True)
class Verdict:
    """One word and what it rests on."""

    word: Word
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.word.value}: {self.detail}" if self.detail else self.word.value


@dataclass(frozen=True)
class CustomerStatus:
    """One customer's row. running: runs that began and have not ended."""

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

    @property
    def verdicts(self) -> Mapping[str, Verdict]:
        """The verdicts by name."""
        return {"backup": self.backup, "platform": self.platform, "storage": self.storage,
                "network": self.network, "notices": self.notices, "rehearsal": self.rehearsal}


NOT_COVERED = Verdict(Word.NOT_COVERED)


def backup_verdict(days: Collection[date], today: date, since: date | None = None) -> Verdict:
    """P16: a good backup per local day. Today's may still come; yesterday's may not.

    since: the first local day on which one was owed and recorded; None when the ledger knows nothing yet.
    """
    yesterday = today - timedelta(days=1)
    if today in days:
        return Verdict(Word.KEPT, "today")
    if yesterday in days:
        return Verdict(Word.NOT_DUE, "today's is still to come")
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


def platform_verdict(last: datetime | None, now: datetime, every_days: int) -> Verdict:
    """P10 by the operator's own cadence, which the sheet leaves open."""
    if last is None:
        return Verdict(Word.UNKNOWN, "no patch run recorded")
    return Verdict(*cadence(last, now, every_days))


def storage_verdict(last: Mapping[str, Any] | None, day: date | None, today: date) -> Verdict:
    """P19: measured each day and below the limits. last: the payload of the newest storage run."""
    if last is None or day is None:
        return Verdict(Word.UNKNOWN, "never measured")
    if day < today - timedelta(days=1):
        return Verdict(Word.BROKEN, f"last measured {day}")
    if last["status"] in {"check failed", "failed"}:
        return Verdict(Word.BROKEN, str(last["summary"]))
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


def notice_verdict(target: str | None, nothing: str, drafts: Sequence[Revision]) -> Verdict:
    """P22, P23: was every contact told of the release to be told of? target: it, or None with the reason `nothing`.

    drafts: the customer's notices, in the order of drafting; a revision that reached everybody is enough.
    """
    if target is None:
        return Verdict(Word.NO_EVENT, nothing)
    about = [draft for draft in drafts if draft.release == target]
    if not about:
        return Verdict(Word.UNKNOWN, f"no draft for {target}")
    told = [draft for draft in about if draft.contacts and draft.count(register.ACCEPTED) == len(draft.contacts)]
    if told:
        last = max(attempt.at for attempt in told[0].attempts.values())
        return Verdict(Word.KEPT, f"{target} told {last:%Y-%m-%d}")
    return _on_the_way(about[-1], target)


_DRAFTED = "drafted, to be approved and sent"


def _on_the_way(draft: Revision, target: str) -> Verdict:
    lost = [kind for kind in (register.BOUNCED, register.REFUSED) if draft.count(kind)]
    if lost:
        words = ", ".join(f"{kind.removeprefix('notice.')} for {draft.count(kind)}" for kind in lost)
        return Verdict(Word.BROKEN, f"{target} {words} of {len(draft.contacts)}")
    if draft.count(register.UNKNOWN) or draft.count(register.SENDING):
        return Verdict(Word.UNKNOWN, f"{target} sent, and the outcome is unknown")
    if draft.attempts:
        return Verdict(Word.NOT_DUE, f"{target} told to {draft.count(register.ACCEPTED)} of {len(draft.contacts)}")
    return Verdict(Word.NOT_DUE, f"{target} {'approved, to be sent' if draft.approval else _DRAFTED}")
