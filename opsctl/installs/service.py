"""Plan and install READY releases (P11, P12): gate, lease, plan again, hop by hop with a way back, evidence."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from opsctl.contract.gate import Delivery, Purpose, Request
from opsctl.contract.services import Service
from opsctl.core.errors import (
    ApprovalMissing,
    NotCovered,
    OperationFailed,
    OpsctlError,
    OutsideWindow,
    UsageError,
)
from opsctl.core.outcome import Outcome, Status
from opsctl.installs import evidence
from opsctl.installs.looking import by_host, look
from opsctl.installs.model import Hop, ReleasePlan, differences
from opsctl.installs.planning import plan_of, step_between, target_release
from opsctl.installs.way_back import take_back, take_back_left
from opsctl.profiles.model import Profile
from opsctl.profiles.rollout import ApprovalNeed
from opsctl.releases.catalogue import Catalogue
from opsctl.releases.version import Step, Version
from opsctl.runs.approval import require_approved
from opsctl.runs.installed import known_version, proven, stand
from opsctl.runs.playbook import end_leftovers, names_of, play, targets_of
from opsctl.runs.service import Run, gate, perform
from opsctl.runs.silencing import silenced
from opsctl.runs.workplace import Workplace

if TYPE_CHECKING:
    from opsctl.adapters.ansible_events import HostResult

OPERATION = "release install"
HOP_SECONDS = 2 * 3600


@dataclass(frozen=True)
class Wish:
    """What is asked for. approved: the plan of a file, which must match. may_start: raises OutsideWindow when work
    of so many minutes may not start now; asked before each hop."""

    releases: Catalogue
    target: Version | None = None
    approved: ReleasePlan | None = None
    may_start: Callable[[int], None] = lambda minutes: None


def request(step: Step | None) -> Request:
    """What installing asks of the gate: a major step has a row of its own (P12)."""
    service = Service.SOFTWARE_UPDATE_MAJOR if step is Step.MAJOR else Service.SOFTWARE_UPDATE_MINOR
    return Request(service, Purpose.NEW_VALUE, Delivery.WORK)


def approval_need(profile: Profile, step: Step | None) -> ApprovalNeed:
    """Whose approval the customer's profile asks for."""
    return profile.approvals.major if step is Step.MAJOR else profile.approvals.minor


def plan(workplace: Workplace, profiles: Sequence[Profile], releases: Catalogue, *,
         target: Version | None = None) -> tuple[ReleasePlan, ...]:
    """The plans of the customers, in order, from one run over all their hosts; nothing is installed.

    A host that could not be read is a problem of its own customer's plan. OperationFailed when none could be.
    """
    from opsctl.adapters.ansible_catalogue import READY_UPDATE, revision

    now = workplace.clock.now()
    seen = look(workplace, profiles)
    acting = revision(workplace.settings.playbooks, READY_UPDATE.playbook)
    made = []
    for profile in profiles:
        facts, silent = seen[profile.customer]
        made.append(plan_of(profile, releases, target, facts, silent, acting, now))
    return tuple(made)


def install(workplace: Workplace, profile: Profile, wish: Wish) -> Outcome:
    """Install along the path and prove each release healthy; one that is not is taken back.

    An installation that an earlier run left unfinished is taken back first. A plan that differs from `wish.approved`,
    or lacks its approval, gives exit 6; nothing to do gives `unchanged`. What is wrong with the plan fails before
    READY is stopped.
    """
    if wish.approved is not None and wish.approved.customer != profile.customer:
        raise UsageError(f"{profile.customer}: the plan is for {wish.approved.customer}", "name that customer")
    # By what is known before the hosts are asked; the plan's own step is asked of the gate again.
    known, now = known_version(workplace, profile), workplace.clock.now()
    step = step_between(known, target_release(wish.releases, profile, known, wish.target, now).version)
    return perform(workplace, profile, request(step), OPERATION, partial(_install, profile=profile, wish=wish))


def _install(run: Run, *, profile: Profile, wish: Wish) -> Outcome:
    left = stand(run.workplace, profile.customer).open
    warnings: tuple[str, ...] = ()
    if left is not None:
        end_leftovers(run.workplace, left.run)
        with silenced(run, names_of(profile), needed=False) as unsilenced:
            back = take_back_left(run, profile, left.payload)
        warnings = (f"an installation of {left.payload['to']} was broken off; READY runs in {back.version}",
                    *back.kept, *unsilenced)
    fresh = plan(run.workplace, [profile], wish.releases, target=wish.target)[0]
    service = request(fresh.step).service
    gate(profile, request(fresh.step), run.workplace.clock.now(), run.workplace.ledger).require(profile.customer)
    if wish.approved is not None and wish.approved.hash != fresh.hash:
        raise ApprovalMissing(f"{profile.customer}: the plan of today is not the approved one",
                              "see what changed, make a new plan and have it approved",
                              differences(wish.approved, fresh))
    if fresh.problems:
        raise OperationFailed(f"{profile.customer}: READY {fresh.target} cannot be installed, so nothing was touched",
                              "put it right and plan again", fresh.problems)
    if fresh.nothing_to_do:
        if proven(run.workplace, profile) != fresh.installed:
            evidence.found(run, fresh)
        return Outcome(run.customer, service, Status.UNCHANGED, f"READY {fresh.installed} is installed",
                       warnings=warnings, data={"plan": fresh.hash})
    approved_by = require_approved(run.workplace, run.customer, fresh.hash, approval_need(profile, fresh.step))
    with silenced(run, names_of(profile)) as unsilenced:
        done = _along(run, profile, fresh, wish, approved_by, warnings)
    return replace(done, warnings=(*done.warnings, *unsilenced))


def _along(run: Run, profile: Profile, fresh: ReleasePlan, wish: Wish, approved_by: str,
           warnings: tuple[str, ...]) -> Outcome:
    service, before = request(fresh.step).service, fresh.installed
    done: list[dict[str, Any]] = []
    package = next(host.installed for host in fresh.hosts if host.application)
    for hop in fresh.hops:
        try:
            wish.may_start(hop.downtime_minutes)
        except (OutsideWindow, NotCovered) as closed:
            if not done:
                raise
            return Outcome(run.customer, service, Status.PARTIAL,
                           f"READY {before} is installed and healthy; {hop.version} waits: {closed.message}",
                           closed.resolution, exit_code=closed.exit_code, warnings=warnings,
                           data={"plan": fresh.hash, "installed": done})
        release = wish.releases.get(Version.parse(hop.version))
        description = release.summary.en if release else f"READY {hop.version}"
        done.append(_hop(run, profile, fresh, hop, (before, package), approved_by, description))
        before, package = hop.version, hop.package
    warnings += tuple(f"module {name} stays off until an agreement is on record (P50)" for name in fresh.modules_off)
    return Outcome(run.customer, service, Status.DONE, f"READY {fresh.installed} -> "
                   f"{' -> '.join(hop.version for hop in fresh.hops)}, healthy", warnings=warnings,
                   data={"plan": fresh.hash, "installed": done, "approved_by": approved_by})


def _hop(run: Run, profile: Profile, fresh: ReleasePlan, hop: Hop, before: tuple[str, str], approved_by: str,
         description: str) -> dict[str, Any]:
    from opsctl.adapters.ansible_catalogue import READY_UPDATE

    version, package = before
    evidence.started(run, fresh, hop, version, package)
    run.say(f"READY {version} -> {hop.version}")
    results: Mapping[str, HostResult] = {}
    try:
        result = play(run, targets_of(run.workplace, profile), READY_UPDATE, {
            "ready_update_version": hop.version, "ready_update_package": hop.package, "ready_update_from": package,
            "ready_update_copy": hop.copies, "ready_update_free_mb": hop.free_mb,
            "ready_update_healthy_seconds": run.workplace.settings.policy.healthy_seconds}, partly=True,
            deadline_seconds=HOP_SECONDS)
        results = by_host(profile, result.hosts.values())
        result.require_all()
    except OpsctlError as error:
        if run.lease.lost:
            # Another run may be at work already: it sees the open start and puts it right.
            raise
        why = "; ".join(error.details) or error.message
        if results and not evidence.touched(results):
            evidence.refused(run, version, hop, why)
            raise OperationFailed(f"READY {hop.version} was not installed, nothing was touched: {error.message}",
                                  "put it right and run it again", error.details) from None
        back = take_back(run, profile, stand(run.workplace, run.customer).open_payload, why)
        if back.version == hop.version:
            return {"from": version, "to": back.version, "package": hop.package, "note": why}
        raise OperationFailed(
            f"READY {hop.version} failed and was taken back: READY {back.version} runs and is healthy",
            f"find the cause, then `opsctl resolve {run.customer} --reason TEXT`", (why, *back.kept)) from None
    except KeyboardInterrupt:
        # READY may be stopped: an interruption must not leave it so.
        take_back(run, profile, stand(run.workplace, run.customer).open_payload, "it was interrupted")
        raise
    return evidence.installed(run, fresh, hop, version, results, approved_by, description)

