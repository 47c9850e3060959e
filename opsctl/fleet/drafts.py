"""The notices that are due for a customer besides the release notice, each a row of its own."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from opsctl.contract.services import Service
from opsctl.core.errors import OpsctlError
from opsctl.core.outcome import Outcome
from opsctl.fleet.failures import failed, guarded
from opsctl.notices.service import draft_plan, due_plans
from opsctl.profiles.model import Profile
from opsctl.releases.catalogue import Catalogue
from opsctl.runs.workplace import Workplace


def draft_due(workplace: Workplace, profile: Profile, releases: Catalogue, kind: str = "") -> Iterator[Outcome]:
    """Draft what is due; one that fails stops no other. kind: only that kind."""
    try:
        found = due_plans(workplace, profile, releases)
    except OpsctlError as error:
        yield failed(profile.customer, Service.SOFTWARE_UPDATE_MINOR, error)
        return
    for planned in found:
        if planned.facts is not None and kind in {"", planned.facts.kind.value}:
            yield guarded(profile.customer, planned.service,
                          partial(draft_plan, workplace, profile, planned, releases=releases))
