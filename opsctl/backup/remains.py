"""What rehearsals that died left on a host, a decrypted copy each: removed before the next one begins.

A folder or database with a rehearsal's name belongs to a rehearsal that died when no restore is at work on the host:
its program's unit ends with it, and the unit of its server with that.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Sequence

from opsctl.backup.dialogue import HostProgram
from opsctl.backup.engines.contract import DatabaseEngine, Target
from opsctl.backup.remote import Started
from opsctl.core.errors import OperationFailed, OpsctlError
from opsctl.profiles.model import KamstrupProfile
from opsctl.runs.service import Run

CLEARED = "backup.rehearsal-cleared"
_PARENT, _PREFIX = "/var/lib", "opsctl-"
_NAME = re.compile(r"rehearsal_[0-9a-f]{8}")
_FOLDER = re.compile(rf"{_PARENT}/{_PREFIX}{_NAME.pattern}(\.configuration)?")
SECONDS = 600


def new_place(*, logical: bool) -> tuple[str, str]:
    """The directory and the database of a new rehearsal; one of them is ""."""
    name = f"rehearsal_{secrets.token_hex(4)}"
    return ("", name) if logical else (f"{_PARENT}/{_PREFIX}{name}", "")


def reserved(target: Target) -> bool:
    """Is it a rehearsal's place, which the next rehearsal removes?"""
    return bool(_NAME.fullmatch(target.database) or _FOLDER.fullmatch(target.directory))


def clear(run: Run, profile: KamstrupProfile, started: Started, engine: DatabaseEngine, target: Target) -> None:
    """Remove what is left, tell and record it. What cannot be removed keeps no rehearsal from being made."""
    host = started.program
    own = {database.name for database in profile.databases}
    # What is there is listed before who is at work: who made it then is either seen at work, or dead.
    folders = _folders(host)
    databases = [one for one in engine.databases(host, target)
                 if _NAME.fullmatch(one.database) and one.database not in own]
    if not folders and not databases:
        return
    at_work = _units(host, "opsctl-restore-*.service").keys() - {f"{started.unit}.service"}
    if at_work:
        run.say(f"{host.hello.host}: {min(at_work)} is at work: what earlier rehearsals left is removed by a later one")
        return
    left = dict(_removed(host, engine, folders, databases))
    for place, reason in left.items():
        run.say(f"{host.hello.host}: {place}, left by a rehearsal that died, "
                + (f"cannot be removed: {reason}" if reason else "is removed"))
    run.record(CLEARED, {"host": host.hello.host, "removed": [place for place, reason in left.items() if not reason],
                         "left": {place: reason for place, reason in left.items() if reason}})


def _folders(host: HostProgram) -> list[str]:
    said = host.run(("find", _PARENT, "-mindepth", "1", "-maxdepth", "1", "-type", "d",
                     "-name", f"{_PREFIX}rehearsal_*"))
    return sorted(line for line in said.out.splitlines() if _FOLDER.fullmatch(line))


def _units(host: HostProgram, pattern: str) -> dict[str, str]:
    """Each unit at work, with what it runs. A host that does not say raises: then nobody knows whose a place is."""
    said = host.run(("systemctl", "list-units", "--plain", "--no-legend",
                     "--state=active,activating,deactivating,reloading", pattern))
    if said.code:
        raise OperationFailed(f"{host.hello.host}: systemd does not say what is at work: {said.err.strip()[:200]}",
                              "look at the host: systemctl status")
    names = [line.split()[0] for line in said.out.splitlines() if line.strip()]
    return {name: host.run(("systemctl", "show", "--property=ExecStart", "--value", name)).out for name in names}


def _removed(host: HostProgram, engine: DatabaseEngine, folders: Sequence[str],
             databases: Sequence[Target]) -> Iterator[tuple[str, str]]:
    """Each place, and why it could not be removed; "" when it was. A server that runs on its files is stopped."""
    servers = _units(host, "opsctl-restored-*.service")
    for folder in folders:
        data = folder.removesuffix(".configuration")
        failures = [done(host, ("systemctl", "stop", unit)) for unit, runs in servers.items() if data in runs]
        yield folder, next(filter(None, failures), "") or done(host, ("rm", "-rf", "--one-file-system", "--", folder))
    for one in databases:
        yield one.place, done(host, engine.undo(one))


def done(host: HostProgram, argv: Sequence[str]) -> str:
    """Why a command on the host failed; "" when it did not."""
    try:
        ran = host.run(argv, seconds=SECONDS)
    except OpsctlError as error:
        return error.message
    return (ran.err.strip() or f"exit code {ran.code}")[:200] if ran.code else ""
