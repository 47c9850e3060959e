"""`opsctl access`: who at the customer granted access to its infrastructure, by which method, when, to what (P48)."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from opsctl.cli.command import Kind, command, group
from opsctl.cli.granted import NOTED, By, From, Reference, added, defaulted, register_reading, time
from opsctl.cli.result import Result
from opsctl.cli.workplace import Customer
from opsctl.contract.records import RecordKind
from opsctl.core.errors import UsageError

if TYPE_CHECKING:
    from opsctl.profiles.model import Profile
    from opsctl.records.register import Grant

app = group("Access that customers granted to their infrastructure.")


@command(app, "access", "add", kind=Kind.ACTS, without=NOTED)
def add(customer: Customer, reference: Reference, by: By,
        method: Annotated[str, typer.Option("--method", metavar="TEXT", help="How: VPN, jump host, on site, ...")],
        end: Annotated[str, typer.Option("--to", metavar="TIME", help="ISO 8601 with zone; exclusive.")],
        start: From = None,
        host: Annotated[list[str] | None, typer.Option("--host", metavar="NAME", help="Only this one of the profile's "
                                                       "`remote_hosts`; may be given several times. All by default.")]
        = None) -> Result:
    """Record access to a customer's infrastructure, from when to when and to which hosts."""
    def make(found: Profile, now: datetime) -> tuple[Grant, tuple[str, ...]]:
        from opsctl.records.register import Grant

        known = {one.name for one in getattr(found, "remote_hosts", ())}
        unknown = sorted(set(host or ()) - known)
        if unknown:
            raise UsageError(f"{customer} has no remote host {', '.join(unknown)}",
                             f"its profile has: {', '.join(sorted(known)) or 'none'}; see `remote_hosts`")
        warnings = () if found.hosting == "customer" else (
            "Kamstrup hosts this system, so no work needs this record; it is kept as evidence",)
        begins = time(start, "--from", found) or now
        return Grant(RecordKind.ACCESS, reference, by, begins, time(end, "--to", found), tuple(sorted(set(host or ()))),
                     {"method": method}, defaulted(valid_from=start)), warnings

    return added(customer, make)


register_reading(app, RecordKind.ACCESS, "access records")
