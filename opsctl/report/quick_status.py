"""`opsctl status` of all customers in a fraction of a second: outlines from the cache, the ledger by its own driver.

What it says is what `fleet_status` says, a test compares them; where it cannot say it, it says nothing (None) and the
ordinary way is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from opsctl.contract.records import FACT_KINDS
from opsctl.contract.services import Hosting
from opsctl.core.clock import local_day
from opsctl.core.errors import OpsctlError
from opsctl.core.outcome import OPERATOR
from opsctl.ledger.model import GENERATED
from opsctl.profiles.index import Places, files_key
from opsctl.report.known import known, last_sequences, running_of
from opsctl.report.notice_memory import Memory, changes_after
from opsctl.report.outline import Outline, outlines
from opsctl.report.status import CustomerStatus, Verdict, stands

if TYPE_CHECKING:
    from opsctl.ledger import Entry, Latest
    from opsctl.ledger.quick import QuickLedger
    from opsctl.profiles.model import Profile

NOTICES = ("notice.drafted", "notice.approved", "notice.sending", "notice.accepted", "notice.refused",
           "notice.unknown", "notice.bounced", "notice.reported", "notice.confirmed")
"""As `notices.register.KINDS`, whose module takes long to load; a test compares."""

Judge = Callable[[Sequence[str]], Mapping[str, tuple["Profile", Verdict]]]
"""From customers to their profiles and verdicts on notices, the ordinary way."""


@dataclass(frozen=True)
class Quick:
    """rows: one per customer. broken: profiles that cannot be read, by customer. generated: the ledger's history is."""

    rows: tuple[CustomerStatus, ...]
    broken: Mapping[str, OpsctlError]
    generated: bool


class _Reads:
    """A quick ledger with the face of an ordinary one, as far as a status reads it."""

    def __init__(self, ledger: QuickLedger) -> None:
        self._ledger = ledger

    def newest(self, topics: Collection[str]) -> list[Latest]:
        return self._ledger.newest(topics)

    def entries(self, chain: str | None = None, kinds: Collection[str] | None = None, since: datetime | None = None,
                until: datetime | None = None, newest_first: bool = False,
                limit: int | None = None) -> Iterator[Entry]:
        return self._ledger.selected(chain or "", kinds, since, until, (newest_first, limit))


def quick_status(url: str, where: Places, now: datetime, judge: Judge) -> Quick | None:
    """All customers' rows at `now`, which is the present; None when the ledger cannot be read this way."""
    from opsctl.ledger.quick import QuickFailed, quick

    found, broken = outlines(where.inventories)
    try:
        with quick(url) as ledger:
            evidence = known(_Reads(ledger), found, now)
            topics = ledger.newest((*NOTICES, *FACT_KINDS))
            running = running_of(ledger.running())
            generated = any(row.chain == OPERATOR for row in ledger.newest([GENERATED]))
    except QuickFailed:
        return None
    if any(row.recorded_at >= now for row in topics):
        return None
    own = [one for one in found if one.hosting(local_day(now, one.zone)) is Hosting.CUSTOMER]
    notices = _notices(own, topics, where, now, judge)
    return Quick(tuple(stands(one, evidence[one.customer], notices.get(one.customer), running.get(one.customer, ()),
                              now, where.patch_every_days) for one in found), broken, generated)


def _notices(own: Sequence[Outline], topics: Sequence[Latest], where: Places, now: datetime,
             judge: Judge) -> Mapping[str, Verdict]:
    """The verdicts on notices, remembered where nothing has changed that they rest on."""
    last, facts = last_sequences(topics), {row.chain for row in topics if row.topic in FACT_KINDS}
    memory = Memory.load(files_key(where.releases))
    days = {one.customer: local_day(now, one.zone) for one in own}
    found = {one.customer: memory.recall(one.customer, one.key, last.get(one.customer, ""), days[one.customer])
             for one in own}
    missing = {one.customer: memory.key(one.key, last.get(one.customer, "")) for one in own
               if found[one.customer] is None}
    if missing:
        for customer, (profile, verdict) in judge(tuple(missing)).items():
            until = changes_after(profile, days[customer], recorded=customer in facts)
            found[customer] = memory.learn(customer, missing[customer], (days[customer], until), verdict)
    memory.store()
    return {customer: verdict for customer, verdict in found.items() if verdict is not None}
