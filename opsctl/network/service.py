"""Check delivered components (P15): all customers' at once, then each customer is judged and recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from opsctl.adapters.probes import Probe, Target, probe_all
from opsctl.contract.gate import Delivery, Purpose, Request
from opsctl.contract.services import Service
from opsctl.core.clock import local_day
from opsctl.core.outcome import Outcome, Status
from opsctl.network.decisions import changes, judge, watched, worst
from opsctl.network.history import CHECKED, last_of, past_of
from opsctl.network.model import LEVELS, Change, Standing, State, documents
from opsctl.profiles.hosted import Component
from opsctl.profiles.model import KamstrupProfile
from opsctl.runs.service import Run, changes_hosts
from opsctl.runs.together import perform_together
from opsctl.runs.workplace import Workplace

REQUEST = Request(Service.NETWORK_MANAGEMENT, Purpose.PROTECT, Delivery.WORK)
HISTORY = timedelta(days=35)
STATUS = {State.UP: Status.DONE, State.PLANNED: Status.DONE, State.WARNING: Status.WARNING,
          State.FLAPPING: Status.WARNING, State.DOWN: Status.CHECK_FAILED, State.UNKNOWN: Status.CHECK_FAILED}


@dataclass(frozen=True)
class Seen:
    """What the probes found, by customer and component, and the planned work by customer."""

    probes: Mapping[str, Probe]
    planned: Mapping[str, str]


def check(workplace: Workplace, profiles: Sequence[KamstrupProfile]) -> tuple[Outcome, ...]:
    """One outcome per customer, in order; each leaves `network.checked` in its ledger.

    NotCovered when the contract of one customer does not cover it, before anything is probed.
    """
    def look(mine: Sequence[KamstrupProfile]) -> Seen:
        # Asked before as well as after: work that began or ended while the probes ran explains what they found.
        before = {profile.customer: under_way(workplace, profile.customer) for profile in mine}
        found = probe_all([target_of(workplace, profile, one) for profile in mine
                           for one in watched(profile.components)[0]])
        return Seen(found, {customer: work or under_way(workplace, customer) for customer, work in before.items()})

    return perform_together(workplace, profiles, REQUEST, "network check", look, _judged)


def under_way(workplace: Workplace, customer: str) -> str:
    """The planned work that runs for this customer now, for people; "" when there is none.

    A lease is owned by a run, whose id says what it does.
    """
    for lease in workplace.ledger.leases():
        if lease.name.startswith(f"{customer}/") and changes_hosts(lease.owner) and not lease.expired:
            return f"planned work is under way: {lease.owner}"
    return ""


def target_of(workplace: Workplace, profile: KamstrupProfile, one: Component) -> Target:
    """What to probe of a component."""
    return Target(f"{profile.customer}/{one.name}", one.address, one.port, one.protocol, one.path,
                  one.server_name or "", one.ca_file, workplace.known_hosts(profile.customer))


def _judged(run: Run, profile: KamstrupProfile, found: Seen) -> Outcome:
    planned = found.planned[run.customer]
    entries = list(run.workplace.ledger.entries(run.customer, kinds=(CHECKED,), since=run.started - HISTORY))
    past = past_of(entries)
    components, skipped = watched(profile.components)
    standings = tuple(judge(one, found.probes.get(f"{run.customer}/{one.name}"), past.get(one.name, ()),
                            profile.thresholds, run.started, planned) for one in components)
    differ = tuple(changes(standings, last_of(entries)))
    state = worst(standings)
    data = checked_payload(local_day(run.started, profile.zone), standings, skipped, differ, planned)
    run.record(CHECKED, data)
    return Outcome(run.customer, run.request.service, STATUS[state], data["summary"],
                   "see the component; `opsctl network history` shows since when"
                   if STATUS[state] is not Status.DONE else "",
                   data={**data, "skipped": [{"name": name, "reason": why} for name, why in skipped],
                         "figures": _figures(standings)})


def checked_payload(day: date, standings: tuple[Standing, ...], skipped: Sequence[tuple[str, str]],
                    differ: tuple[Change, ...], planned: str) -> dict[str, Any]:
    """What `network.checked` says."""
    return {"day": day.isoformat(), "level": LEVELS[worst(standings)], "summary": _summary(standings, skipped),
            "components": documents(standings), "skipped": [name for name, _why in skipped],
            "changes": documents(differ), "planned": planned}


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
