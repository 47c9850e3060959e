"""Components as they are found: state, what they say of themselves, what changed. Pure values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class State(StrEnum):
    """How a component is. PLANNED: it does not answer while planned work is under way."""

    UP = "up"
    WARNING = "warning"
    DOWN = "down"
    FLAPPING = "flapping"
    PLANNED = "planned work"
    UNKNOWN = "unknown"


GRAVITY = (State.DOWN, State.UNKNOWN, State.FLAPPING, State.WARNING, State.PLANNED, State.UP)
LEVELS: Mapping[State, str] = {State.DOWN: "critical", State.UNKNOWN: "unknown", State.FLAPPING: "warning",
                               State.WARNING: "warning", State.PLANNED: "ok", State.UP: "ok"}


@dataclass(frozen=True)
class Standing:
    """One component after one check.

    raw: what the probe alone said, `up` or `down`; flapping is judged from these. facts: what identifies it.
    """

    name: str
    kind: str
    address: str
    state: State
    raw: str
    detail: str = ""
    round_trip_milliseconds: float | None = None
    loss_percent: int = 0
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Change:
    """Something that differs from the last check. of: `state`, `added`, `removed`, or the name of a fact."""

    name: str
    of: str
    before: str
    after: str


@dataclass(frozen=True)
class Past:
    """One earlier check of one component."""

    at: datetime
    state: str
    raw: str
    facts: Mapping[str, str]
    evidence: str = ""


def documents(found: tuple[Any, ...]) -> list[dict[str, Any]]:
    """Dataclasses as JSON-serialisable dictionaries."""
    return [{**asdict(one), "facts": dict(one.facts)} if isinstance(one, Standing) else asdict(one) for one in found]
