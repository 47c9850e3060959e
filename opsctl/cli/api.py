"""`opsctl api`: Kamstrup API Access, bought or not, checked, and its key replaced (P18, P27)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from opsctl.cli.command import Format, Formatted, Kind, command, group
from opsctl.cli.result import Result, nagios_result, outcomes_result, table
from opsctl.cli.workplace import All, At, Customers, instant, select, workplace
from opsctl.contract.services import Service
from opsctl.core.errors import ExitCode
from opsctl.core.outcome import Outcome

app = group("Kamstrup API Access: what was bought, whether it answers, its key.")
_SERVICES = (Service.SYSTEM_INTEGRATION,)
_WHO = Annotated[str, typer.Argument(metavar="CUSTOMER", help="A customer's name, see `opsctl customers list`.")]


@command(app, "api", "show", kind=Kind.ASKS, without="it reads profiles and orders and delivers nothing")
def show(customers: Customers = None, at: At = None) -> Result:
    """Show for each customer whether API Access was bought and may be used; all customers by default."""
    from opsctl.contract.gate import API_ACCESS
    from opsctl.contract.records import RecordKind
    from opsctl.profiles.model import KamstrupProfile, terms_at
    from opsctl.records.api_check import REQUEST
    from opsctl.records.register import records
    from opsctl.runs.service import gate

    when, selection = instant(at), select(customers, not customers)
    rows = []
    with workplace(acts=False) as place:
        for profile in selection.profiles:
            found = records(place, profile.customer, RecordKind.ORDER)
            orders = {record.covers[0]: record.reference for record in found if record.permission().holds(when)}
            orders |= dict(terms_at(profile, when).addons)
            decision = gate(profile, REQUEST, when, place.ledger)
            access = profile.api if isinstance(profile, KamstrupProfile) else None
            rows.append({"customer": profile.customer, "hosting": profile.hosting, "order": orders.get(API_ACCESS, ""),
                         "allowed": decision.allowed, "reason": decision.reason,
                         "credentials": access.credentials if access else ""})
    text = table(("customer", "hosted by", "order", "may be used", "why"),
                 [(row["customer"], row["hosting"], row["order"] or "none", "yes" if row["allowed"] else "no",
                   row["reason"]) for row in rows])
    warnings = tuple(f"{name}: {error.message}" for name, error in selection.broken.items())
    return Result({"customers": rows}, text, warnings=warnings)


@command(app, "api", "check", kind=Kind.ACTS, services=_SERVICES)
def check(customers: Customers = None, everyone: All = False, output: Formatted = Format.TABLE) -> Result:
    """Ask READY's API with the customer's key: TLS, key, guard, version; exit code 8 when something is wrong."""
    from opsctl.cli.each import for_each, hosted
    from opsctl.records.api_check import REQUEST
    from opsctl.records.api_check import check as check_api

    selection = select(customers, everyone)
    with workplace(acts=True) as place:
        outcomes = for_each(selection, Service.SYSTEM_INTEGRATION,
                            lambda profile: check_api(place, hosted(place, profile, REQUEST)))
    return nagios_result("API", outcomes) if output is Format.NAGIOS else outcomes_result(outcomes)


@command(app, "api", "rotate", kind=Kind.ACTS, services=_SERVICES)
def rotate(customer: _WHO,
           at_once: Annotated[bool, typer.Option("--at-once", help="Withdraw the old key in the same run: systems that "
                                                                   "still use it are cut off.")] = False) -> Result:
    """Replace the customer's API key without a gap; the old one is accepted until it is withdrawn."""
    from opsctl.cli.each import for_each, hosted
    from opsctl.records.api_check import REQUEST
    from opsctl.records.api_rotation import rotate as rotate_key

    selection = select([customer], False)
    with workplace(acts=True) as place:
        outcomes = for_each(selection, Service.SYSTEM_INTEGRATION, lambda profile: rotate_key(
            place, hosted(place, profile, REQUEST), at_once=at_once))
    return outcomes_result(outcomes, tail=_next(outcomes))


@command(app, "api", "withdraw", kind=Kind.ACTS, services=_SERVICES)
def withdraw(customer: _WHO) -> Result:
    """Let no host accept the key that was replaced, and prove that it is refused."""
    from opsctl.cli.each import for_each, hosted
    from opsctl.records.api_check import REQUEST
    from opsctl.records.api_rotation import withdraw as withdraw_key

    selection = select([customer], False)
    with workplace(acts=True) as place:
        outcomes = for_each(selection, Service.SYSTEM_INTEGRATION,
                            lambda profile: withdraw_key(place, hosted(place, profile, REQUEST)))
    return outcomes_result(outcomes)


def _next(outcomes: Sequence[Outcome]) -> str:
    """What comes next after a rotation that went well; the table tells it only of what went wrong."""
    return "\n".join(f"next: {one.resolution}" for one in outcomes if one.code is ExitCode.OK and one.resolution)
