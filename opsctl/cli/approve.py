"""`opsctl approve`: sign a plan of patches, of a release or of an upgrade."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from opsctl.cli.command import Kind, command, single
from opsctl.cli.result import Result
from opsctl.cli.workplace import profile, workplace
from opsctl.core.errors import ConfigurationError

app = single()


@command(app, "", "approve", kind=Kind.ACTS, without="it signs a plan; applying it delivers the service")
def approve(plan_file: Annotated[Path, typer.Argument(metavar="PLAN", help="A file of `opsctl patch plan`, `opsctl "
                                                                           "release plan` or `opsctl upgrade plan`.")],
            key: Annotated[Path, typer.Option("--key", metavar="FILE", help="Your SSH key, or its public half when an "
                                                                            "agent has it.")]) -> Result:
    """Approve a plan by a signature over its hash; it holds for a time and for exactly this plan."""
    from opsctl.cli.workplace import catalogue_or_error
    from opsctl.fleet.informing import announced
    from opsctl.fleet.planfiles import kind_of, read_plan, require_sound
    from opsctl.installs.model import ReleasePlan
    from opsctl.installs.service import approval_need
    from opsctl.profiles.model import KamstrupProfile, hosts_of
    from opsctl.runs.approval import approve as sign
    from opsctl.upgrades.model import UpgradePlan

    plan = read_plan(plan_file)
    require_sound(plan)
    found = profile(plan.customer)
    if isinstance(plan, ReleasePlan) and not hosts_of(found):
        raise ConfigurationError(f"{plan.customer} is not hosted by Kamstrup any more and its profile names no hosts, "
                                 "so nothing is installed there", "draft a notice instead: `opsctl notice draft`")
    if isinstance(plan, ReleasePlan):
        need = approval_need(found, plan.step)
    else:
        need = found.approvals.upgrade if isinstance(plan, UpgradePlan) else found.approvals.patch
    with workplace(acts=True) as place:
        made = sign(place, plan.customer, plan.hash, key, need)
        told, warnings = (announced(place, found, catalogue_or_error(place), plan.target)
                          if isinstance(plan, ReleasePlan) and isinstance(found, KamstrupProfile) else ((), ()))
    lines = [f"{plan.customer}: plan {plan.hash[:12]} is approved by {made['signer']} until {made['expires']}"
             + ("" if need != "none" else "; the profile asks for no approval of such plans"), *told]
    return Result({**made, "customer": plan.customer, "kind": kind_of(plan), "need": need.value,
                   "announced": list(told)}, "\n".join(lines), warnings=warnings)
