"""One change for many customers: ring by ring, some at once, a failure budget over all, taken up again later.

Each customer's window is asked right before its turn, and what failed counts over the whole run. Each end is recorded
as it comes: after `kill -9` exactly the failed, those at work and the untouched are left. A turn is `fleet/turns.py`.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from opsctl.core.errors import ExitCode, UsageError
from opsctl.core.outcome import OPERATOR, Outcome, Status
from opsctl.fleet.rings import in_rings, place_of, require_ordered, ring_of
from opsctl.fleet.turns import Act, Turns, take_turns
from opsctl.profiles.model import Profile
from opsctl.runs.workplace import Workplace

STARTED = "rollout.started"
RESUMED = "rollout.resumed"
CUSTOMER = "rollout.customer"
FINISHED = "rollout.finished"
NO_FAILURE = {ExitCode.OK, ExitCode.NOT_COVERED, ExitCode.OUTSIDE_WINDOW, ExitCode.APPROVAL, ExitCode.LOCKED}
"""Refused without anything touched; it is left for a resumption, and the budget is not for it."""


@dataclass(frozen=True)
class Rollout:
    """What is rolled out. options: JSON-serialisable, of the operation. order: of the customers.

    rings: by customer. budget: so many customers may fail; one more ends the run. batch: so many at once in a ring.
    ended: the good ends before this resumption, by customer. broken: customers whose profile cannot be read, and so
    their ring neither.
    """

    id: str
    operation: str
    service: str
    options: Mapping[str, Any]
    order: tuple[str, ...]
    rings: Mapping[str, str]
    budget: int
    batch: int = 1
    ended: Mapping[str, str] = field(default_factory=dict)
    broken: tuple[str, ...] = ()


def begin(workplace: Workplace, operation: str, service: str, options: Mapping[str, Any],
          profiles: Sequence[Profile], budget: int, batch: int = 1, broken: Iterable[str] = ()) -> Rollout:
    """Order the profiles and record what is rolled out to whom. ConfigurationError for a ring without its place.

    broken: customers that belong to it, but whose profile cannot be read.
    """
    for profile in profiles:
        require_ordered(profile, workplace.settings.policy.rings)
    ordered = in_rings(profiles, workplace.settings.policy.rings)
    now = workplace.clock.now()
    name = f"{now:%Y%m%dt%H%M%S}-rollout-{operation.replace(' ', '-')}-{secrets.token_hex(3)}"
    rings = {profile.customer: ring_of(profile) for profile in ordered}
    made = Rollout(name, operation, service, options, tuple(rings), rings, budget, batch, broken=tuple(broken))
    _record(workplace, made, STARTED, {"operation": operation, "service": service, "options": dict(options),
                                       "order": list(made.order), "rings": rings, "budget": budget, "batch": batch,
                                       "broken": list(made.broken)})
    return made


def take_up(workplace: Workplace, run: str, profiles: Iterable[Profile] = (), broken: Collection[str] = ()
            ) -> tuple[Rollout, tuple[str, ...]]:
    """A recorded rollout and the customers that are left: failed, refused or untouched, in order.

    profiles, broken: those of today. One that could not be read when it began and now can has its place in the order.
    UsageError when there is no such rollout, ConfigurationError for a ring without its place.
    """
    entries = [entry for entry in workplace.ledger.find_run(run) if entry.chain == OPERATOR]
    started = next((entry.payload for entry in entries if entry.kind == STARTED), None)
    if started is None:
        raise UsageError(f"there is no rollout {run[:80]}", "see `opsctl run list`; a run for one customer is simply "
                         "run again")
    ended = [entry.payload for entry in entries if entry.kind == CUSTOMER]
    unread = started.get("broken", ())
    order, rings = _joined(started, [profile for profile in profiles if profile.customer in unread],
                           workplace.settings.policy.rings)
    known = Rollout(run, started["operation"], started["service"], started["options"], order, rings,
                    started["budget"], started.get("batch", 1),
                    {one["customer"]: one["status"] for one in ended if one["exit_code"] == ExitCode.OK},
                    tuple(name for name in unread if name in broken))
    return known, left(known.order, ended)


def _joined(started: Mapping[str, Any], found: Sequence[Profile], names: Sequence[str]
            ) -> tuple[tuple[str, ...], Mapping[str, str]]:
    """Order and rings of a recorded rollout with those that were `found` since. names: of the rings, in order."""
    if not found:
        return tuple(started["order"]), started["rings"]
    for profile in found:
        require_ordered(profile, names)
    rings = {**started["rings"], **{profile.customer: ring_of(profile) for profile in found}}
    return tuple(sorted((*started["order"], *(profile.customer for profile in found)),
                        key=lambda name: place_of(rings[name], names))), rings


def left(order: Sequence[str], ended: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """The customers of `order` whose newest end is not a good one, or that have none."""
    newest = {payload["customer"]: int(payload["exit_code"]) for payload in ended}
    return tuple(customer for customer in order if newest.get(customer) != ExitCode.OK)


def roll_out(workplace: Workplace, rollout: Rollout, profiles: Sequence[Profile], act: Act, *,
             resumed: bool = False) -> tuple[Outcome, ...]:
    """Act for each of `profiles` in the rollout's order; those that come too late are rows that say why.

    KeyboardInterrupt, also from SIGTERM, once all that was at work has ended.
    """
    if resumed:
        _record(workplace, rollout, RESUMED, {"customers": [profile.customer for profile in profiles]})
    ordered = sorted(profiles, key=lambda one: rollout.order.index(one.customer))
    failed: list[str] = []
    ended: dict[str, Outcome] = {}
    stopped = ""

    def may_begin(profile: Profile, at_work: Sequence[Profile]) -> bool:
        nonlocal stopped
        stopped = stopped or _stop(rollout, failed, profile.customer)
        ring = rollout.rings[profile.customer]
        if stopped or any(rollout.rings[one.customer] != ring for one in at_work):
            return False
        stopped = _unproven(rollout, ended, profile.customer, workplace.settings.policy.rings)
        return not stopped

    def has_ended(outcome: Outcome) -> None:
        ended[outcome.customer] = outcome
        if outcome.code not in NO_FAILURE:
            failed.append(outcome.customer)
        _record(workplace, rollout, CUSTOMER, {"customer": outcome.customer, "status": outcome.status.value,
                                               "exit_code": int(outcome.code), "summary": outcome.summary,
                                               "run": outcome.run})

    interrupted = True
    try:
        take_turns(workplace, Turns(rollout.service, rollout.batch, act, may_begin, has_ended), ordered)
        interrupted = False
    finally:
        untouched = [profile.customer for profile in ordered if profile.customer not in ended]
        _record(workplace, rollout, FINISHED, {"failed": failed, "untouched": untouched,
                                               "stopped": "interrupted" if interrupted else stopped})
    return tuple(ended.get(profile.customer) or Outcome(
        profile.customer, rollout.service, Status.SKIPPED, f"untouched: {stopped}", exit_code=ExitCode.PARTIAL,
        resolution=f"`opsctl resume {rollout.id}` goes on") for profile in ordered)


def _stop(rollout: Rollout, failed: Sequence[str], customer: str) -> str:
    """Why `customer` does not get its turn; "" when it does."""
    if len(failed) > rollout.budget:
        return f"{len(failed)} failed, {rollout.budget} may ({', '.join(failed)})"
    ring = rollout.rings[customer]
    earlier = [name for name in failed if rollout.rings[name] != ring]
    return f"{', '.join(earlier)} failed in an earlier ring" if earlier else ""


def _unproven(rollout: Rollout, ended: Mapping[str, Outcome], customer: str, names: Sequence[str]) -> str:
    """Why the ring of `customer` waits: nobody of an earlier one that the contract covers has had the change yet.

    names: of the rings, in order. While a profile cannot be read its customer may be the one that an earlier ring
    lacks. "" when it does not wait. Customers without a ring wait for none: they host themselves.
    """
    ring = rollout.rings[customer]
    before = rollout.order[:rollout.order.index(customer)] if ring else ()
    good = {**rollout.ended, **{name: one.status.value for name, one in ended.items() if one.code is ExitCode.OK}}
    for earlier in dict.fromkeys(rollout.rings[name] for name in before):
        members = [name for name in before if rollout.rings[name] == earlier != ring]
        waiting = [name for name in members if good.get(name) != Status.NOT_COVERED]
        if waiting and not any(name in good for name in waiting):
            return f"no customer of the ring {earlier} has it yet ({', '.join(waiting)})"
    if ring and rollout.broken:
        proven = {rollout.rings[name] for name, status in good.items() if status != Status.NOT_COVERED}
        empty = [name for name in names[:place_of(ring, names)] if name not in proven]
        if empty:
            unread = ", ".join(rollout.broken)
            return f"nobody of the ring {empty[0]} has it yet, and the profile of {unread} is not valid"
    return ""


def _record(workplace: Workplace, rollout: Rollout, kind: str, payload: Mapping[str, Any]) -> None:
    workplace.ledger.append(OPERATOR, kind, payload, actor=workplace.actor, run=rollout.id)
