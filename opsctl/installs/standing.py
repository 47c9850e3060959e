"""How READY stands at a customer by the ledger: what is installed, and whether an installation was broken off."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from opsctl.ledger import Entry

STARTED = "release.started"
INSTALLED = "release.installed"
REFUSED = "release.refused"
TAKEN_BACK = "release.taken_back"
STUCK = "release.stuck"
KINDS = frozenset({STARTED, INSTALLED, REFUSED, TAKEN_BACK, STUCK})


@dataclass(frozen=True)
class Standing:
    """installed: READY's version by the newest proof, "" when the ledger has none.

    open: the start of an installation that neither ended well nor was taken back; then READY may be stopped.
    """

    installed: str = ""
    open: Entry | None = None

    @property
    def open_payload(self) -> Mapping[str, Any]:
        """What the start said; ValueError when nothing is open."""
        if self.open is None:
            raise ValueError("no installation is open")
        return self.open.payload


def standing(entries: Iterable[Entry]) -> Standing:
    """From the entries of KINDS, oldest first."""
    installed, started = "", None
    for entry in entries:
        if entry.kind == STARTED:
            started = entry
        elif entry.kind != STUCK:
            started = None
        if entry.kind == INSTALLED:
            installed = str(entry.payload["to"])
        elif entry.kind == TAKEN_BACK:
            installed = str(entry.payload["version"])
    return Standing(installed, started)
