"""How long work tells how far it is; `cli/` renders it, everything below only reports."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Receives progress; implementations must be quick and safe to call from threads."""

    def say(self, customer: str, message: str) -> None:
        """One line for people: what begins or ended. No secrets."""

    def step(self, customer: str, message: str) -> None:
        """What is done now; the next one takes its place. "" when nothing is any more."""

    def advance(self, customer: str, what: str, done: int, total: int | None = None, unit: str = "bytes") -> None:
        """`done` of `total` units of `what` are done; `total` is None or an estimate when it is not known."""


class Silent:
    """Progress for callers that do not want any."""

    def say(self, customer: str, message: str) -> None:
        return None

    def step(self, customer: str, message: str) -> None:
        return None

    def advance(self, customer: str, what: str, done: int, total: int | None = None, unit: str = "bytes") -> None:
        return None
