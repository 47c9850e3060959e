"""Emptying the place of a restore: after one that failed, and at the end of a rehearsal.

Nothing is removed under a server that still runs on it, and what could not be removed is told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from opsctl.adapters.ssh import Shell
from opsctl.backup.dialogue import HostProgram
from opsctl.backup.engines.contract import DatabaseEngine, Target
from opsctl.backup.remains import done
from opsctl.backup.remote import Started
from opsctl.backup.trial import STOP_SECONDS, unit_of
from opsctl.core.errors import OpsctlError

EMPTY_SECONDS = 300


def take_away(host: HostProgram, engine: DatabaseEngine, target: Target) -> Mapping[str, str]:
    """Leave nothing of a rehearsal, not even its empty folders; what is left, with the reason."""
    reason = done(host, away(engine, target))
    return {target.place: reason} if reason else {}


def undo(started: Started, engine: DatabaseEngine, target: Target, *, rehearsal: bool) -> str:
    """Empty what was being filled, so that the next try finds it empty; why it could not be, or "".

    Over a broken link nothing can be done: then the server that is bound to this run ends with it.
    """
    shell = started.shell
    try:
        # This run's program first: else it could still be starting the server, or filling the place.
        shell.stop_unit(f"{started.unit}.service", timeout=20)
        if _runs_on(shell, target) and not shell.stop_unit(f"{unit_of(target)}.service", timeout=STOP_SECONDS + 30):
            return f"its server does not stop: systemctl stop {unit_of(target)}"
        ran = shell.run(away(engine, target) if rehearsal else engine.undo(target), sudo=True, timeout=EMPTY_SECONDS)
        if ran.exit_code == 0 or (target.directory and not rehearsal and _empty(shell, target)):
            return ""
        return ran.stderr.decode("utf-8", "replace").strip()[:200] or f"exit code {ran.exit_code}"
    except OpsctlError as error:
        return error.message


def away(engine: DatabaseEngine, target: Target) -> Sequence[str]:
    """The command that leaves nothing of a rehearsal, not even its empty folders."""
    if target.database:
        return engine.undo(target)
    return "rm", "-rf", "--one-file-system", "--", target.directory, target.configuration


def _runs_on(shell: Shell, target: Target) -> bool:
    """Is the unit of the restored server this restore's? One that an earlier restore left has the name of its port."""
    if not target.directory:
        return False
    shown = shell.run(["systemctl", "show", "--property=ExecStart", "--value", f"{unit_of(target)}.service"], sudo=True)
    return bool({target.directory, f"--datadir={target.directory}"} & set(shown.text().split()))


def _empty(shell: Shell, target: Target) -> bool:
    """Of a place without a folder for the configuration `find` says that it is not there: that is no failure."""
    for folder in (target.directory, target.configuration):
        if shell.run(["test", "-e", folder], sudo=True).exit_code == 0:
            seen = shell.run(["find", folder, "-xdev", "-mindepth", "1", "-print", "-quit"], sudo=True)
            if seen.exit_code or seen.stdout.strip():
                return False
    return True
