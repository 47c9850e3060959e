"""Rehearsals in the night: each database whose backup is due to be restored for the exercise."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from opsctl.adapters.secrets import resolve
from opsctl.backup.rehearsals import RehearsalState
from opsctl.backup.rehearse import rehearsals, rehearse
from opsctl.contract.services import Service
from opsctl.core.outcome import Outcome, Status
from opsctl.fleet.failures import guarded
from opsctl.profiles.hosted import Rehearsal
from opsctl.profiles.model import KamstrupProfile
from opsctl.runs.workplace import Workplace


def rehearse_due(workplace: Workplace, profile: KamstrupProfile) -> Iterator[Outcome]:
    """A row per database that is due. Without an identity in the profile that is a warning: nobody restored it."""
    ready = profile.backup.rehearsal
    for one in rehearsals(workplace, profile):
        if not one.due:
            continue
        if ready is None:
            yield Outcome(profile.customer, Service.BACKUP, Status.WARNING, f"{one.database}: rehearsal "
                          f"{one.state.value}: {one.detail}", "name `backup.rehearsal.identity` in the profile, or run "
                          f"`opsctl backup rehearse {profile.customer} --identity file:/path`")
        else:
            yield guarded(profile.customer, Service.BACKUP, partial(_rehearse, workplace, profile, one, ready))


def _rehearse(workplace: Workplace, profile: KamstrupProfile, one: RehearsalState, ready: Rehearsal) -> Outcome:
    return rehearse(workplace, profile, identity=resolve(ready.identity), host=ready.host or "", database=one.database)
