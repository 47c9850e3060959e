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
from opsctl.core.errors import ExitCode, UsageError

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
def up(upgrades: Annotated[bool, typer.Option("--with-upgrades", help="Offer the next Debian release to hosts of the "
                                                                      "old one; fetched once.")] = False) -> Result:
    """Bring the lab up from any state; the first time it builds two Debian systems, which takes minutes."""
    from opsctl.lab import service

    return _shown(service.up(Path.cwd(), note, upgrades=upgrades))


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


@command(app, "lab", "history", kind=Kind.ACTS, without="it invents the history of customers that do not exist")
def history(days: Annotated[int, typer.Option("--days", help="So many days of history.")] = 400,
            customers: Annotated[int, typer.Option("--customers", help="So many invented customers.")] = 1000,
            seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same history.")] = 1,
            last: Annotated[str | None, typer.Option("--last-day", metavar="YYYY-MM-DD",
                                                     help="The last day; today by default.")] = None,
            directory: Annotated[Path | None, typer.Option("--directory", metavar="FOLDER",
                                                           help="A folder that does not exist yet.")] = None,
            ledger: Annotated[str, typer.Option("--ledger", metavar="URL", help="An empty ledger instead of a file in "
                                                "the folder.")] = "") -> Result:
    """Generate the history of invented customers, for benchmarks and to look at reports; it is marked everywhere.

    It makes a folder with opsctl.yml, profiles and a ledger. A ledger that holds anything is refused, and one that
    holds generated history refuses every command that acts.
    """
    from datetime import date

    from opsctl.cli.workplace import settings
    from opsctl.core.clock import SystemClock, local_day
    from opsctl.lab.history.service import ZONE, Wanted, default_folder, generate

    try:
        day = date.fromisoformat(last) if last else local_day(SystemClock().now(), ZONE)
    except ValueError:
        raise UsageError("--last-day is not a day", "write it as 2026-11-25") from None
    known = settings()
    made = generate(Wanted(directory or default_folder(), known.releases, known.templates, customers, days, seed, day,
                           ledger), note)
    size = f", {made.bytes / 1e6:.0f} MB" if made.bytes is not None else ""
    return Result({**asdict(made), "settings": str(made.settings)},
                  f"{made.entries} entries of {made.customers} invented customers{size}, in {made.seconds:.0f} s "
                  f"({made.cpu_seconds:.0f} s of CPU)\nexport OPSCTL_CONFIG={made.settings}")


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
