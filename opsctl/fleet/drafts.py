"""The notices that are due for a customer besides the release notice, each a row of its own."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from opsctl.contract.services import Service
from opsctl.core.outcome import Outcome, Status
from opsctl.fleet.failures import guarded
from opsctl.fleet.informing import after, before
from opsctl.notices.model import NoticeKind
from opsctl.notices.planning import NoticePlan
from opsctl.notices.service import draft_plan, due_plans
from opsctl.profiles.model import KamstrupProfile, Profile
from opsctl.releases.catalogue import Catalogue
from opsctl.runs.workplace import Workplace


def due_drafts(workplace: Workplace, profile: Profile, releases: Catalogue, kind: str = "") -> Iterator[Outcome]:
    """What is due by release files, profile and ledger, and what goes with an install (P49): what was installed is
    told everywhere, what will be only where nobody has to agree to it."""
    if kind in {"", NoticeKind.DONE.value}:
        yield from after(workplace, profile, releases)
    if kind in {"", NoticeKind.PLANNED.value} and isinstance(profile, KamstrupProfile):
        yield from before(workplace, profile, releases)
    yield from draft_due(workplace, profile, releases, kind)


def draft_due(workplace: Workplace, profile: Profile, releases: Catalogue, kind: str = "") -> Iterator[Outcome]:
    """Draft what is due; one that fails stops no other. kind: only that kind."""
    found: list[NoticePlan] = []

    def look() -> Outcome:
        found.extend(due_plans(workplace, profile, releases))
        return Outcome(profile.customer, Service.SOFTWARE_UPDATE_MINOR, Status.SKIPPED, "")

    looked = guarded(profile.customer, Service.SOFTWARE_UPDATE_MINOR, look)
    if looked.status is not Status.SKIPPED:
        yield looked
    for planned in found:
        if planned.facts is not None and kind in {"", planned.facts.kind.value}:
            yield guarded(profile.customer, planned.service,
                          partial(draft_plan, workplace, profile, planned, releases=releases))
