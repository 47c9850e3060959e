"""`opsctl permission`: third-party permissions for work on a customer's machines, confirmed by it (P51)."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from opsctl.cli.command import Kind, command, group
from opsctl.cli.granted import NOTED, By, From, Reference, To, added, defaulted, register_reading, time
from opsctl.cli.result import Result
from opsctl.cli.workplace import Customer
from opsctl.contract.records import RecordKind, agreement_end

if TYPE_CHECKING:
    from opsctl.profiles.model import Profile
    from opsctl.records.register import Grant

app = group("Third-party permissions that customers confirmed for work on their machines.")


@command(app, "permission", "add", kind=Kind.ACTS, without=NOTED)
def add(customer: Customer, reference: Reference, by: By,
        subject: Annotated[str, typer.Option("--subject", metavar="TEXT", help="What the customer holds or confirms, "
                                             "such as `OS subscription held`, or `none needed`.")],
        start: From = None, end: To = None) -> Result:
    """Record that the customer holds the licences and permissions that work on its machines needs."""
    def make(found: Profile, now: datetime) -> tuple[Grant, tuple[str, ...]]:
        from opsctl.records.register import Grant

        begins = time(start, "--from", found) or now
        warnings = () if found.hosting == "customer" else (
            "Kamstrup hosts this system, so no work needs this record; it is kept as evidence",)
        return Grant(RecordKind.PERMISSION, reference, by, begins, agreement_end(begins, time(end, "--to", found)),
                     (), {"subject": subject}, defaulted(valid_from=start, valid_to=end)), warnings

    return added(customer, make)


register_reading(app, RecordKind.PERMISSION, "permissions")
