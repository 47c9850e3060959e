"""The register's inputs from a workplace: the ledger, the release files, the support calendar."""

from __future__ import annotations

from datetime import datetime

from opsctl.core.errors import OpsctlError
from opsctl.profiles.model import Profile
from opsctl.promises.evidence import read
from opsctl.promises.month import Month
from opsctl.promises.view import View
from opsctl.releases.catalogue import Catalogue, load
from opsctl.runs.workplace import Workplace
from opsctl.support import calendars

CALENDAR = "dk-public"


def view_of(workplace: Workplace, profile: Profile, month: Month, now: datetime) -> View:
    """One customer's month as the ledger has it at `now`. Release files that cannot be read make no exception."""
    try:
        releases: Catalogue | None = load(workplace.settings.releases)
    except OpsctlError:
        releases = None
    return View(profile, month, read(workplace.ledger, profile.customer, now), now, releases,
                calendars.load(CALENDAR), workplace.settings.policy.patch_every_days)
