"""`opsctl doctor`: is everything fit for work?"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import asdict
from typing import Annotated

import typer

from opsctl.cli.command import Kind, command, single
from opsctl.cli.result import Result, table
from opsctl.cli.workplace import Customers, select, settings, workplace
from opsctl.core.errors import ExitCode, OpsctlError

app = single()


@command(app, "", "doctor", kind=Kind.ASKS, without="it looks at this machine and its settings")
def doctor(customers: Customers = None,
           offline: Annotated[bool, typer.Option("--offline", help="Connect to no host and no store.")] = False,
           ) -> Result:
    """Check that this machine and the settings are fit for work; changes nothing; exit code 8 for a failure."""
    from opsctl.fleet.doctor import Finding, examine, machine

    selection = select(customers, not customers)
    with ExitStack() as stack:
        try:
            place = stack.enter_context(workplace(acts=False))
        except OpsctlError as error:
            # Without its ledger opsctl does nothing for a customer: what else is unfit on this machine is told.
            checks = list(machine(settings(), error))
        else:
            checks = list(examine(place, selection.profiles, selection.broken, hosts=not offline))
    failed = [check for check in checks if check.finding is Finding.FAIL]
    lines = [table(("group", "check", "finding", "what was seen"),
                   [(c.group, c.what, c.finding.value, c.detail) for c in checks])]
    if any(check.remedy for check in checks):
        lines += ["", "What to do:", *[f"  {c.group} {c.what}: {c.remedy}" for c in checks if c.remedy]]
    errors = tuple({"message": f"{c.group} {c.what}: {c.detail}", "resolution": c.remedy} for c in failed)
    warnings = tuple(f"{c.group} {c.what}: {c.remedy}" for c in checks if c.finding is Finding.WARN)
    return Result({"checks": [asdict(check) for check in checks]}, "\n".join(lines),
                  ExitCode.CHECK_FAILED if failed else ExitCode.OK, warnings, errors)
