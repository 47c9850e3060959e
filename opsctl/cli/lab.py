"""`opsctl lab`: real hosts on this machine, to try opsctl and rehearse changes."""

from __future__ import annotations

from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from opsctl.cli.command import Kind, command, group
from opsctl.cli.emit import note
from opsctl.cli.result import Result, table
from opsctl.cli.workplace import Yes, confirm
from opsctl.core.errors import ExitCode

if TYPE_CHECKING:
    from opsctl.lab.status import LabStatus

app = group("Real hosts on this machine, to try opsctl and rehearse changes.")
_LAB = "it works on the lab's own hosts alone"
Hosts = Annotated[list[str] | None, typer.Argument(metavar="[HOST]...", help="Only these hosts; all by default.")]


class Switch(StrEnum):
    """A fault is on or off."""

    ON = "on"
    OFF = "off"


@command(app, "lab", "up", kind=Kind.ACTS, without=_LAB)
def up() -> Result:
    """Bring the lab up from any state; the first time it builds two Debian systems, which takes minutes."""
    from opsctl.lab import service

    return _shown(service.up(Path.cwd(), note))


@command(app, "lab", "down", kind=Kind.ACTS, without=_LAB)
def down() -> Result:
    """Stop the lab and leave nothing behind; its ledger and store are archived together."""
    from opsctl.lab import service

    status = service.down(note)
    states = {**{host.name: host.state for host in status.hosts}, **{s.name: s.state for s in status.services}}
    left = [name for name, state in states.items() if state in {"running", "frozen"}]
    return Result(asdict(status), f"still running: {', '.join(left)}" if left else "the lab is down",
                  ExitCode.FAILED if left else ExitCode.OK)


@command(app, "lab", "reset", kind=Kind.ACTS, without=_LAB)
def reset(hosts: Hosts = None, yes: Yes = False) -> Result:
    """Make hosts as new; without names also the store and the ledger, whose contents are archived."""
    from opsctl.lab import service

    confirm("Throw away what is on " + (", ".join(hosts) if hosts else "all hosts, the store and the ledger") + "?",
            yes)
    return _shown(service.reset(Path.cwd(), note, hosts or ()))


@command(app, "lab", "status", kind=Kind.ASKS, without=_LAB)
def status() -> Result:
    """Show the lab's hosts and servers; exit code 8 when something is not running."""
    from opsctl.lab.status import status as read

    return _shown(read())


@command(app, "lab", "fault", kind=Kind.ACTS, without=_LAB)
def fault(target: Annotated[str, typer.Argument(metavar="TARGET", help="A host or server, see `opsctl lab status`.")],
          kind: Annotated[str, typer.Argument(metavar="KIND", help="A wrong one is answered with those there are.")],
          switch: Annotated[Switch, typer.Argument(metavar="on|off", help="Switch it on or off.")]) -> Result:
    """Switch a fault on or off: stop, freeze, cut or slow a link, fill a disk, refuse uploads."""
    from opsctl.lab.fault import active, set_fault

    set_fault(target, kind, switch is Switch.ON)
    now = active(target)
    return Result({"target": target, "faults": list(now)}, f"{target}: {', '.join(now) or 'no fault'}")


def _shown(status: LabStatus) -> Result:
    rows = [(host.name, host.customer, host.address, host.state, ", ".join(host.faults) or "-")
            for host in status.hosts]
    rows += [(one.name, "server", one.address, one.state,
              ", ".join((*one.faults, *(f"lost {what}" for what in one.lost))) or "-") for one in status.services]
    text = table(("name", "customer", "address", "state", "notes"), rows)
    if status.complete:
        return Result(asdict(status), text)
    missing = ", ".join(row[0] for row in rows if row[3] != "running") or "the network"
    error = {"message": f"not running: {missing}", "resolution": "run `opsctl lab up`"}
    return Result(asdict(status), f"{text}\n\nnot running: {missing}; run `opsctl lab up`",
                  ExitCode.CHECK_FAILED, (), (error,))
