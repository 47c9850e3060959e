"""The services' use cases put together for the nightly run."""

from __future__ import annotations

from datetime import timedelta

from opsctl.backup.copying import copy_missing
from opsctl.backup.presence import still_stored
from opsctl.backup.prune import prune
from opsctl.contract.terms import AgreementState
from opsctl.core.outcome import Outcome
from opsctl.fleet.backup_run import back_up
from opsctl.fleet.drafts import due_drafts
from opsctl.fleet.exercising import rehearse_due
from opsctl.fleet.hosted_night import Rooms
from opsctl.fleet.install_due import install_due
from opsctl.fleet.installing import put_right
from opsctl.fleet.rings import Rings
from opsctl.fleet.starting import require_window
from opsctl.maintenance.service import apply
from opsctl.network.service import check as check_network
from opsctl.notices.service import draft
from opsctl.profiles.model import CustomerProfile, KamstrupProfile, terms_at
from opsctl.releases.catalogue import Catalogue
from opsctl.runs.workplace import Workplace
from opsctl.storage.service import check


def rooms() -> Rooms:
    """The real services."""
    return Rooms(check_storage=check, check_network=check_network, back_up=back_up, prune=_prune, patch=_patch,
                 draft=_draft, stored=still_stored,
                 install=_install, put_right=put_right, copy=_copy, rehearse=rehearse_due,
                 draft_due=due_drafts)


def _copy(workplace: Workplace, profile: KamstrupProfile) -> Outcome:
    return copy_missing(workplace, profile)


def _prune(workplace: Workplace, profile: KamstrupProfile) -> Outcome:
    return prune(workplace, profile, dry_run=False)


def _patch(workplace: Workplace, profile: KamstrupProfile) -> Outcome:
    """All updates under a valid agreement; once it has ended, security fixes alone (P05)."""
    now = workplace.clock.now()
    valid = terms_at(profile, now).agreement_state(now) is AgreementState.VALID
    length = timedelta(minutes=workplace.settings.policy.patch_minutes)
    return apply(workplace, profile, security_only=not valid,
                 may_start=lambda: require_window(workplace, profile, "patch apply", length))


def _install(workplace: Workplace, profile: KamstrupProfile, releases: Catalogue, patched: bool,
             rings: Rings) -> Outcome:
    return install_due(workplace, profile, releases, back_up, patched=patched, rings=rings)


def _draft(workplace: Workplace, profile: CustomerProfile, releases: Catalogue) -> Outcome:
    return draft(workplace, profile, releases=releases)
