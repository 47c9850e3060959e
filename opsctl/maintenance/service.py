"""Plan and apply patches (P10, P21): gate, lease, plan again, one host after the other, proof, evidence."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from opsctl.contract.gate import Delivery, Purpose, Request
from opsctl.contract.services import Service
from opsctl.core.errors import ApprovalMissing, OperationFailed, OutsideWindow, UsageError
from opsctl.core.outcome import Outcome, Status
from opsctl.maintenance.evidence import FAILED, Evidence
from opsctl.maintenance.model import PatchPlan, differences
from opsctl.maintenance.planning import plan_of
from opsctl.maintenance.recovery import settle
from opsctl.profiles.model import Profile
from opsctl.runs.approval import require_approved
from opsctl.runs.playbook import play, survey, targets_of
from opsctl.runs.service import Run, gate, perform
from opsctl.runs.silencing import silenced
from opsctl.runs.workplace import Workplace

if TYPE_CHECKING:
    from opsctl.adapters.ansible_events import HostResult

MayStart = Callable[[], None]


def request(security_only: bool) -> Request:
    """What patching asks of the gate: security fixes go on after the agreement has ended (P05)."""
    return Request(Service.IT_SYSTEM_MAINTENANCE, Purpose.PROTECT if security_only else Purpose.NEW_VALUE,
                   Delivery.WORK)


def plan(workplace: Workplace, profiles: Sequence[Profile], *,
         security_only: bool = False) -> tuple[PatchPlan, ...]:
    """The plans of the customers, in order, from one run over all their hosts; nothing is installed.

    A host that could not be read is a problem of its own customer's plan. NotCovered when the contract of
    one customer does not cover it; OperationFailed when no host at all could be reached.
    """
    from opsctl.adapters.ansible_catalogue import PATCH_APPLY, PATCH_PLAN, revision

    now = workplace.clock.now()
    for profile in profiles:
        gate(profile, request(security_only), now, workplace.ledger).require(profile.customer)
    found = survey(workplace, profiles, PATCH_PLAN, {"patch_plan_security_only": security_only})
    acting = revision(workplace.settings.playbooks, PATCH_APPLY.playbook)
    return tuple(plan_of(profile, _by_host(profile, found.hosts.values()), acting, now, security_only=security_only)
                 for profile in profiles)


def apply(workplace: Workplace, profile: Profile, *, plan: PatchPlan | None = None,
          security_only: bool = False, reboot: bool = True, may_start: MayStart = lambda: None,
          ready: MayStart = lambda: None) -> Outcome:
    """Patch the customer's hosts one after the other, databases first; stop at the first that fails.

    plan: the approved one; it is made again and must match, else the outcome is ApprovalMissing (exit 6)
    with the differences; so it is without the approval that the profile asks for. Nothing to do gives
    `unchanged`. reboot: whether the hosts may be rebooted for which the plan names it; no other is. may_start: raises
    OutsideWindow, asked before each host. ready: asked once, before the first. Whatever they raise before the first
    host, nothing was touched. Each host leaves a `patch.applied` entry.
    """
    if plan is not None and (plan.customer, plan.security_only) != (profile.customer, security_only):
        raise UsageError(f"{profile.customer}: the plan is for {plan.customer}, "
                         f"{'security fixes only' if plan.security_only else 'all updates'}",
                         "make a plan for this customer and this choice")
    return perform(workplace, profile, request(security_only), "patch apply",
                   partial(_apply, profile=profile, approved=plan, security_only=security_only, reboot=reboot,
                           may_start=may_start, ready=ready))


def _apply(run: Run, *, profile: Profile, approved: PatchPlan | None, security_only: bool,
           reboot: bool, may_start: MayStart, ready: MayStart) -> Outcome:
    settle(run, profile)
    fresh = plan(run.workplace, [profile], security_only=security_only)[0]
    if approved is not None and approved.hash != fresh.hash:
        raise ApprovalMissing(f"{profile.customer}: the plan of today is not the approved one",
                              "see what changed, make a new plan and have it approved", differences(approved, fresh))
    if fresh.problems:
        raise OperationFailed(f"{profile.customer}: not every host can be patched, so none was touched",
                              "put it right and plan again", fresh.problems)
    if fresh.nothing_to_do:
        names = ", ".join(host.host for host in fresh.hosts)
        return Outcome(run.customer, run.request.service, Status.UNCHANGED, f"nothing to patch on {names}",
                       warnings=_warnings(fresh), data={"plan": fresh.hash, "hosts": fresh.document()["hosts"]})
    require_approved(run.workplace, profile.customer, fresh.hash, profile.approvals.patch)
    ready()
    # Whatever dead runs left, and the plan, took their time.
    may_start()
    return _work(run, profile, fresh, reboot, may_start)


def _work(run: Run, profile: Profile, fresh: PatchPlan, reboot: bool, may_start: MayStart) -> Outcome:
    from opsctl.adapters.ansible_catalogue import PATCH_APPLY

    # What asks for a reboot and is not in the plan is left, and is in the next one.
    busy: dict[str, dict[str, Any]] = {host.host: {
        "platform_patch_packages": [{"name": package.name, "to": package.offered} for package in host.packages],
        "platform_patch_reboot": reboot and bool(host.reboot_by)}
        for host in fresh.hosts if not host.nothing_to_do}
    targets = targets_of(run.workplace, profile, busy, only=busy)
    evidence = Evidence(run, fresh, [target.host.name for target in targets])
    variables: dict[str, Any] = {"platform_patch_planned": True,
                                 "platform_patch_reboot_seconds": run.workplace.settings.policy.reboot_seconds}
    with silenced(run, list(busy)) as unsilenced:
        try:
            for target in targets:
                if evidence.entries and not _goes_on(evidence, may_start):
                    break
                run.say(f"{target.host.name}: host {len(evidence.entries) + 1} of {len(targets)}")
                evidence.begin(target.host.name)
                result = play(run, [target], PATCH_APPLY, variables, partly=True,
                              on_data=lambda target, data: evidence.take(target.host.name, data))
                evidence.finish(_by_host(profile, result.hosts.values()))
        finally:
            # Whatever ended the run early: each planned host has its entry, also those it never came to.
            evidence.close()
    return evidence.outcome((*_warnings(fresh), *unsilenced))


def _goes_on(evidence: Evidence, may_start: MayStart) -> bool:
    """Whether the next host gets its turn: those before went well, and the window still has time."""
    failed = [host for host, entry in evidence.entries.items() if entry["result"] == FAILED]
    if failed:
        evidence.leave(f"{', '.join(failed)} failed before it")
        return False
    try:
        may_start()
    except OutsideWindow as closed:
        evidence.leave(closed.message, window=True)
        return False
    return True


def _by_host(profile: Profile, results: Any) -> Mapping[str, HostResult]:
    return {result.target.host.name: result for result in results if result.target.customer == profile.customer}


def _warnings(plan: PatchPlan) -> tuple[str, ...]:
    return tuple(f"{host.host}: {warning}" for host in plan.hosts for warning in host.warnings)
