"""Which components are watched, how each stands, whether it flaps, and what changed. Pure (P15, P53)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from opsctl.adapters.probes import Probe
from opsctl.network.model import GRAVITY, Change, Past, Standing, State
from opsctl.profiles.hosted import Component, Thresholds

FIELD_EQUIPMENT = frozenset({"meter", "router", "concentrator", "gsm"})
FLAPPING_CHANGES, FLAPPING_WITHIN, FLAPPING_SPAN = 3, 6, timedelta(hours=24)
"""So many changes between up and down, this check's among them, in the last checks of a day, are flapping."""


def watched(components: Iterable[Component]) -> tuple[tuple[Component, ...], tuple[tuple[str, str], ...]]:
    """The components to probe, and those skipped, each with the reason."""
    kept: list[Component] = []
    skipped: list[tuple[str, str]] = []
    for one in components:
        if one.delivered_by != "kamstrup":
            skipped.append((one.name, "delivered by the customer"))
        elif one.kind in FIELD_EQUIPMENT:
            skipped.append((one.name, "work on field equipment is the customer's (P53)"))
        else:
            kept.append(one)
    return tuple(kept), tuple(skipped)


def judge(component: Component, probe: Probe | None, past: Sequence[Past], limits: Thresholds, now: datetime,
          planned: str) -> Standing:
    """One component. past: earlier checks, oldest first. planned: the work under way, "" when there is none."""
    if probe is None or probe.problem.startswith(("not probed", "the probe failed")):
        return _standing(component, State.UNKNOWN, "", probe.problem if probe else "not probed", probe)
    raw = "down" if probe.problem else "up"
    if raw == "down" and planned:
        return _standing(component, State.PLANNED, raw, f"{probe.problem}; {planned}", probe)
    if _flaps(raw, past, now):
        said = probe.problem or "up now"
        return _standing(component, State.FLAPPING, raw, f"it changes again and again between up and down; {said}",
                         probe)
    if raw == "down":
        return _standing(component, State.DOWN, raw, probe.problem, probe)
    critical, warnings = _weaknesses(component, probe, limits, now)
    if critical:
        return _standing(component, State.DOWN, raw, "; ".join([*critical, *warnings]), probe)
    return _standing(component, State.WARNING if warnings else State.UP, raw, "; ".join(warnings), probe)


def _flaps(raw: str, past: Sequence[Past], now: datetime) -> bool:
    # Planned work is no flapping: what was down for it is left out.
    recent = [one.raw for one in past if now - one.at <= FLAPPING_SPAN and one.raw and one.state != State.PLANNED]
    seen = [*recent, raw][-FLAPPING_WITHIN:]
    return sum(before != after for before, after in pairwise(seen)) >= FLAPPING_CHANGES


def _weaknesses(component: Component, probe: Probe, limits: Thresholds,
                now: datetime) -> tuple[list[str], list[str]]:
    critical: list[str] = []
    warnings: list[str] = []
    if probe.expires is not None:
        left = (probe.expires - now).days
        words = f"its certificate ends on {probe.expires:%Y-%m-%d}, in {left} days"
        if left < limits.certificate_critical_days:
            critical.append(words)
        elif left < limits.certificate_warning_days:
            warnings.append(words)
    if probe.attempts > probe.answered:
        warnings.append(f"{probe.attempts - probe.answered} of {probe.attempts} attempts were lost")
    if probe.round_trip is not None and probe.round_trip * 1000 > limits.round_trip_warning_milliseconds:
        warnings.append(f"a round trip takes {probe.round_trip * 1000:.0f} ms")
    if probe.clock is not None and abs(probe.clock) > limits.clock_warning_seconds:
        way = "ahead" if probe.clock > 0 else "behind"
        warnings.append(f"its clock is {abs(probe.clock):.0f} seconds {way} of this machine's")
    wanted = set(component.resolves_to)
    if wanted and wanted != set(probe.addresses):
        warnings.append(f"its name resolves to {', '.join(probe.addresses)}, not to {', '.join(sorted(wanted))}")
    return critical, warnings


def _standing(component: Component, state: State, raw: str, detail: str, probe: Probe | None) -> Standing:
    where = component.address if component.port is None else f"{component.address} port {component.port}"
    if probe is None:
        return Standing(component.name, component.kind, where, state, raw, detail)
    facts = {name: value for name, value in probe.facts.items() if value}
    if probe.expires is not None:
        facts["certificate_ends"] = f"{probe.expires:%Y-%m-%d}"
    if probe.addresses and probe.addresses != (component.address,):
        facts["resolves_to"] = ", ".join(probe.addresses)
    lost = round(100 * (probe.attempts - probe.answered) / probe.attempts) if probe.attempts else 0
    return Standing(component.name, component.kind, where, state, raw, detail,
                    None if probe.round_trip is None else round(probe.round_trip * 1000, 2), lost, facts)


def changes(now: Sequence[Standing], before: Mapping[str, Past]) -> Iterator[Change]:
    """What differs from the last check of each component; the first check of all has no changes."""
    if not before:
        return
    for one in now:
        last = before.get(one.name)
        if last is None:
            yield Change(one.name, "added", "", one.address)
            continue
        if last.state != one.state:
            yield Change(one.name, "state", last.state, one.state)
        # A component that did not answer says nothing of itself: that is no change of its facts.
        for fact in sorted(set(one.facts) & set(last.facts)):
            if one.facts[fact] != last.facts[fact]:
                yield Change(one.name, fact, last.facts[fact], one.facts[fact])
    for name in sorted(set(before) - {one.name for one in now}):
        yield Change(name, "removed", before[name].state, "")


def worst(found: Iterable[Standing]) -> State:
    """The gravest state; up when there is nothing to watch."""
    states = {one.state for one in found}
    return next((state for state in GRAVITY if state in states), State.UP)
