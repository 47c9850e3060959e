"""Trying a restored server out: in a unit of its own beside the real one, asked, stopped, checked."""

from __future__ import annotations

from typing import Any

from opsctl.backup.dialogue import HostProgram
from opsctl.backup.engines.contract import DatabaseEngine, Target
from opsctl.backup.manifest import Manifest
from opsctl.backup.remote import Started
from opsctl.core.errors import OperationFailed

START_SECONDS = 3600
STOP_SECONDS = 300


def unit_of(target: Target) -> str:
    """The unit of the restored server."""
    return f"opsctl-restored-{target.port}"


def run_trial(started: Started, engine: DatabaseEngine, target: Target, manifest: Manifest, *,
              leave_running: bool) -> dict[str, Any]:
    """Start the server on the restored files, ask it, and stop it unless it is to stay; returns what it showed.

    A backup that went into a database of the host's server is asked there.
    """
    host, unit = started.program, unit_of(target)
    own = bool(engine.server(target, manifest))
    if own:
        _start(started, engine, target, manifest, bound=not leave_running)
    tried = engine.try_out(host, target, manifest)
    found: dict[str, Any] = {"version": tried.version, "facts": dict(tried.facts), "rows": dict(tried.rows),
                             "checks": dict(tried.checks)}
    if not own:
        return found
    if leave_running:
        return {**found, "unit": f"{unit}.service", "port": target.port}
    stopped = host.run(("systemctl", "stop", f"{unit}.service"), seconds=2 * STOP_SECONDS)
    if stopped.code:
        raise OperationFailed(f"{host.hello.host}: {unit} did not stop: {stopped.err.strip()[:200]}",
                              f"stop it on the host: systemctl stop {unit}")
    found["checks"].update(engine.after_stop(host, target, manifest))
    return found


def _start(started: Started, engine: DatabaseEngine, target: Target, manifest: Manifest, *, bound: bool) -> None:
    host, unit = started.program, unit_of(target)
    # Bound to this run's unit, the server cannot outlive it, however the run ends.
    bind = (f"--property=BindsTo={started.unit}.service",) if bound else ()
    begun = host.run(("systemd-run", "--quiet", "--collect", f"--unit={unit}", f"--uid={engine.owner}",
                      "--property=Type=notify", "--property=NotifyAccess=all", "--property=KillMode=mixed",
                      "--property=KillSignal=SIGINT" if engine.owner == "postgres" else "--property=KillSignal=SIGTERM",
                      f"--property=TimeoutStartSec={START_SECONDS}", f"--property=TimeoutStopSec={STOP_SECONDS}",
                      "--property=UMask=0077", *bind, *engine.server(target, manifest)), seconds=START_SECONDS)
    if begun.code:
        raise OperationFailed(f"{host.hello.host}: the restored server did not start",
                              "read the details; use another backup if the files are the cause",
                              _log(host, unit) or (begun.err.strip()[:300],))


def _log(host: HostProgram, unit: str) -> tuple[str, ...]:
    said = host.run(("journalctl", "--no-pager", "-o", "cat", "-n", "12", "-u", f"{unit}.service"))
    return tuple(line[:300] for line in said.out.splitlines() if line.strip())
