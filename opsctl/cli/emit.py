"""The only place that writes to stdout and stderr, and the envelope of `--json`."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from opsctl.cli.result import Result
from opsctl.core.errors import ExitCode, OpsctlError


class OutputLost(OpsctlError):
    """The result could not be written to stdout."""


def envelope(result: Result) -> str:
    """`ok`, `data`, `warnings`, `errors`, `exit_code`: the same five keys for every command."""
    return json.dumps({"ok": result.exit_code == ExitCode.OK, "data": result.data, "warnings": list(result.warnings),
                       "errors": list(result.errors), "exit_code": int(result.exit_code)},
                      ensure_ascii=(sys.stdout.encoding or "").lower() != "utf-8", indent=2, default=str)


def emit(result: Result, *, as_json: bool) -> None:
    """Results on stdout; warnings on stderr, or in the envelope."""
    if as_json:
        _write(envelope(result))
        return
    for warning in result.warnings:
        note(f"warning: {warning}")
    if result.text:
        _write(result.text)


def emit_error(error: OpsctlError, *, as_json: bool) -> None:
    """One error: what happened, where, what to do; as an envelope on stdout with `--json`."""
    if as_json:
        entry: Mapping[str, Any] = {"message": error.message, "resolution": error.resolution,
                                    "details": list(error.details), "exit_code": int(error.exit_code)}
        _write(envelope(Result({}, "", error.exit_code, (), (entry,))))
        return
    note(f"error: {error.message}")
    for detail in error.details:
        note(f"  {detail}")
    if error.resolution:
        note(f"what to do: {error.resolution}")


def note(line: str) -> None:
    """One line for people on stderr: progress, errors, logs. Work goes on when nobody reads it."""
    with suppress(OSError):
        sys.stderr.write(line + "\n")
        sys.stderr.flush()


def _write(text: str) -> None:
    """The result on stdout. OutputLost when it cannot be written; BrokenPipeError when its reader went away."""
    try:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputLost(f"the output cannot be written: {error.strerror}",
                         "make room, or send it elsewhere; what the command did is done") from None
