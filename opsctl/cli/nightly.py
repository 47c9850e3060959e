"""`opsctl nightly`: one command for the scheduler."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from opsctl.cli.command import Kind, command, single
from opsctl.cli.files import require_writable
from opsctl.cli.result import Result, outcomes_result, write_junit
from opsctl.cli.workplace import All, Customers, catalogue_or_error, select, workplace
from opsctl.contract.services import Service
from opsctl.core.errors import OpsctlError
from opsctl.core.outcome import Outcome

if TYPE_CHECKING:
    pass

app = single()

JUnit = Annotated[Path | None, typer.Option("--junit", metavar="FILE", help="Also write JUnit XML there.")]


@command(app, "", "nightly", kind=Kind.ACTS, services=(
    Service.IT_SYSTEM_MAINTENANCE, Service.BACKUP, Service.STORAGE_MANAGEMENT, Service.NETWORK_MANAGEMENT,
    Service.SOFTWARE_UPDATE_MINOR, Service.SOFTWARE_UPDATE_MAJOR))
def nightly(customers: Customers = None, everyone: All = False, junit: JUnit = None) -> Result:
    """Do for each customer what is due: check storage and network, back up, patch, prune, draft notices.

    What was done today is skipped, windows and freezes are honoured, one customer's failure stops no other.
    """
    from opsctl.fleet.nightly import nightly as run_nightly
    from opsctl.fleet.rooms import rooms
    from opsctl.report.after_night import tell_others

    if junit is not None:
        require_writable(junit)
    selection = select(customers, everyone)
    with workplace(acts=True) as place:
        releases = catalogue_or_error(place)
        outcomes = run_nightly(place, selection.profiles, selection.broken, releases, rooms())
        outcomes = (*outcomes, *tell_others(place, selection.profiles, releases,
                                                  everyone=not selection.explicit))
    return _with_junit(outcomes_result(outcomes), outcomes, junit)


def _with_junit(result: Result, outcomes: Sequence[Outcome], junit: Path | None) -> Result:
    """The night's result stays when its file cannot be written, but is a failure then."""
    try:
        if junit is not None:
            write_junit(junit, outcomes, "opsctl nightly")
    except OpsctlError as error:
        entry = {"message": error.message, "resolution": error.resolution, "exit_code": int(error.exit_code)}
        return replace(result, exit_code=result.exit_code or error.exit_code, errors=(*result.errors, entry),
                       warnings=(*result.warnings, error.message))
    return result
