"""Which of a customer's notices still count, and which of them can be sent. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from opsctl.core.clock import iso
from opsctl.notices import register
from opsctl.notices.model import NoticeKind
from opsctl.notices.register import Revision
from opsctl.releases.version import Version

OF_A_RELEASE = frozenset({NoticeKind.UPDATE, NoticeKind.MAJOR, NoticeKind.SECURITY})
"""Kinds of which only the last one counts: it is cumulative. Where majors are left out, there can be two."""
OF_AN_END = frozenset({NoticeKind.END_OF_SUPPORT, NoticeKind.LICENCE_EXPIRY})
"""Kinds that remind of one end again and again; the last reminder counts."""


def current(drafts: Sequence[Revision], installed: Version | None, at: datetime | None = None,
            beside: Collection[str] = ()) -> tuple[Revision, ...]:
    """The newest revision of each notice, without those that a later notice, the customer or the time has overtaken.

    drafts: in the order of drafting. installed: a notice of a release that the customer has by now is overtaken, and
    so is the end of support of one that it has no more. at: what announces something that
    has ended by then is overtaken. beside: see `planning.beside_a_major`.
    """
    newest = {draft.notice: draft for draft in drafts}
    return tuple(draft for draft in newest.values()
                 if not _is_followed(draft, drafts, installed, beside) and not _has_passed(draft, installed)
                 and overtaken(draft, drafts, at) == "")


def overtaken(draft: Revision, drafts: Sequence[Revision], at: datetime | None) -> str:
    """Why an announcement is of no use any more; empty when it is, and for what announces nothing."""
    if draft.until is None:
        return ""
    if at is not None and draft.until <= at:
        return f"what it announces was to end at {iso(draft.until)}"
    later = drafts[drafts.index(draft) + 1:] if draft.kind is NoticeKind.PLANNED else ()
    ended = next((one for one in later if one.notice == f"{NoticeKind.DONE.value}-{draft.release}"), None)
    return f"{ended.notice} revision {ended.number} tells how it ended" if ended else ""


def _is_followed(draft: Revision, drafts: Sequence[Revision], installed: Version | None, beside: Collection[str]
                 ) -> bool:
    """Whether another notice of its series was drafted after it, and does not stand beside it."""
    later = drafts[drafts.index(draft) + 1:]
    return any(_series(one) == _series(draft) and one.notice != draft.notice
               and not _stand_beside(one, draft, installed, beside) for one in later)


def _stand_beside(one: Revision, other: Revision, installed: Version | None, beside: Collection[str]) -> bool:
    """Whether one of them is within the installed major version, and the other tells what only a later major closes."""
    if installed is None or not {one.kind, other.kind} <= OF_A_RELEASE:
        return False
    low, high = sorted((one, other), key=lambda draft: Version.parse(draft.release).major)
    return (Version.parse(low.release).major == installed.major < Version.parse(high.release).major
            and _prefix(high) == "security" and _prefix(low) in beside)


def _prefix(draft: Revision) -> str:
    return draft.notice.partition("-")[0]


def _series(draft: Revision) -> str:
    """Notices of one series follow each other: release notices, and the reminders of one end, `.d90` before `.d30`."""
    if draft.kind in OF_A_RELEASE:
        return "release"
    return draft.notice.rpartition(".d")[0] if draft.kind in OF_AN_END else draft.notice


def _has_passed(draft: Revision, installed: Version | None) -> bool:
    if installed is None:
        return False
    if draft.kind in OF_A_RELEASE:
        return Version.parse(draft.release) <= installed
    return draft.kind is NoticeKind.END_OF_SUPPORT and Version.parse(draft.release) != installed


def to_send(drafts: Sequence[Revision], installed: Version | None, at: datetime | None = None,
            beside: Collection[str] = ()) -> tuple[str, ...]:
    """The notices to look at when no notice is named: those that are approved and have not reached everybody.

    When there is none, the one approved last, which then is sent already; when nothing is approved, the newest.
    """
    counting = current(drafts, installed, at, beside)
    approved = [draft for draft in counting if draft.approval is not None]
    open_ones = tuple(draft.notice for draft in approved if draft.count(register.ACCEPTED) < len(draft.contacts))
    return open_ones or tuple(draft.notice for draft in (approved or counting or drafts)[-1:])
