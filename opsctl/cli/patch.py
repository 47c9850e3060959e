"""`opsctl patch`: plan and apply patches of platform, OS and middleware."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from opsctl.cli.command import Kind, command, group
from opsctl.cli.files import require_folder
from opsctl.cli.plans import written
from opsctl.cli.result import Result, outcomes_result, table
from opsctl.cli.rolling import Batch, Budget, Ring, changed, selected, without_backup, workable
from opsctl.cli.workplace import All, Customers, Yes, confirm, workplace
from opsctl.contract.services import Service
from opsctl.core.errors import ExitCode, UsageError
from opsctl.core.outcome import Outcome, Status

if TYPE_CHECKING:
    from opsctl.maintenance.model import HostPlan, PatchPlan

app = group("Plan and apply patches of platform, OS and middleware.")
SecurityOnly = Annotated[bool, typer.Option("--security-only", help="Only security fixes; they go on after an "
                                                                    "agreement has ended.")]


@command(app, "patch", "plan", kind=Kind.ASKS, services=(Service.IT_SYSTEM_MAINTENANCE,))
def plan(customers: Customers = None, everyone: All = False, ring: Ring = None, security_only: SecurityOnly = False,
         output: Annotated[Path | None, typer.Option("--output", metavar="FOLDER",
                                                     help="Write a plan file per customer there.")] = None) -> Result:
    """Show what patching would change on each host: packages, restarts, reboots; changes nothing."""
    from opsctl.cli.each import for_workable
    from opsctl.maintenance.service import plan as make_plans
    from opsctl.maintenance.service import request

    if output is not None:
        require_folder(output)
    selection = selected(customers, everyone, ring)
    plans: list[PatchPlan] = []
    with workplace(acts=output is not None) as place:
        def act(profiles: Any) -> tuple[Outcome, ...]:
            made = make_plans(place, profiles, security_only=security_only)
            plans.extend(made)
            return tuple(_row(one) for one in made)

        outcomes = for_workable(place, selection, request(security_only), act)
        files = [str(written(place, made, output)) for made in plans] if output else []
    tail = "\n\n".join([*(_details(made) for made in plans if not made.nothing_to_do),
                        *([f"written: {', '.join(files)}"] if files else [])])
    return outcomes_result(outcomes, extra={"plans": [{**made.document(), "hash": made.hash} for made in plans],
                                            "files": files}, tail=tail)


@command(app, "patch", "apply", kind=Kind.ACTS, services=(Service.IT_SYSTEM_MAINTENANCE,))
def apply(customers: Customers = None, everyone: All = False, ring: Ring = None, security_only: SecurityOnly = False,
          plan_file: Annotated[Path | None, typer.Option(
              "--plan", metavar="FILE", help="Apply this plan; exit 6 when it no longer fits.")] = None,
          no_reboot: Annotated[bool, typer.Option(
              "--no-reboot", help="Leave a needed reboot to the next run.")] = False,
          max_failures: Budget = 1, batch: Batch = None, yes: Yes = False) -> Result:
    """Patch the customers' hosts in their open windows, ring by ring, and prove what was done."""
    from opsctl.fleet.changing import PATCH, patch
    from opsctl.fleet.planfiles import read_patch_plan
    from opsctl.maintenance.service import request

    selection = selected(customers, everyone, ring)
    approved = read_patch_plan(plan_file) if plan_file else None
    if approved is not None and [profile.customer for profile in selection.profiles] != [approved.customer]:
        raise UsageError(f"the plan is for {approved.customer} alone", f"name {approved.customer} and no other")
    options = {"security_only": security_only, "reboot": not no_reboot, "named": selection.explicit}
    with workplace(acts=True) as place:
        names = workable(place, selection.profiles, request(security_only), named=selection.explicit)
        if names:
            confirm(f"Patch and, where needed, reboot the hosts of {', '.join(names)}?"
                    f"{without_backup(selection.profiles, names)}", yes)
        return changed(place, selection, PATCH, options, max_failures,
                       lambda where, profile: patch(where, profile, options, approved), batch)


def _row(made: PatchPlan) -> Outcome:
    packages = sum(len(host.packages) for host in made.hosts)
    reboots = [host.host for host in made.hosts if host.reboot_by]
    service = Service.IT_SYSTEM_MAINTENANCE
    if made.problems:
        return Outcome(made.customer, service, Status.FAILED, "; ".join(made.problems),
                       "put it right and plan again", exit_code=ExitCode.FAILED)
    if made.nothing_to_do:
        return Outcome(made.customer, service, Status.UNCHANGED, "nothing to patch")
    what = f"{packages} package{'s' if packages != 1 else ''} to install"
    return Outcome(made.customer, service, Status.DONE, what + (f", reboot of {', '.join(reboots)}" if reboots else ""))


def _details(made: PatchPlan) -> str:
    lines = [f"{made.customer}: plan {made.hash[:12]}, {made.predicted:.0%} of it predicted by a dry run"]
    for host in made.hosts:
        lines += _host_lines(host)
    return "\n".join(lines)


def _host_lines(host: HostPlan) -> list[str]:
    rows = [(package.name, package.installed or "(new)", package.offered, "security" if package.security else "")
            for package in host.packages]
    rows += [(held.name, held.installed, held.offered, "on hold, left alone") for held in host.held]
    lines = [f"  {host.host}: {host.problem or 'can be patched'}"]
    if rows:
        lines += [f"    {line}" for line in table(("package", "installed", "to install", "note"), rows).splitlines()]
    lines += [f"    restarts {', '.join(host.restarts)}"] if host.restarts else []
    lines += [f"    reboots because of {', '.join(host.reboot_by)}"] if host.reboot_by else []
    return [*lines, *[f"    warning: {warning}" for warning in host.warnings]]

