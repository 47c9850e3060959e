"""The status of many customers: profiles and evidence read, judged by `report.status`, in a few queries over all."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from opsctl.contract.services import Hosting
from opsctl.core.clock import local_day
from opsctl.core.errors import OpsctlError
from opsctl.notices.planning import plan
from opsctl.notices.register import KINDS, revisions
from opsctl.profiles.model import Profile
from opsctl.promises.model import Word
from opsctl.releases.catalogue import Catalogue
from opsctl.report.known import known, running_of
from opsctl.report.notice_status import notice_verdict
from opsctl.report.outline import outline_of
from opsctl.report.status import CustomerStatus, Verdict, stands
from opsctl.runs.installed import as_installed
from opsctl.runs.service import gate
from opsctl.runs.workplace import Workplace


def fleet_status(workplace: Workplace, profiles: Sequence[Profile], releases: Catalogue | OpsctlError,
                 now: datetime) -> tuple[CustomerStatus, ...]:
    """One row per customer, in the order given: as the contract and the ledger stood at `now`.

    releases: the catalogue, or why it cannot be read.
    """
    outlines = [outline_of(profile) for profile in profiles]
    evidence = known(workplace.ledger, outlines, now)
    running = running_of((lease.name, lease.owner) for lease in workplace.ledger.leases() if not lease.expired)
    every = workplace.settings.policy.patch_every_days
    found = []
    for profile, outline in zip(profiles, outlines, strict=True):
        own = outline.hosting(local_day(now, outline.zone)) is Hosting.CUSTOMER
        notices = notice_standing(workplace, profile, releases, now) if own else None
        found.append(stands(outline, evidence[outline.customer], notices, running.get(outline.customer, ()), now,
                            every))
    return tuple(found)


def notice_standing(workplace: Workplace, profile: Profile, releases: Catalogue | OpsctlError,
                    now: datetime) -> Verdict:
    """Whether the customer was told of the release to be told of."""
    try:
        if isinstance(releases, OpsctlError):
            raise releases
        found = plan(as_installed(workplace, profile, now), releases, now)
        decision = gate(profile, found.request, now, workplace.ledger)
    except OpsctlError as error:
        return Verdict(Word.UNKNOWN, error.message)
    if not decision.allowed:
        return Verdict(Word.NOT_COVERED, decision.reason)
    drafts = revisions(workplace.ledger.entries(profile.customer, kinds=KINDS, until=now))
    return notice_verdict(found.facts.release if found.facts else None, found.reason, drafts)

