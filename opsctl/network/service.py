"""Check delivered components (P15): all customers' at once, then each customer is judged and recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from opsctl.adapters.probes import Probe, Target, probe_all
from opsctl.contract.gate import Delivery, Purpose, Request
from opsctl.contract.services import Service
from opsctl.core.clock import local_day
from opsctl.core.errors import Locked
from opsctl.core.outcome import Outcome, Status
from opsctl.network.decisions import changes, judge, watched, worst
from opsctl.network.history import CHECKED, last_of, past_of
from opsctl.network.model import LEVELS, Standing, State, documents
from opsctl.profiles.hosted import Component
from opsctl.profiles.model import KamstrupProfile
from opsctl.runs.service import Run, gate, perform
from opsctl.runs.workplace import Workplace

REQUEST = Request(Service.NETWORK_MANAGEMENT, Purpose.PROTECT, Delivery.WORK)
HISTORY = timedelta(days=35)
MAINTENANCE = frozenset({"patch", "release", "install", "platform"})
"""Leases under which components may be stopped on purpose."""
_STATUS = {State.UP: Status.DONE, State.PLANNED: Status.DONE, State.WARNING: Status.WARNING,
           State.FLAPPING: Status.WARNING, State.DOWN: Status.CHECK_FAILED, State.UNKNOWN: Status.CHECK_FAILED}


def check(workplace: Workplace, profiles: Sequence[KamstrupProfile]) -> tuple[Outcome, ...]:
    """One outcome per customer, in order; each leaves `network.checked` in its ledger.

    NotCovered when the contract of one customer does not cover it, before anything is probed.
    """
    now = workplace.clock.now()
    for profile in profiles:
        gate(profile, REQUEST, now, workplace.ledger).require(profile.customer)
    # Asked before as well as after: work that began or ended while the probes ran explains what they found.
    planned = {profile.customer: under_way(workplace, profile.customer) for profile in profiles}
    found = probe_all([_target(workplace, profile, one) for profile in profiles
                       for one in watched(profile.components)[0]])
    return tuple(_check(workplace, profile, found, planned[profile.customer]
                        or under_way(workplace, profile.customer)) for profile in profiles)


def under_way(workplace: Workplace, customer: str) -> str:
    """The planned work that runs for this customer now, for people; "" when there is none."""
    for lease in workplace.ledger.leases():
        name = lease.name.removeprefix(f"{customer}/")
        if name != lease.name and name in MAINTENANCE and not lease.expired:
            return f"{name} is under way: {lease.owner}"
    return ""


def _target(workplace: Workplace, profile: KamstrupProfile, one: Component) -> Target:
    return Target(f"{profile.customer}/{one.name}", one.address, one.port, one.protocol, one.path,
                  one.server_name or "", one.ca_file, workplace.known_hosts(profile.customer))


def _check(workplace: Workplace, profile: KamstrupProfile, found: Mapping[str, Probe], planned: str) -> Outcome:
    try:
        return perform(workplace, profile, REQUEST, "network check",
                       partial(_judged, profile=profile, found=found, planned=planned))
    except Locked as error:
        return Outcome(profile.customer, REQUEST.service, Status.LOCKED, error.message, error.resolution)


def _judged(run: Run, *, profile: KamstrupProfile, found: Mapping[str, Probe], planned: str) -> Outcome:
    entries = list(run.workplace.ledger.entries(run.customer, kinds=(CHECKED,), since=run.started - HISTORY))
    past = past_of(entries)
    components, skipped = watched(profile.components)
    standings = tuple(judge(one, found.get(f"{run.customer}/{one.name}"), past.get(one.name, ()), profile.thresholds,
                            run.started, planned) for one in components)
    differ = tuple(changes(standings, last_of(entries)))
    state = worst(standings)
    summary = _summary(standings, skipped)
    data: dict[str, Any] = {
        "day": local_day(run.started, profile.zone).isoformat(), "level": LEVELS[state], "summary": summary,
        "components": documents(standings), "skipped": [name for name, _why in skipped], "changes": documents(differ),
        "planned": planned}
    run.record(CHECKED, data)
    return Outcome(run.customer, run.request.service, _STATUS[state], summary,
                   "see the component; `opsctl network history` shows since when"
                   if _STATUS[state] is not Status.DONE else "",
                   data={**data, "skipped": [{"name": name, "reason": why} for name, why in skipped],
                         "figures": _figures(standings)})


def _summary(standings: Sequence[Standing], skipped: Sequence[tuple[str, str]]) -> str:
    bad = [one for one in standings if one.state is not State.UP]
    up = len(standings) - len(bad)
    told = [f"{up} of {len(standings)} up" if standings else "no component delivered by Kamstrup",
            *(f"{one.name} {one.state.value}: {one.detail}" for one in bad[:3])]
    if len(bad) > 3:
        told.append(f"and {len(bad) - 3} more")
    if skipped:
        told.append("skipped " + ", ".join(name for name, _why in skipped))
    return "; ".join(told)


def _figures(standings: Sequence[Standing]) -> list[dict[str, Any]]:
    return [{"label": f"{one.name} round trip", "value": one.round_trip_milliseconds, "unit": "ms", "warn": None,
             "crit": None} for one in standings if one.round_trip_milliseconds is not None]
