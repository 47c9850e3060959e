"""`opsctl resolve`: the cause of a failure is found and put right; the work may be tried again."""

from __future__ import annotations

from typing import Annotated

import typer

from opsctl.cli.command import Kind, command, single
from opsctl.cli.result import Result
from opsctl.cli.workplace import Customer, profile, workplace
from opsctl.core.errors import UsageError

app = single()


@command(app, "", "resolve", kind=Kind.ACTS, without="it records a finding and delivers nothing")
def resolve(customer: Customer, *, reason: Annotated[str, typer.Option("--reason", help="What the cause was and what "
                                                                       "was done; it goes to the ledger.")]) -> Result:
    """Mark the cause of a customer's failed patching or installation as resolved, so that it is tried again."""
    from opsctl.fleet.starting import RESOLVED, open_failure

    if not reason.strip():
        raise UsageError("--reason is empty", "say what the cause was and what was done about it")
    found = profile(customer)
    with workplace(acts=True) as place:
        failure = open_failure(place, found.customer)
        if failure is None:
            return Result({"customer": customer, "resolved": None}, f"{customer}: no failure is open")
        run, payload = failure
        place.ledger.append(customer, RESOLVED, {"failed": run, "operation": payload["operation"],
                                                 "reason": reason.strip()}, actor=place.actor)
    return Result({"customer": customer, "resolved": run},
                  f"{customer}: the cause of `{payload['operation']}` ({run}) is marked resolved; it may run again")
