"""The agreed service levels A-D: working hours until handling must be started (P39-P43)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Level:
    """One level. `working_hours` is the maximum time for initiating handling, in working hours."""

    letter: str
    title: str
    definition: str
    working_hours: int
    promise: str


LEVELS: Mapping[str, Level] = {
    level.letter: level
    for level in (
        Level("A", "Critical error",
              "An error that causes the system to stop and leads to a risk of data loss.", 4, "P39"),
        Level("B", "Serious error",
              "An error that causes functions which are important to the system and which are time-consuming or "
              "resource-intensive to bypass to stop working as intended.", 8, "P40"),
        Level("C", "Non-serious error",
              "An error that leads to non-critical functions not working correctly and which the user can bypass.",
              16, "P41"),
        Level("D", "Request for assistance",
              "You request guidance in using the components delivered which is unrelated to errors.", 16, "P42"),
    )
}
"""The four levels by letter. No resolution time, uptime, RPO or RTO is promised (P43)."""
