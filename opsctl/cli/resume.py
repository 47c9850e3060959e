"""`opsctl resume`: take up a rollout where it ended, or was killed."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer

from opsctl.cli.command import Kind, command, single
from opsctl.cli.result import Result
from opsctl.cli.rolling import Batch, rolled, without_backup, workable
from opsctl.cli.workplace import Yes, confirm, settings, workplace
from opsctl.contract.services import Service

app = single()


@command(app, "", "resume", kind=Kind.ACTS, services=(
    Service.IT_SYSTEM_MAINTENANCE, Service.SOFTWARE_UPDATE_MINOR, Service.SOFTWARE_UPDATE_MAJOR))
def resume(run: Annotated[str, typer.Argument(metavar="RUN", help="A rollout of `opsctl run list`.")],
           batch: Batch = None, yes: Yes = False) -> Result:
    """Do exactly what a rollout left: customers that failed, were refused or were not touched, also after a kill."""
    from opsctl.fleet.changing import CHANGES, REQUESTS
    from opsctl.fleet.failures import failed
    from opsctl.fleet.rollout import roll_out, take_up
    from opsctl.profiles.loader import load_profiles

    with workplace(acts=True) as place:
        profiles, broken = load_profiles(settings().inventories)
        rollout, names = take_up(place, run, profiles, broken)
        if not names and not rollout.broken:
            return Result({"rollout": run, "outcomes": []}, f"{run}: every customer is done, nothing is left")
        mine = [profile for profile in profiles if profile.customer in names]
        at_work = workable(place, mine, REQUESTS[rollout.operation](rollout.options),
                           named=rollout.options.get("named", False))
        if at_work:
            confirm(f"`{rollout.operation}` at {', '.join(at_work)}?{without_backup(mine, at_work)}", yes)
        act = CHANGES[rollout.operation]
        rollout = replace(rollout, batch=batch or rollout.batch)
        outcomes = [failed(name, rollout.service, error) for name, error in broken.items()
                    if name in (*names, *rollout.broken)]
        outcomes += roll_out(place, rollout, mine, lambda where, profile: act(where, profile, rollout.options),
                             resumed=True)
    return rolled(run, outcomes)
