"""One operation for the customers selected: refusals and failures by the rules of `--all` and of names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from opsctl.cli.workplace import Selection
from opsctl.contract.gate import Request
from opsctl.contract.services import Mode, Service
from opsctl.core.errors import ExitCode, NotCovered
from opsctl.core.outcome import Outcome, Status
from opsctl.fleet.failures import ProfileT, failed, guarded, jointly
from opsctl.fleet.remote import require_workable
from opsctl.profiles.model import KamstrupProfile, Profile
from opsctl.runs.service import gate
from opsctl.runs.workplace import Workplace


def for_each(selection: Selection, service: Service, act: Callable[[Profile], Outcome]) -> tuple[Outcome, ...]:
    """Act for each profile; one customer's failure stops no other.

    What the contract does not cover is `not covered` with exit 0 under `--all` (P29); a customer asked
    for by name gets its own exit code 4.
    """
    outcomes = [failed(customer, service, error) for customer, error in selection.broken.items()]
    for profile in selection.profiles:
        outcome = guarded(profile.customer, service, partial(act, profile))
        asked = outcome.status is Status.NOT_COVERED and selection.explicit
        outcomes.append(replace(outcome, exit_code=ExitCode.NOT_COVERED) if asked else outcome)
    return tuple(outcomes)


def hosted(place: Workplace, profile: Profile, request: Request) -> KamstrupProfile:
    """The profile as one that Kamstrup hosts; NotCovered, with the gate's words, for any other."""
    decision = gate(profile, request, place.clock.now(), place.ledger)
    if isinstance(profile, KamstrupProfile):
        decision.require(profile.customer)
        return profile
    if decision.left or decision.cell.mode is not Mode.ON_AGREEMENT:
        decision.require(profile.customer)
    # No record that the customer could give would help here.
    raise NotCovered(f"{profile.customer}: the customer hosts the system, and this command works only on hosts that "
                     f"Kamstrup runs ({decision.cell.promise})",
                     "there opsctl patches and installs releases, under the customer's records; see docs/patching.md")


def for_hosted(place: Workplace, selection: Selection, request: Request,
               act: Callable[[Sequence[KamstrupProfile]], Sequence[Outcome]]) -> tuple[Outcome, ...]:
    """One run over all hosted profiles of the selection, and a row for each that is refused."""
    return _together(selection, request, lambda profile: hosted(place, profile, request), act)


def for_workable(place: Workplace, selection: Selection, request: Request,
                 act: Callable[[Sequence[Profile]], Sequence[Outcome]],
                 require: Callable[[Profile], None] = lambda profile: None) -> tuple[Outcome, ...]:
    """The same over all hosts that may be worked on now: a customer's own ones only when it was named.

    require: raises what else keeps a profile out.
    """
    def passes(profile: Profile) -> Profile:
        require_workable(place, profile, request, named=selection.explicit)
        require(profile)
        return profile

    return _together(selection, request, passes, act)


def _together(selection: Selection, request: Request, passes: Callable[[Profile], ProfileT],
              act: Callable[[Sequence[ProfileT]], Sequence[Outcome]]) -> tuple[Outcome, ...]:
    passed: list[ProfileT] = []

    def sort(profile: Profile) -> Outcome:
        passed.append(passes(profile))
        return Outcome(profile.customer, request.service, Status.SKIPPED, "")

    refused = [outcome for outcome in for_each(selection, request.service, sort)
               if outcome.status is not Status.SKIPPED]
    return (*(jointly(passed, request.service, act) if passed else ()), *refused)
