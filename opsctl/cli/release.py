"""`opsctl release`: READY's releases, what each means for each customer, and installing them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from opsctl.cli.command import Kind, command, group
from opsctl.cli.files import require_folder
from opsctl.cli.plans import written
from opsctl.cli.release_files import register, version_of
from opsctl.cli.result import Result, outcomes_result, table
from opsctl.cli.rolling import Batch, Budget, Ring, changed, selected, without_backup, workable
from opsctl.cli.workplace import (
    All,
    Customer,
    Customers,
    Yes,
    catalogue_or_error,
    confirm,
    profile,
    settings,
    workplace,
)
from opsctl.contract.services import Service
from opsctl.core.errors import ExitCode, NotCovered, UsageError
from opsctl.core.outcome import Outcome, Status

if TYPE_CHECKING:
    from opsctl.installs.model import ReleasePlan
    from opsctl.releases.catalogue import Catalogue
    from opsctl.releases.version import Version

app = group("READY's releases: list, show, validate, impact, plan, install.")
register(app)
UPDATES = (Service.SOFTWARE_UPDATE_MINOR, Service.SOFTWARE_UPDATE_MAJOR)
Wanted = Annotated[str | None, typer.Option("--version", metavar="VERSION",
                                            help="By default the newest the agreement entitles to.")]


@command(app, "release", "plan", kind=Kind.ASKS, services=UPDATES)
def plan(customers: Customers = None, everyone: All = False, ring: Ring = None, version: Wanted = None,
         output: Annotated[Path | None, typer.Option("--output", metavar="FOLDER",
                                                     help="Write a plan file per customer there.")] = None) -> Result:
    """Show what installing a release would do at each customer: path, downtime, obstacles; installs nothing."""
    from opsctl.cli.each import for_workable
    from opsctl.fleet.remote import require_reversible
    from opsctl.installs.service import plan as make_plans
    from opsctl.installs.service import request
    from opsctl.releases.version import Step

    if output is not None:
        require_folder(output)
    releases, target = _wanted(version)
    selection = selected(customers, everyone, ring)
    plans: list[ReleasePlan] = []
    with workplace(acts=output is not None) as place:
        def act(profiles: Any) -> tuple[Outcome, ...]:
            plans.extend(make_plans(place, profiles, releases, target=target))
            return tuple(_row(made) for made in plans)

        outcomes = for_workable(place, selection, request(Step.PATCH), act, require_reversible)
        files = [str(written(place, made, output)) for made in plans if made.hops] if output else []
    tail = "\n\n".join([*(_details(made) for made in plans if not made.nothing_to_do),
                        *([f"written: {', '.join(files)}"] if files else [])])
    return outcomes_result(outcomes, extra={"plans": [{**made.document(), "hash": made.hash} for made in plans],
                                            "files": files}, tail=tail)


@command(app, "release", "install", kind=Kind.ACTS, services=UPDATES)
def install(customers: Customers = None, everyone: All = False, ring: Ring = None, version: Wanted = None,
            plan_file: Annotated[Path | None, typer.Option(
                "--plan", metavar="FILE", help="Install this plan; exit 6 when it no longer fits.")] = None,
            max_failures: Budget = 1, batch: Batch = None, yes: Yes = False) -> Result:
    """Install a release in the open window, after a good backup, and prove it healthy; one that fails is taken back."""
    from opsctl.fleet.changing import RELEASE
    from opsctl.fleet.changing import install as install_at
    from opsctl.fleet.planfiles import read_release_plan
    from opsctl.installs.service import request
    from opsctl.releases.version import Step

    approved = read_release_plan(plan_file) if plan_file else None
    if approved is not None and version not in {None, approved.target}:
        raise UsageError(f"the plan is for READY {approved.target}", "leave out --version")
    selection = selected(customers, everyone, ring)
    if approved is not None and [found.customer for found in selection.profiles] != [approved.customer]:
        raise UsageError(f"the plan is for {approved.customer} alone", f"name {approved.customer} and no other")
    _, target = _wanted(approved.target if approved else version)
    options = {"version": str(target or ""), "named": selection.explicit}
    with workplace(acts=True) as place:
        names = workable(place, selection.profiles, request(Step.PATCH), named=selection.explicit)
        if names:
            confirm(f"Install READY {target or 'in the newest release'} at {', '.join(names)}? "
                    f"It is stopped meanwhile.{without_backup(selection.profiles, names)}", yes)
        return changed(place, selection, RELEASE, options, max_failures,
                       lambda where, found: install_at(where, found, options, approved), batch)


@command(app, "release", "rollback", kind=Kind.ACTS, services=UPDATES)
def rollback(customer: Customer, yes: Yes = False) -> Result:
    """Take back an installation that was broken off or stuck; one that ended well is not taken back."""
    from opsctl.fleet.installing import take_back
    from opsctl.fleet.remote import require_workable
    from opsctl.installs.way_back import REQUEST
    from opsctl.profiles.model import KamstrupProfile
    from opsctl.runs.installed import stand

    found = profile(customer)
    with workplace(acts=True) as place:
        try:
            require_workable(place, found, REQUEST, named=True)
        except NotCovered as refused:
            if stand(place, customer).open is None:
                raise
            own = "" if isinstance(found, KamstrupProfile) else (
                "tell the customer, agree a new access with it, then run this again; ")
            raise NotCovered(f"{refused.message}; READY may be stopped there", own + refused.resolution,
                             refused.details, refused.service) from None
        confirm(f"Take back the unfinished installation at {customer}?", yes)
        # Release files are for the message to the customer: READY is brought back without them too.
        return outcomes_result([take_back(place, found, catalogue_or_error(place))])


@command(app, "release", "impact", kind=Kind.ASKS, services=UPDATES)
def impact(version: Annotated[str, typer.Argument(metavar="VERSION", help="A release of `opsctl release list`.")]
           ) -> Result:
    """Say for every customer what a release means: automatic, notice, needs agreement, blocked, already there."""
    from opsctl.fleet.impact import impact as found_impact
    from opsctl.profiles.loader import load_profiles

    releases, target = _wanted(version)
    if target is None or releases.get(target) is None:
        raise UsageError(f"there is no release {version}", "see `opsctl release list`")
    profiles, broken = load_profiles(settings().inventories)
    with workplace(acts=False) as place:
        found = [found_impact(place, one, releases, target) for one in profiles]
    rows = [(one.customer, one.installed or "unknown", one.verdict.value, "; ".join(one.reasons) or "-")
            for one in found]
    rows += [(name, "-", "blocked", "its profile is not valid; see `opsctl profile validate`") for name in broken]
    data = [{"customer": one.customer, "installed": one.installed, "verdict": one.verdict.value,
             "reasons": list(one.reasons), "window": one.window} for one in found]
    return Result({"version": str(target), "customers": data, "invalid": list(broken)},
                  table(("customer", "installed", "verdict", "why"), rows))


def _wanted(version: str | None) -> tuple[Catalogue, Version | None]:
    from opsctl.releases.catalogue import load

    target = version_of(version) if version else None
    return load(settings().releases), target


def _row(made: ReleasePlan) -> Outcome:
    from opsctl.installs.service import request

    service = request(made.step).service
    if made.problems:
        return Outcome(made.customer, service, Status.FAILED, "; ".join(made.problems), "put it right and plan again",
                       exit_code=ExitCode.FAILED)
    if not made.hops:
        return Outcome(made.customer, service, Status.UNCHANGED, f"READY {made.installed} is installed")
    way = " -> ".join([made.installed, *(hop.version for hop in made.hops)])
    return Outcome(made.customer, service, Status.DONE,
                   f"{made.step}: {way}, {made.downtime_minutes} minutes of downtime")


def _details(made: ReleasePlan) -> str:
    lines = [f"{made.customer}: plan {made.hash[:12]}"]
    lines += [f"  {hop.version} ({hop.kind}): package {hop.package}, "
              f"{'databases copied before' if hop.copies else 'no migration'}, "
              f"{'can be taken back' if hop.reversible else 'CANNOT be taken back'}" for hop in made.hops]
    lines += [f"  {host.host}: {f'READY {host.installed}' if host.application else 'database alone'}"
              for host in made.hosts]
    lines += [f"  module {name} stays off until an agreement is on record" for name in made.modules_off]
    return "\n".join(lines)
