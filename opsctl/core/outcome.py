"""What came of one piece of work for one customer: the value that flows to ledger, table and exit code."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from opsctl.core.errors import ExitCode

OPERATOR = "operator"
"""Stands where a customer's name does, for what concerns none alone: in outcomes, and as a chain of the ledger."""


class Status(StrEnum):
    """How a piece of work ended."""

    DONE = "done"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"
    NOT_COVERED = "not covered"
    WARNING = "warning"
    CHECK_FAILED = "check failed"
    PARTIAL = "partly done"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    LOCKED = "locked"


_EXIT: Mapping[Status, ExitCode] = {
    Status.DONE: ExitCode.OK,
    Status.UNCHANGED: ExitCode.OK,
    Status.SKIPPED: ExitCode.OK,
    Status.NOT_COVERED: ExitCode.OK,
    Status.WARNING: ExitCode.OK,
    Status.CHECK_FAILED: ExitCode.CHECK_FAILED,
    Status.PARTIAL: ExitCode.PARTIAL,
    Status.FAILED: ExitCode.FAILED,
    Status.INTERRUPTED: ExitCode.FAILED,
    Status.LOCKED: ExitCode.LOCKED,
}

_GRAVITY = (ExitCode.EVIDENCE_DAMAGED, ExitCode.FAILED, ExitCode.CONFIGURATION, ExitCode.USAGE,
            ExitCode.CHECK_FAILED, ExitCode.PARTIAL, ExitCode.APPROVAL, ExitCode.OUTSIDE_WINDOW, ExitCode.NOT_COVERED,
            ExitCode.LOCKED)


@dataclass(frozen=True)
class Outcome:
    """One row of a result: `service` is the contract's service id, `summary` one line for people.

    `exit_code` follows from the status unless the work ended with an error of its own code.
    `data` is JSON-serialisable and free of secrets.
    """

    customer: str
    service: str
    status: Status
    summary: str
    resolution: str = ""
    run: str = ""
    exit_code: ExitCode | None = None
    warnings: tuple[str, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)

    @property
    def code(self) -> ExitCode:
        """The exit code this outcome asks for."""
        return _EXIT[self.status] if self.exit_code is None else self.exit_code


def combined_exit_code(outcomes: Iterable[Outcome]) -> ExitCode:
    """One exit code for many outcomes: the gravest, also when others were done.

    A damaged ledger stays visible above everything; locked and outside-window rows alone keep their code.
    """
    codes = [outcome.code for outcome in outcomes]
    for grave in _GRAVITY:
        if grave in codes:
            return grave
    return ExitCode.OK
