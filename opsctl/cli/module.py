"""`opsctl module`: READY's modules at a customer, switched on under an agreement (P50)."""

from __future__ import annotations

from typing import Annotated

import typer

from opsctl.cli.command import Kind, command, group
from opsctl.cli.result import Result, outcomes_result, table
from opsctl.cli.workplace import Customer, Yes, confirm, profile, workplace
from opsctl.contract.services import Service

app = group("READY's modules: which are on, and switching one under an agreement.")
_SERVICES = (Service.SOFTWARE_UPDATE_MINOR,)
_Name = Annotated[str, typer.Argument(metavar="MODULE", help="As `opsctl module list` names it.")]


@command(app, "module", "list", kind=Kind.ASKS, services=_SERVICES)
def list_modules(customer: Customer) -> Result:
    """List the modules of the release that the customer runs, which are on, and which an agreement opens now."""
    from opsctl.cli.each import hosted
    from opsctl.installs.modules import READING, SWITCHED, release_of, request, switched_on
    from opsctl.releases.catalogue import load
    from opsctl.runs.service import gate

    found = profile(customer)
    with workplace(acts=False) as place:
        mine = hosted(place, found, READING)
        release = release_of(place, mine, load(place.settings.releases))
        on = switched_on(place.ledger.entries(customer, kinds=(SWITCHED,)))
        rows = []
        for name in sorted(release.modules):
            decision = gate(mine, request(mine, name, True), place.clock.now(), place.ledger)
            source = "profile" if name in mine.ready.modules else "switched on by opsctl" if name in on else ""
            rows.append({"module": name, "on": bool(source), "source": source, "allowed": decision.allowed,
                         "reason": decision.reason, "licensed": release.modules[name].licensed})
    text = table(("module", "state", "may be switched on", "why"), [
        (row["module"], f"on ({row['source']})" if row["on"] else "off", "yes" if row["allowed"] else "no",
         "-" if row["allowed"] else row["reason"]) for row in rows])
    return Result({"customer": customer, "version": str(release.version), "modules": rows},
                  f"READY {release.version}\n\n{text}")


@command(app, "module", "enable", kind=Kind.ACTS, services=_SERVICES)
def enable(customer: Customer, name: _Name, yes: Yes = False) -> Result:
    """Switch a module on under its agreement, in an open window, and prove READY healthy with it."""
    return _switch(customer, name, True, yes)


@command(app, "module", "disable", kind=Kind.ACTS, services=_SERVICES)
def disable(customer: Customer, name: _Name, yes: Yes = False) -> Result:
    """Switch a module off, in an open window, and prove READY healthy without it."""
    return _switch(customer, name, False, yes)


def _switch(customer: str, name: str, on: bool, yes: bool) -> Result:
    from opsctl.cli.each import hosted
    from opsctl.cli.granted import known_module
    from opsctl.fleet.modules import switch_module
    from opsctl.installs.modules import READING, request, require_module
    from opsctl.releases.catalogue import load

    found, wanted = profile(customer), known_module(name, "")
    with workplace(acts=True) as place:
        # What the release does not bring needs no agreement first.
        mine, releases = hosted(place, found, READING), load(place.settings.releases)
        require_module(place, mine, releases, wanted)
        hosted(place, found, request(found, wanted, on))
        confirm(f"Switch {wanted} {'on' if on else 'off'} at {customer}? READY is restarted.", yes)
        return outcomes_result([switch_module(place, mine, releases, wanted, on)])
