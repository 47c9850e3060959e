"""`opsctl upgrade`: the next Debian release, or the next major version of PostgreSQL, as planned operations."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from opsctl.cli.command import Kind, command, group
from opsctl.cli.files import require_folder
from opsctl.cli.plans import written
from opsctl.cli.result import Result, outcomes_result
from opsctl.cli.workplace import All, Customer, Customers, Yes, confirm, profile, select, workplace
from opsctl.contract.services import Service
from opsctl.core.errors import ExitCode, UsageError
from opsctl.core.outcome import Outcome, Status

if TYPE_CHECKING:
    from opsctl.upgrades.model import HostUpgrade, Target, UpgradePlan

app = group("The next Debian release or PostgreSQL version: plan, apply, roll back, finish.")
SERVICE = Service.IT_SYSTEM_MAINTENANCE
Debian = Annotated[int | None, typer.Option("--to-debian", metavar="RELEASE", help="The Debian release to go to: 13.")]
Postgresql = Annotated[int | None, typer.Option("--to-postgresql", metavar="VERSION",
                                                help="PostgreSQL's major version to go to: 17.")]


@command(app, "upgrade", "plan", kind=Kind.ASKS, services=(SERVICE,))
def plan(customers: Customers = None, everyone: All = False, to_debian: Debian = None, to_postgresql: Postgresql = None,
         output: Annotated[Path | None, typer.Option("--output", metavar="FOLDER",
                                                     help="Write a plan file per customer there.")] = None) -> Result:
    """Show what an upgrade would meet: packages, sources, space, clusters, the way back; changes nothing."""
    from opsctl.cli.each import for_hosted
    from opsctl.upgrades.service import REQUEST
    from opsctl.upgrades.service import plan as make_plans

    target = _target(to_debian, to_postgresql)
    if output is not None:
        require_folder(output)
    selection = select(customers, everyone)
    plans: list[UpgradePlan] = []
    with workplace(acts=output is not None) as place:
        def act(profiles: Any) -> tuple[Outcome, ...]:
            plans.extend(make_plans(place, profiles, target))
            return tuple(_row(made) for made in plans)

        outcomes = for_hosted(place, selection, REQUEST, act)
        files = [str(written(place, made, output)) for made in plans if made.due] if output else []
    tail = "\n\n".join([*(_details(made) for made in plans if not made.nothing_to_do),
                        *([f"written: {', '.join(files)}"] if files else [])])
    return outcomes_result(outcomes, extra={"plans": [{**made.document(), "hash": made.hash} for made in plans],
                                            "files": files}, tail=tail)


@command(app, "upgrade", "apply", kind=Kind.ACTS, services=(SERVICE,))
def apply(customer: Customer, to_debian: Debian = None, to_postgresql: Postgresql = None,
          plan_file: Annotated[Path | None, typer.Option(
              "--plan", metavar="FILE", help="Apply this plan; exit 6 when it no longer fits.")] = None,
          yes: Yes = False) -> Result:
    """Upgrade one customer's hosts in the open window: backup, READY stopped, work, proof; what fails is taken back."""
    from opsctl.cli.each import hosted
    from opsctl.fleet.backup_run import back_up
    from opsctl.fleet.failures import guarded
    from opsctl.fleet.planfiles import read_upgrade_plan
    from opsctl.fleet.upgrading import upgrade_platform
    from opsctl.upgrades.service import REQUEST

    approved = read_upgrade_plan(plan_file) if plan_file else None
    if approved is not None and to_debian is None and to_postgresql is None:
        target = approved.target
    else:
        target = _target(to_debian, to_postgresql)
    if approved is not None and (approved.customer, approved.target) != (customer, target):
        raise UsageError(f"the plan is for {approved.customer} and {approved.target}",
                         f"name {approved.customer} and leave out the target")
    with workplace(acts=True) as place:
        found = hosted(place, profile(customer), REQUEST)
        confirm(f"Upgrade {customer} to {target}? READY is stopped meanwhile.", yes)
        return outcomes_result([guarded(customer, SERVICE, partial(
            upgrade_platform, place, found, target, back_up, approved=approved))])


@command(app, "upgrade", "rollback", kind=Kind.ACTS, services=(SERVICE,))
def rollback(customer: Customer, yes: Yes = False) -> Result:
    """Take back an upgrade that was broken off or stuck; one that ended well is not taken back."""
    from opsctl.cli.each import hosted
    from opsctl.fleet.failures import guarded
    from opsctl.upgrades.way_back import REQUEST, roll_back

    with workplace(acts=True) as place:
        found = hosted(place, profile(customer), REQUEST)
        confirm(f"Take back the unfinished upgrade at {customer}?", yes)
        return outcomes_result([guarded(customer, SERVICE, partial(roll_back, place, found))])


@command(app, "upgrade", "finish", kind=Kind.ACTS, services=(SERVICE,))
def finish(customer: Customer, yes: Yes = False) -> Result:
    """Remove what upgrades kept: old PostgreSQL clusters and snapshots. Nothing can be gone back to after that."""
    from opsctl.cli.each import hosted
    from opsctl.upgrades.finish import finish as let_go
    from opsctl.upgrades.finish import kept_words
    from opsctl.upgrades.way_back import REQUEST

    with workplace(acts=True) as place:
        found = hosted(place, profile(customer), REQUEST)
        kept = kept_words(place, customer)
        if kept:
            confirm(f"Remove for good: {'; '.join(kept)}?", yes)
        return outcomes_result([let_go(place, found)])


def _target(debian: int | None, postgresql: int | None) -> Target:
    from opsctl.upgrades.model import Platform, Target

    if (debian is None) == (postgresql is None):
        raise UsageError("an upgrade has one target", "give --to-debian 13 or --to-postgresql 17; Debian comes first")
    return Target(Platform.DEBIAN, debian) if debian is not None else Target(Platform.POSTGRESQL, postgresql or 0)


def _row(made: UpgradePlan) -> Outcome:
    if made.problems:
        return Outcome(made.customer, SERVICE, Status.FAILED, "; ".join(made.problems), "put it right and plan again",
                       exit_code=ExitCode.FAILED)
    if made.nothing_to_do:
        return Outcome(made.customer, SERVICE, Status.UNCHANGED, f"{made.target} is there")
    return Outcome(made.customer, SERVICE, Status.DONE, "; ".join(
        f"{host.host}: {host.current} -> {made.target}" for host in made.due))


def _details(made: UpgradePlan) -> str:
    lines = [f"{made.customer}: plan {made.hash[:12]} to {made.target}", f"  way back: {made.way_back}"]
    for host in made.hosts:
        lines += [f"  {host.host}: {host.current}{'' if host.due else ', nothing to upgrade'}"]
        lines += [f"    {line}" for line in (_host_lines(host) if host.due else [])]
    return "\n".join(lines)


def _host_lines(host: HostUpgrade) -> list[str]:
    lines = [f"{host.packages} packages, {host.download_mb} MB to fetch, {host.grows_mb} MB more on disk"] \
        if host.packages else []
    lines += [f"cluster {one.version}/{one.cluster} on port {one.port}; {host.grows_mb} MB for its copy"
              for one in host.clusters]
    lines += [f"source {one['uri']} {one['suite']} -> {one['to']}" for one in host.sources if one["fate"] == "follows"]
    lines += [f"source {one['uri']} {one['suite']} stays" for one in host.sources if one["fate"] == "stays"]
    return [*lines, *host.left, *([f"removed: {', '.join(host.removed)}"] if host.removed else [])]
