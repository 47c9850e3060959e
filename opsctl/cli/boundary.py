"""The single error boundary: every way a command can end becomes words, an envelope or a line, and an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from opsctl.cli.emit import OutputLost, emit, emit_error, note
from opsctl.cli.result import Result
from opsctl.core.errors import ExitCode, OperationFailed, OpsctlError, UsageError
from opsctl.core.text import printable

INTERRUPTED = 130
"""What Typer makes of a KeyboardInterrupt."""
NAGIOS_UNKNOWN = 3


@dataclass(frozen=True)
class Form:
    """How the caller wants to be answered; read from the words themselves, since they may be wrong otherwise."""

    json: bool
    nagios: bool


def form_of(arguments: Sequence[str]) -> Form:
    """The form that the command line asks for."""
    pairs = pairwise(arguments)
    return Form("--json" in arguments, "--format=nagios" in arguments or ("--format", "nagios") in pairs)


def bounded(call: Callable[[], object], form: Form) -> int:
    """Run `call`; return the exit code, having told what went wrong as far as anybody listens."""
    lost = NAGIOS_UNKNOWN if form.nagios else int(ExitCode.FAILED)
    try:
        return _bounded(call, form)
    except BrokenPipeError:
        # The reader went away; there is nobody left to tell.
        _drop_output()
        return lost
    except OutputLost as error:
        _drop_output()
        emit_error(error, as_json=False)
        return lost


def _bounded(call: Callable[[], object], form: Form) -> int:
    try:
        code = call()
        if code == INTERRUPTED:
            raise KeyboardInterrupt
        return code if isinstance(code, int) else 0
    except (BrokenPipeError, OutputLost):
        raise
    except OpsctlError as error:
        return told(error, form)
    except KeyboardInterrupt:
        return told(OperationFailed("interrupted",
                                    "see `opsctl status` for what is recorded, then run the command again"), form)
    except Exception as error:
        return _other(error, form)


def told(error: OpsctlError, form: Form) -> int:
    """Tell `error` in the form asked for. To monitoring, whatever could not be checked is UNKNOWN."""
    if not form.nagios:
        emit_error(error, as_json=form.json)
        return int(error.exit_code)
    line = printable(f"OPSCTL UNKNOWN - {error.message}").replace("|", "/")
    if error.resolution:
        note(f"what to do: {error.resolution}")
    entry = {"message": error.message, "resolution": error.resolution, "details": list(error.details),
             "exit_code": int(error.exit_code)}
    emit(Result({"state": "UNKNOWN"}, line, NAGIOS_UNKNOWN, (), (entry,)), as_json=form.json)
    return NAGIOS_UNKNOWN


def _other(error: Exception, form: Form) -> int:
    """Usage errors of Typer's own Click (private there, so known by their shape), and defects."""
    if type(error).__name__ == "NoArgsIsHelpError" and not form.json:
        note(str(error))
        return int(ExitCode.USAGE)
    if hasattr(error, "format_message") and hasattr(error, "exit_code"):
        context = getattr(error, "ctx", None)
        where = f"`{context.command_path} --help`" if context is not None else "`opsctl --help`"
        return told(UsageError(error.format_message(), f"see {where}"), form)
    if type(error).__name__ == "Abort":
        return told(OperationFailed("not confirmed; nothing was changed", "answer yes, or give --yes"), form)
    code = told(OperationFailed(f"unexpected {type(error).__name__}; this is a defect of opsctl",
                                "run again with OPSCTL_TRACEBACK=1 and report what it prints"), form)
    if os.environ.get("OPSCTL_TRACEBACK"):
        import traceback

        note("".join(traceback.format_exception(error)))
    return code


def prepare_streams() -> None:
    """Make the three standard streams fit for anything.

    A closed one is opened on nothing, or the next file opened would take its number and get what is printed;
    a character that the output's encoding does not have is escaped.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
            os.set_inheritable(number, True)
    sys.stdin = sys.stdin or open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - for the whole process
    sys.stdout = sys.stdout or open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - as above
    sys.stderr = sys.stderr or open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - as above
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _drop_output() -> None:
    """What is still buffered has nowhere to go; without this Python complains at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
