"""`opsctl network`: surveillance and inventory of delivered components."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from opsctl.cli.command import Format, Formatted, Kind, command, group
from opsctl.cli.result import Result, nagios_result, outcomes_result, table
from opsctl.cli.workplace import (
    All,
    At,
    Customer,
    Customers,
    DryRun,
    Yes,
    confirm,
    instant,
    select,
    workplace,
)
from opsctl.contract.services import Service
from opsctl.core.errors import OpsctlError

if TYPE_CHECKING:
    from opsctl.ledger import Entry
    from opsctl.network.renewal import Renewal

app = group("The network components that Kamstrup delivered.")

Days = Annotated[int, typer.Option("--days", metavar="N", min=1, max=400, help="So many days back.")]


@command(app, "network", "check", kind=Kind.ACTS, services=(Service.NETWORK_MANAGEMENT,))
def check(customers: Customers = None, everyone: All = False, output: Formatted = Format.TABLE) -> Result:
    """Probe each component delivered by Kamstrup; exit code 8 when one is down.

    Others are skipped by name. What does not answer while planned work runs is shown as that.
    """
    from opsctl.cli.each import for_hosted
    from opsctl.network.service import REQUEST
    from opsctl.network.service import check as check_network

    selection = select(customers, everyone)
    with workplace(acts=True) as place:
        outcomes = for_hosted(place, selection, REQUEST, lambda profiles: check_network(place, profiles))
    return nagios_result("NETWORK", outcomes) if output is Format.NAGIOS else outcomes_result(outcomes)


@command(app, "network", "renew", kind=Kind.ACTS, services=(Service.NETWORK_MANAGEMENT,))
def renew(customer: Customer, component: Annotated[str | None, typer.Option(
        "--component", metavar="NAME", help="This one, however long its certificate is still valid.")] = None,
          yes: Yes = False, dry_run: DryRun = False) -> Result:
    """Renew certificates that end soon, by an authority or ACME server of opsctl.yml; proven by a new handshake.

    The key is made on the host and stays there. Where it cannot be proven, the old certificate is put back.
    """
    from datetime import timedelta

    from opsctl.cli.each import for_each, hosted
    from opsctl.fleet.starting import require_window
    from opsctl.network.renewal import REQUEST, due
    from opsctl.network.renewal import renew as renew_certificates

    selection = select([customer], False)
    with workplace(acts=not dry_run) as place:
        mine = hosted(place, selection.profiles[0], REQUEST)
        wanted = due(place, mine, component)
        told = "\n".join(one.told() for one in wanted) or "no certificate that opsctl could renew ends soon"
        if dry_run or all(isinstance(one.authority, OpsctlError) for one in wanted):
            return _planned(mine.customer, wanted, told)
        confirm(f"{told}\nRenew?", yes)
        outcomes = for_each(selection, Service.NETWORK_MANAGEMENT, lambda profile: renew_certificates(
            place, mine, wanted, lambda: require_window(place, mine, "network renew", timedelta(minutes=5))))
    return outcomes_result(outcomes)


@command(app, "network", "history", kind=Kind.ASKS, services=(Service.NETWORK_MANAGEMENT,))
def history(customers: Customers = None, everyone: All = False, days: Days = 30, at: At = None) -> Result:
    """What changed between checks: states, certificates, host keys, addresses."""
    rows = [(customer, entry.recorded_at.isoformat(timespec="seconds"), change["name"], change["of"], change["before"],
             change["after"], entry.reference)
            for customer, entries in _entries(customers, everyone, instant(at), days) for entry in entries
            for change in entry.payload["changes"]]
    headings = ("customer", "at", "component", "of", "before", "after", "evidence")
    text = table(headings, rows) if rows else f"no change is on record in the last {days} days"
    return Result({"changes": [dict(zip(headings, row, strict=True)) for row in rows]}, text)


@command(app, "network", "inventory", kind=Kind.ASKS, services=(Service.NETWORK_MANAGEMENT,))
def inventory(customers: Customers = None, everyone: All = False, at: At = None) -> Result:
    """The components as the last check found them: address, state, certificate, host key."""
    from opsctl.network.history import last_of

    rows = []
    for customer, entries in _entries(customers, everyone, instant(at), 60):
        last = last_of(entries)
        found = {one["name"]: one for one in entries[-1].payload["components"]} if entries else {}
        for name, past in last.items():
            facts = ", ".join(f"{fact} {value[:24]}" for fact, value in sorted(past.facts.items()))
            rows.append((customer, name, found[name]["kind"], found[name]["address"], past.state, facts,
                         past.at.isoformat(timespec="seconds"), past.evidence))
        skipped = entries[-1].payload["skipped"] if entries else ()
        rows += [(customer, name, "", "", "not covered", "the customer's own", "", "") for name in skipped]
    headings = ("customer", "component", "kind", "address", "state", "facts", "checked", "evidence")
    text = table(headings, rows) if rows else "nothing was checked in the last 60 days; run `opsctl network check`"
    return Result({"components": [dict(zip(headings, row, strict=True)) for row in rows]}, text)


def _planned(customer: str, wanted: Sequence[Renewal], told: str) -> Result:
    """What would be renewed; a failure where something that ought to be cannot be, as it is set up."""
    from opsctl.fleet.failures import failed

    bad = outcomes_result([failed(customer, Service.NETWORK_MANAGEMENT, one.authority) for one in wanted
                           if isinstance(one.authority, OpsctlError)])
    text = f"{told}\n\n{bad.text}" if bad.errors else told
    return Result({"renewals": [{"component": one.component.name, "why": one.why} for one in wanted]}, text,
                  bad.exit_code, (), bad.errors)


def _entries(customers: list[str] | None, everyone: bool, when: datetime,
             days: int) -> Iterator[tuple[str, list[Entry]]]:
    from opsctl.network.history import CHECKED
    from opsctl.network.service import REQUEST
    from opsctl.runs.service import gate

    selection = select(customers, everyone)
    with workplace(acts=False) as place:
        for profile in selection.profiles:
            decision = gate(profile, REQUEST, when, place.ledger)
            if not decision.allowed and not selection.explicit:
                continue
            decision.require(profile.customer)
            yield profile.customer, list(place.ledger.entries(profile.customer, kinds=(CHECKED,),
                                                              since=when - timedelta(days=days), until=when))
