"""The errors opsctl raises on purpose, and the exit codes they end with.

An error says what happened, where, and what to do next. It has no side effects and never
carries a secret. `cli/` is the only place that catches them for printing.
"""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """The documented exit codes of every command (docs/exit-codes.md)."""

    OK = 0
    FAILED = 1
    USAGE = 2
    CONFIGURATION = 3
    NOT_COVERED = 4
    OUTSIDE_WINDOW = 5
    APPROVAL = 6
    PARTIAL = 7
    CHECK_FAILED = 8
    EVIDENCE_DAMAGED = 9
    LOCKED = 75


class OpsctlError(Exception):
    """Base of all deliberate errors.

    message: one or two sentences, what happened and where.
    resolution: what the reader can do about it; empty only when nothing can be done.
    details: further lines, for example one per configuration error.
    """

    exit_code: ExitCode = ExitCode.FAILED

    def __init__(self, message: str, resolution: str = "", details: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.resolution = resolution
        self.details = details


class OperationFailed(OpsctlError):
    """The work was tried and did not succeed."""


class UsageError(OpsctlError):
    """The command line asks for something that cannot be meant."""

    exit_code = ExitCode.USAGE


class ConfigurationError(OpsctlError):
    """A profile, inventory, release file or setting is invalid or missing."""

    exit_code = ExitCode.CONFIGURATION


class NotCovered(OpsctlError):
    """The contract does not cover what was asked for; names the row and the promise.

    service: the contract's service that was refused, where it is known.
    """

    exit_code = ExitCode.NOT_COVERED

    def __init__(self, message: str, resolution: str = "", details: tuple[str, ...] = (), service: str = "") -> None:
        super().__init__(message, resolution, details)
        self.service = service


class OutsideWindow(OpsctlError):
    """No maintenance window is open, a freeze holds, or it is too late to start."""

    exit_code = ExitCode.OUTSIDE_WINDOW


class ApprovalMissing(OpsctlError):
    """An approval is missing, expired, void, or the plan is not the approved one."""

    exit_code = ExitCode.APPROVAL


class PartlyDone(OpsctlError):
    """Some of the planned work was done, some was not; it can be taken up again."""

    exit_code = ExitCode.PARTIAL


class CheckFailed(OpsctlError):
    """A check found a problem, or a promise is broken."""

    exit_code = ExitCode.CHECK_FAILED


class EvidenceDamaged(OpsctlError):
    """The ledger or a manifest does not match what was recorded."""

    exit_code = ExitCode.EVIDENCE_DAMAGED


class Locked(OpsctlError):
    """Another run holds the lease; trying again later is right (EX_TEMPFAIL of sysexits.h)."""

    exit_code = ExitCode.LOCKED
