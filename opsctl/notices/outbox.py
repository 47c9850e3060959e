"""Which of a customer's notices still count, and which of them can be sent. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from opsctl.notices import register
from opsctl.notices.model import NoticeKind
from opsctl.notices.register import Revision
from opsctl.releases.version import Version

OF_A_RELEASE = frozenset({NoticeKind.UPDATE, NoticeKind.MAJOR, NoticeKind.SECURITY})
"""Kinds of which only the last one counts: it is cumulative."""


def current(drafts: Sequence[Revision], installed: Version | None) -> tuple[Revision, ...]:
    """The newest revision of each notice, without those that a later release notice or the customer has overtaken.

    drafts: in the order of drafting. installed: a notice of a release that the customer has by now is overtaken.
    """
    newest = {draft.notice: draft for draft in drafts}
    releases = [draft for draft in drafts if draft.kind in OF_A_RELEASE]
    last = releases[-1].notice if releases else ""
    return tuple(draft for draft in newest.values() if draft.kind not in OF_A_RELEASE
                 or (draft.notice == last and (installed is None or Version.parse(draft.release) > installed)))


def to_send(drafts: Sequence[Revision], installed: Version | None) -> tuple[str, ...]:
    """The notices to look at when no notice is named: those that are approved and have not reached everybody.

    When there is none, the one approved last, which then is sent already; when nothing is approved, the newest.
    """
    counting = current(drafts, installed)
    approved = [draft for draft in counting if draft.approval is not None]
    open_ones = tuple(draft.notice for draft in approved if draft.count(register.ACCEPTED) < len(draft.contacts))
    return open_ones or tuple(draft.notice for draft in (approved or counting or drafts)[-1:])
