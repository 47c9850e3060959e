"""A change for one customer or, as a rollout that can be resumed, for many."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from opsctl.cli.result import Result, outcomes_result
from opsctl.cli.workplace import Selection, select
from opsctl.core.errors import ExitCode, UsageError
from opsctl.core.outcome import Outcome, Status

if TYPE_CHECKING:
    from opsctl.contract.gate import Request
    from opsctl.fleet.turns import Act
    from opsctl.profiles.model import Profile
    from opsctl.runs.workplace import Workplace

Ring = Annotated[str | None, typer.Option("--ring", metavar="RING", help="The customers of one ring.")]
Budget = Annotated[int, typer.Option("--max-failures", min=0, metavar="N",
                                     help="So many customers may fail; one more ends the run.")]

Batch = Annotated[int | None, typer.Option("--batch", min=1, max=50, metavar="N",
                                           help="So many customers of a ring at once; default `policy.batch`, "
                                                "when resumed the same as before.")]


def selected(customers: list[str] | None, everyone: bool, ring: str | None) -> Selection:
    """The customers named, of one ring, or all; exit 2 when a ring has none."""
    if ring is None:
        return select(customers, everyone)
    if customers or everyone:
        raise UsageError("--ring goes alone", "leave out the names and --all")
    found = select(None, True)
    mine = tuple(profile for profile in found.profiles if getattr(profile, "ring", None) == ring)
    if not mine:
        raise UsageError(f"no customer is in the ring {ring[:60]}", "see `ring` in the profiles")
    return replace(found, profiles=mine, one_ring=True)


def workable(place: Workplace, profiles: Iterable[Profile], request: Request, *, named: bool) -> tuple[str, ...]:
    """The customers whose hosts are to be worked on, which is what there is to confirm; a customer's own hosts count
    when it was named and its records open them now."""
    from opsctl.runs.service import gate

    return tuple(profile.customer for profile in profiles if profile.hosting == "kamstrup" or (
        named and gate(profile, request, place.clock.now(), place.ledger).allowed))


def without_backup(profiles: Iterable[Profile], names: Sequence[str]) -> str:
    """What there is to know before hosts of these names are changed: where opsctl takes no backup."""
    own = [profile.customer for profile in profiles if profile.customer in names and profile.hosting == "customer"]
    return f" {', '.join(own)}: the only backup is the customer's own (P26)." if own else ""


def changed(place: Workplace, selection: Selection, operation: str, options: Mapping[str, Any], budget: int,
            act: Act, batch: int | None = None) -> Result:
    """One customer directly; several as a rollout, whose id the result names. So is --all with one whose profile can
    be read: the others may be of an earlier ring."""
    from opsctl.cli.each import for_each
    from opsctl.fleet.changing import SERVICES
    from opsctl.fleet.failures import failed
    from opsctl.fleet.rollout import begin, roll_out

    service = SERVICES[operation]
    unread = () if selection.one_ring else tuple(selection.broken)
    if len(selection.profiles) < (1 if unread else 2):
        return outcomes_result(for_each(selection, service, partial(act, place)))
    rollout = begin(place, operation, service, options, selection.profiles, budget,
                    batch or place.settings.policy.batch, unread)
    outcomes = [*(failed(customer, service, error) for customer, error in selection.broken.items()),
                *roll_out(place, rollout, selection.profiles, act)]
    if selection.explicit:
        outcomes = [replace(one, exit_code=ExitCode.NOT_COVERED) if one.status is Status.NOT_COVERED else one
                    for one in outcomes]
    return rolled(rollout.id, outcomes)


def rolled(run: str, outcomes: list[Outcome]) -> Result:
    """The rows, and how to go on when some are left."""
    wrong = [one for one in outcomes if one.code is not ExitCode.OK]
    tail = f"rollout {run}" + (f"; `opsctl resume {run}` does what failed and what was not touched" if wrong else "")
    return outcomes_result(outcomes, extra={"rollout": run}, tail=tail)
