"""`opsctl notice draft`: which notices to draft for which customers."""

from __future__ import annotations

from pathlib import Path

from opsctl.cli.each import for_each
from opsctl.cli.workplace import Selection
from opsctl.contract.services import Service
from opsctl.core.errors import UsageError
from opsctl.core.outcome import Outcome, Status
from opsctl.fleet.drafts import due_drafts
from opsctl.notices import by_hand
from opsctl.notices.kinds import RULES
from opsctl.notices.model import NoticeKind
from opsctl.notices.service import draft, draft_written
from opsctl.releases.catalogue import load
from opsctl.runs.workplace import Workplace

_OF_A_RELEASE = frozenset({NoticeKind.UPDATE, NoticeKind.MAJOR, NoticeKind.SECURITY})
_OF_AN_INSTALLATION = frozenset({NoticeKind.PLANNED, NoticeKind.DONE})
"""Drafted from the ledger's evidence, and from a file where people installed."""
_STANDS = frozenset({Status.DONE, Status.UNCHANGED})


def drafted(place: Workplace, selection: Selection, name: str | None) -> tuple[Outcome, ...]:
    """What is due by release files, profiles and the ledger; of one kind when it is named."""
    kind = _kind(name) if name is not None else None
    if kind is not None and RULES[kind].by_hand and kind not in _OF_AN_INSTALLATION:
        raise UsageError(f"a notice of kind {kind.value} needs its facts",
                         "write them into a file and give it by --file; see docs/notices.md")
    releases = load(place.settings.releases)
    outcomes: list[Outcome] = []
    if kind is None or kind in _OF_A_RELEASE:
        outcomes += for_each(selection, Service.SOFTWARE_UPDATE_MINOR,
                             lambda profile: draft(place, profile, releases=releases))
    for profile in selection.profiles:
        found = list(due_drafts(place, profile, releases, kind.value if kind else ""))
        if not found and kind is not None and kind not in _OF_A_RELEASE:
            found = [Outcome(profile.customer, RULES[kind].service, Status.UNCHANGED,
                             f"no notice of kind {kind.value} is due")]
        if any(one.status in _STANDS for one in found):
            # That the release itself is work and no notice goes without saying beside the message about the work.
            outcomes = [one for one in outcomes if one.customer != profile.customer
                        or one.status is not Status.NOT_COVERED]
        outcomes += found
    return tuple(outcomes)


def drafted_from(place: Workplace, selection: Selection, name: str | None, file: Path) -> tuple[Outcome, ...]:
    """One notice from the facts in `file`, for each customer."""
    if name is None:
        raise UsageError("--file needs --kind", f"write one of {', '.join(_kinds(by_hand_alone=True))}")
    kind = _kind(name)
    source = by_hand.read(file, kind)
    releases = load(place.settings.releases)
    return for_each(selection, RULES[kind].service,
                    lambda profile: draft_written(place, profile, kind, source, releases=releases))


def _kind(name: str) -> NoticeKind:
    if name not in _kinds():
        raise UsageError(f"--kind {name[:40]!r} is no kind of notice", f"write one of {', '.join(_kinds())}")
    return NoticeKind(name)


def _kinds(*, by_hand_alone: bool = False) -> list[str]:
    return [kind.value for kind, rule in RULES.items() if rule.by_hand or not by_hand_alone]
