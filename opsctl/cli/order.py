"""`opsctl order`: add-ons that were bought (P18, P20)."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from opsctl.cli.command import Kind, command, group
from opsctl.cli.granted import NOTED, By, From, Reference, To, added, defaulted, register_reading, time
from opsctl.cli.result import Result
from opsctl.cli.workplace import Customer
from opsctl.contract.records import RecordKind
from opsctl.core.errors import UsageError

if TYPE_CHECKING:
    from opsctl.profiles.model import Profile
    from opsctl.records.register import Grant

app = group("Orders of add-ons, such as Kamstrup API Access.")


@command(app, "order", "add", kind=Kind.ACTS, without=NOTED)
def add(customer: Customer, reference: Reference, by: By,
        addon: Annotated[str, typer.Option("--addon", metavar="NAME", help="api-access or network-management.")],
        start: From = None, end: To = None) -> Result:
    """Record the order of an add-on; from its start on the gate knows it as bought."""
    def make(found: Profile, now: datetime) -> tuple[Grant, tuple[str, ...]]:
        from opsctl.profiles.parts import AddonName
        from opsctl.records.register import Grant

        if addon not in set(AddonName):
            raise UsageError(f"there is no add-on {addon!r}", f"one of {', '.join(AddonName)}")
        bought = {one.name.value: one.order for one in found.addons}
        if addon in bought:
            raise UsageError(f"{addon} is ordered already, by {bought[addon]} in the profile",
                             "nothing is to be recorded; an order in the ledger and in `addons` would be one too many")
        warnings = () if addon != AddonName.API_ACCESS or found.hosting == "kamstrup" else (
            "Kamstrup API Access comes only with a system that Kamstrup hosts (P27): the order opens nothing here",)
        return Grant(RecordKind.ORDER, reference, by, time(start, "--from", found) or now, time(end, "--to", found),
                     (addon,), defaulted=defaulted(valid_from=start)), warnings

    return added(customer, make)


register_reading(app, RecordKind.ORDER, "orders")
