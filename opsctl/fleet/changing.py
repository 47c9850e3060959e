"""The changes that are rolled out, by the words of their commands: what one customer's turn is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from opsctl.contract.gate import Request
from opsctl.contract.services import Service
from opsctl.core.clock import iso
from opsctl.core.errors import NotCovered, OperationFailed
from opsctl.core.outcome import Outcome, Status
from opsctl.fleet.backing import backed_up, last_good_backup, young
from opsctl.fleet.backup_run import back_up
from opsctl.fleet.estimates import estimate
from opsctl.fleet.installing import install_release
from opsctl.fleet.remote import require_reversible, require_time, require_workable
from opsctl.fleet.starting import require_resolved, require_whole, require_window
from opsctl.installs.model import ReleasePlan
from opsctl.installs.service import request as release_request
from opsctl.maintenance.model import PatchPlan
from opsctl.maintenance.service import apply, plan
from opsctl.maintenance.service import request as patch_request
from opsctl.profiles.model import KamstrupProfile, Profile
from opsctl.profiles.settings import Unbacked
from opsctl.releases.catalogue import load
from opsctl.releases.version import Step, Version
from opsctl.runs.approval import require_approved
from opsctl.runs.workplace import Workplace

PATCH = "patch apply"
RELEASE = "release install"
SERVICES: Mapping[str, Service] = {PATCH: Service.IT_SYSTEM_MAINTENANCE, RELEASE: Service.SOFTWARE_UPDATE_MINOR}


def patch(workplace: Workplace, profile: Profile, options: Mapping[str, Any],
          approved: PatchPlan | None = None) -> Outcome:
    """One customer's patches. options: security_only, reboot; named: the customer was, which its own hosts need."""
    request = patch_request(options["security_only"])
    require_workable(workplace, profile, request, named=options.get("named", False))
    require_resolved(workplace, profile.customer)
    require_whole(workplace, profile.customer)
    minutes = timedelta(minutes=workplace.settings.policy.patch_minutes)

    def may_start() -> None:
        require_window(workplace, profile, PATCH, minutes)
        require_time(workplace, profile, request, estimate(workplace, profile, PATCH, minutes))

    may_start()
    old = _backing(workplace, profile, options["security_only"], approved)
    # A backup takes its time.
    may_start()

    def ready() -> None:
        if old is None:
            raise OperationFailed(f"{profile.customer}: there is something to patch now that a moment ago was not, and "
                                  "no backup was taken, so nothing is patched", "run it again")

    found = apply(workplace, profile, plan=approved, security_only=options["security_only"], reboot=options["reboot"],
                  may_start=may_start, ready=ready)
    return found if found.status is Status.UNCHANGED else replace(found, warnings=(*(old or ()), *found.warnings))


def _backing(workplace: Workplace, profile: Profile, security_only: bool, approved: PatchPlan | None
             ) -> tuple[str, ...] | None:
    """A backup young enough to go back to, as the policy asks; its warnings. None: none was taken, for nothing would
    be patched.

    Where there is none, one is taken before anything that there is to patch, or OperationFailed refuses it. A
    customer whose backup the contract does not cover (any more) is patched without, and that is told.
    """
    if not isinstance(profile, KamstrupProfile):
        return ()
    policy = workplace.settings.policy.patch_unbacked
    last = last_good_backup(workplace, profile, ask_store=policy is Unbacked.BACK_UP)
    if young(workplace, last):
        return ()
    what = "there is no good backup" if last is None else f"the last good backup is of {iso(last)}"
    if policy is Unbacked.REFUSE:
        raise OperationFailed(f"{profile.customer}: {what}, so nothing is patched",
                              f"`opsctl backup run {profile.customer}` takes one")
    if policy is Unbacked.BACK_UP:
        ahead = plan(workplace, [profile], security_only=security_only)[0]
        if ahead.nothing_to_do or ahead.problems or (approved is not None and approved.hash != ahead.hash):
            # Patching itself says so; a backup would be for nothing.
            return None
        require_approved(workplace, profile.customer, ahead.hash, profile.approvals.patch)
        try:
            return backed_up(workplace, profile, back_up, "patching")
        except NotCovered as refused:
            what = f"{what}, and {refused.message}"
    return (f"{what}: patched all the same; `policy.patch_unbacked: refuse` forbids that",)


def install(workplace: Workplace, profile: Profile, options: Mapping[str, Any],
            approved: ReleasePlan | None = None) -> Outcome:
    """One customer's release. options: version, "" for the newest it is entitled to; named, as in `patch`."""
    require_workable(workplace, profile, release_request(Step.PATCH), named=options.get("named", False))
    require_reversible(profile)
    target = Version.parse(options["version"]) if options["version"] else None
    return install_release(workplace, profile, load(workplace.settings.releases), back_up, target=target,
                           approved=approved)


REQUESTS: Mapping[str, Callable[[Mapping[str, Any]], Request]] = {
    PATCH: lambda options: patch_request(options["security_only"]),
    RELEASE: lambda options: release_request(Step.PATCH)}
"""What each asks of the gate, by its options."""
CHANGES: Mapping[str, Callable[[Workplace, Profile, Mapping[str, Any]], Outcome]] = {PATCH: patch, RELEASE: install}
"""By the operation's words, as a rollout records them."""
