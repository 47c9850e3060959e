"""Earlier checks of components, out of the ledger's entries. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from opsctl.network.model import Past

if TYPE_CHECKING:
    from opsctl.ledger import Entry

CHECKED = "network.checked"


def past_of(entries: Iterable[Entry]) -> Mapping[str, Sequence[Past]]:
    """By component its earlier checks, oldest first.

    A check that could not read a component's facts keeps those of the check before: they are what is known last.
    """
    found: dict[str, list[Past]] = {}
    for entry in entries:
        for one in entry.payload["components"]:
            own = found.setdefault(str(one["name"]), [])
            known = dict(own[-1].facts) if own else {}
            own.append(Past(entry.recorded_at, one["state"], one["raw"], {**known, **one["facts"]}, entry.reference))
    return found


def last_of(entries: Sequence[Entry]) -> Mapping[str, Past]:
    """By component its state at the newest check: components that it did not hold are gone."""
    if not entries:
        return {}
    names = {str(one["name"]) for one in entries[-1].payload["components"]}
    return {name: past[-1] for name, past in past_of(entries).items() if name in names}
