"""Who was told of the release to be told of: pure judgement of what the ledger says of notices (P22, P23)."""

from __future__ import annotations

from collections.abc import Sequence

from opsctl.notices import register
from opsctl.notices.register import Revision
from opsctl.promises.model import Word
from opsctl.report.status import Verdict


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
