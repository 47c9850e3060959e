"""Plan and apply upgrades of the platform (P10): gate, lease, plan again, READY stopped, a way back, proof."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from opsctl.contract.gate import Delivery, Purpose, Request
from opsctl.contract.services import Service
from opsctl.core.errors import ApprovalMissing, Locked, OperationFailed, OpsctlError, UsageError
from opsctl.core.outcome import Outcome, Status
from opsctl.profiles.model import KamstrupProfile
from opsctl.runs.approval import require_approved
from opsctl.runs.playbook import end_leftovers, names_of
from opsctl.runs.service import Run, perform
from opsctl.runs.silencing import silenced
from opsctl.runs.workplace import Workplace
from opsctl.upgrades import acting, evidence
from opsctl.upgrades.looking import look
from opsctl.upgrades.model import Platform, Target, UpgradePlan, differences, target_of
from opsctl.upgrades.planning import plan_of
from opsctl.upgrades.releasing import release
from opsctl.upgrades.way_back import discard, stand, take_back

if TYPE_CHECKING:
    from opsctl.adapters.ansible_events import HostResult

OPERATION = "upgrade apply"


class NotBegun(OperationFailed):
    """A host refused before anything on any host was changed; READY is stopped."""


REQUEST = Request(Service.IT_SYSTEM_MAINTENANCE, Purpose.NEW_VALUE, Delivery.WORK)


@dataclass(frozen=True)
class Wish:
    """What is asked for. approved: the plan of a file, which must match. may_start: raises OutsideWindow when the work
    may not start now."""

    target: Target
    approved: UpgradePlan | None = None
    may_start: Callable[[], None] = lambda: None


def plan(workplace: Workplace, profiles: Sequence[KamstrupProfile], target: Target) -> tuple[UpgradePlan, ...]:
    """The plans of the customers, in order, from one run over all their hosts; nothing is changed.

    A host that could not be read is a problem of its own customer's plan. OperationFailed when none could be.
    """
    from opsctl.adapters.ansible_catalogue import revision

    now, seen = workplace.clock.now(), look(workplace, profiles, target)
    playbook = "os_upgrade" if target.platform is Platform.DEBIAN else "postgresql_upgrade"
    acting_text = revision(workplace.settings.playbooks, playbook)
    return tuple(plan_of(profile, target, *seen[profile.customer], acting_text, now,
                         snapshots=workplace.settings.snapshots is not None) for profile in profiles)


def upgrade(workplace: Workplace, profile: KamstrupProfile, wish: Wish) -> Outcome:
    """Upgrade all hosts that are due and prove READY healthy on the same data; what fails is taken back.

    An upgrade that an earlier run left unfinished is taken back first. A plan that differs from `wish.approved`, or
    lacks its approval, gives exit 6; nothing to do gives `unchanged`.
    """
    if wish.approved is not None and (wish.approved.customer, wish.approved.target) != (profile.customer, wish.target):
        raise UsageError(f"{profile.customer}: the plan is for {wish.approved.customer} and {wish.approved.target}",
                         "make a plan for this customer and this target")
    return perform(workplace, profile, REQUEST, OPERATION, partial(_upgrade, profile=profile, wish=wish))


def _upgrade(run: Run, *, profile: KamstrupProfile, wish: Wish) -> Outcome:
    left = stand(run.workplace, profile.customer)
    warnings: tuple[str, ...] = ()
    if left.open is not None:
        end_leftovers(run.workplace, left.open.run)
        with silenced(run, names_of(profile), needed=False) as unsilenced:
            back = take_back(run, profile, left, "an earlier run was broken off")
        warnings = (f"an upgrade was broken off: {back}", *unsilenced)
    fresh = plan(run.workplace, [profile], wish.target)[0]
    if wish.approved is not None and wish.approved.hash != fresh.hash:
        raise ApprovalMissing(f"{profile.customer}: the plan of today is not the approved one",
                              "see what changed, make a new plan and have it approved",
                              differences(wish.approved, fresh))
    if fresh.problems:
        raise OperationFailed(f"{profile.customer}: {wish.target} cannot be gone to, so nothing was touched",
                              "put it right and plan again", fresh.problems)
    if fresh.nothing_to_do:
        names = ", ".join(host.host for host in fresh.hosts)
        return Outcome(run.customer, REQUEST.service, Status.UNCHANGED, f"{wish.target} is there: {names}",
                       warnings=warnings, data={"plan": fresh.hash})
    approved_by = require_approved(run.workplace, run.customer, fresh.hash, profile.approvals.upgrade)
    wish.may_start()
    with silenced(run, names_of(profile)) as unsilenced:
        done = _work(run, profile, fresh, approved_by, warnings)
    return replace(done, warnings=(*done.warnings, *unsilenced))


def _work(run: Run, profile: KamstrupProfile, fresh: UpgradePlan, approved_by: str,
          warnings: tuple[str, ...]) -> Outcome:
    start = evidence.started(run, fresh, approved_by)
    results: Mapping[str, HostResult] = {}
    try:
        results = _steps(run, profile, fresh, start)
    except OpsctlError as error:
        if run.lease.lost or isinstance(error, Locked):
            # Another run may be at work already: it sees the open start and puts it right.
            raise
        raise _failed(run, profile, start, error) from None
    except KeyboardInterrupt:
        # READY is stopped: an interruption must not leave it so.
        take_back(run, profile, stand(run.workplace, run.customer), "it was interrupted")
        raise
    made = evidence.completed(run, start, results)
    lines = [f"{host.host}: {line}" for host in fresh.due for line in host.left]
    return Outcome(run.customer, REQUEST.service, Status.DONE,
                   f"{fresh.target} on {', '.join(start['hosts'])}; READY is healthy on the same rows",
                   warnings=(*warnings, *lines), data={"plan": fresh.hash, "hosts": made, "approved_by": approved_by})


def _steps(run: Run, profile: KamstrupProfile, fresh: UpgradePlan,
           start: Mapping[str, Any]) -> Mapping[str, HostResult]:
    rows = acting.stop_ready(run, profile)
    if start["snapshot"]:
        acting.snapshots(run, profile, "take", start["snapshot"], list(start["hosts"]))
    evidence.secured(run, start, rows)
    run.say(f"upgrading {', '.join(start['hosts'])} to {fresh.target}")
    results = acting.work(run, profile, fresh)
    bad = [f"{name}: {result.message}" for name, result in results.items() if not result.ok]
    if bad:
        kind = OperationFailed if evidence.touched(results) else NotBegun
        raise kind(f"{fresh.target}: the upgrade failed", "see the lines below", tuple(bad))
    release(run, profile, start, rows)
    return results


def _failed(run: Run, profile: KamstrupProfile, start: Mapping[str, Any], error: OpsctlError) -> OperationFailed:
    why = "; ".join((error.message, *error.details))
    target, left = target_of(start), stand(run.workplace, run.customer)
    if isinstance(error, NotBegun) and left.secured is not None:
        try:
            release(run, profile, start, left.secured["rows"])
        except Locked:
            raise
        except OpsctlError as second:
            why += "; " + "; ".join((second.message, *second.details))
        else:
            evidence.refused(run, start, why)
            discard(run, profile, start)
            return OperationFailed(f"{target}: nothing was upgraded, READY runs as before",
                                   "put it right and run it again", error.details)
    said = take_back(run, profile, stand(run.workplace, run.customer), why)
    return OperationFailed(f"{target} failed: {said}",
                           f"find the cause, then `opsctl resolve {run.customer} --reason TEXT`", (why,))
