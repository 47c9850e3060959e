"""Which errors a customer reported (P08): the error log links its requests to them, release notices read it here."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opsctl.ledger import Entry

LINKED = "support.error"
"""A request of the error log is about an error with an id, or is not after all: `id`, `error`, `linked`, `by_customer`.
by_customer: False for what Kamstrup found itself, which nobody at the customer reported."""


def reported(entries: Iterable[Entry]) -> frozenset[str]:
    """The ids of the errors that the customer reported. entries: of LINKED in one customer's chain, oldest first."""
    found: dict[tuple[str, str], bool] = {}
    for entry in entries:
        said = entry.payload
        found[str(said["id"]), str(said["error"])] = bool(said["linked"] and said["by_customer"])
    return frozenset(error for (_, error), counts in found.items() if counts)
