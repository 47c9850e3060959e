"""Switching a module of READY with what belongs around it: the window, and no failure left open."""

from __future__ import annotations

from datetime import timedelta

from opsctl.core.outcome import Outcome
from opsctl.fleet.starting import require_resolved, require_whole, require_window
from opsctl.installs.modules import DISABLE, ENABLE, switch
from opsctl.profiles.model import KamstrupProfile
from opsctl.releases.catalogue import Catalogue
from opsctl.runs.workplace import Workplace

MINUTES = timedelta(minutes=5)
"""What switching takes where no earlier run says it: READY is restarted."""


def switch_module(workplace: Workplace, profile: KamstrupProfile, releases: Catalogue, name: str,
                  on: bool) -> Outcome:
    """Switch it in an open window; OperationFailed while an earlier failure is not resolved, an upgrade unfinished."""
    require_whole(workplace, profile.customer)
    require_resolved(workplace, profile.customer)
    return switch(workplace, profile, releases, name, on, lambda: require_window(
        workplace, profile, ENABLE if on else DISABLE, MINUTES))
