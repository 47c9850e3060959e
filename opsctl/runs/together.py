"""One look at many customers at once, each under its own lease; then each is judged and recorded by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from typing import TypeVar

from opsctl.contract.gate import Request
from opsctl.core.errors import Locked
from opsctl.core.outcome import Outcome, Status
from opsctl.profiles.model import KamstrupProfile
from opsctl.runs.service import Run, begun, concluded, gate
from opsctl.runs.workplace import Workplace

Found = TypeVar("Found")


def perform_together(workplace: Workplace, profiles: Sequence[KamstrupProfile], request: Request, operation: str,
                     look: Callable[[Sequence[KamstrupProfile]], Found],
                     judge: Callable[[Run, KamstrupProfile, Found], Outcome]) -> tuple[Outcome, ...]:
    """One outcome per customer, in order.

    look: touches the hosts of the profiles it is given, once for all; those whose lease another run holds are not
    among them and have the outcome `locked`. judge: one customer's outcome from what was found.
    Raises NotCovered before any lease is taken. What `look` raises ends every run, recorded, and is raised.
    """
    now = workplace.clock.now()
    decisions = {profile.customer: gate(profile, request, now, workplace.ledger).require(profile.customer)
                 for profile in profiles}
    outcomes: dict[str, Outcome] = {}
    with ExitStack() as stack:
        runs: dict[str, Run] = {}
        for profile in profiles:
            name = profile.customer
            try:
                runs[name] = stack.enter_context(begun(workplace, name, request, operation, decisions[name]))
            except Locked as error:
                outcomes[name] = Outcome(name, request.service, Status.LOCKED, error.message, error.resolution)
        mine = [profile for profile in profiles if profile.customer in runs]
        if mine:
            found = _looked(runs, partial(look, mine))
            for profile in mine:
                outcomes[profile.customer] = concluded(
                    runs[profile.customer], lambda run, profile=profile: judge(run, profile, found))  # type: ignore[misc]
    return tuple(outcomes[profile.customer] for profile in profiles)


def _looked(runs: Mapping[str, Run], look: Callable[[], Found]) -> Found:
    try:
        return look()
    except BaseException as error:
        reason = error

        def ends(_: Run) -> Outcome:
            raise reason

        for run in runs.values():
            try:
                concluded(run, ends)
            except type(error):
                continue  # what is no error of ours is recorded and raised for each run; it is raised once, below
        raise
