"""Errors as rows: one customer's failure is told in the table and stops no other."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import TypeVar

from opsctl.core.errors import ExitCode, NotCovered, OpsctlError
from opsctl.core.outcome import Outcome, Status
from opsctl.profiles.model import Profile

ProfileT = TypeVar("ProfileT", bound=Profile)
TRACEBACK = "OPSCTL_TRACEBACK"
_STATUS = {ExitCode.LOCKED: Status.LOCKED, ExitCode.CHECK_FAILED: Status.CHECK_FAILED, ExitCode.PARTIAL: Status.PARTIAL}


def failed(customer: str, service: str, error: OpsctlError) -> Outcome:
    """The row of an error; `data` has its details. The customer is not named twice."""
    return Outcome(customer, service, _STATUS.get(error.exit_code, Status.FAILED),
                   error.message.removeprefix(f"{customer}: "), error.resolution, exit_code=error.exit_code,
                   data={"details": list(error.details)} if error.details else {})


def refused(customer: str, service: str, refusal: NotCovered) -> Outcome:
    """The row of what the contract does not cover; it is no failure (P29). service: where the refusal names none."""
    return Outcome(customer, refusal.service or service, Status.NOT_COVERED,
                   refusal.message.removeprefix(f"{customer}: "), refusal.resolution)


def guarded(customer: str, service: str, act: Callable[[], Outcome]) -> Outcome:
    """What `act` returns, or the row of its error. Ctrl-C still ends everything, and so does a defect when its
    traceback was asked for."""
    try:
        return act()
    except NotCovered as refusal:
        return refused(customer, service, refusal)
    except OpsctlError as error:
        return failed(customer, service, error)
    except Exception as error:
        if os.environ.get(TRACEBACK):
            raise
        return Outcome(customer, service, Status.FAILED, f"unexpected {type(error).__name__}; a defect of opsctl",
                       f"run it for {customer} alone with {TRACEBACK}=1 and report what it prints")


def rows(customer: str, service: str, act: Callable[[], Iterable[Outcome]]) -> Iterator[Outcome]:
    """What `act` gives, one after the other; an error on the way is the last row, and is told as `guarded` does."""
    def found() -> Iterator[Outcome]:
        yield from act()

    left, end = found(), Outcome(customer, service, Status.SKIPPED, "")
    while (row := guarded(customer, service, partial(next, left, end))) is not end:
        yield row


def jointly(profiles: Sequence[ProfileT], service: str,
            act: Callable[[Sequence[ProfileT]], Sequence[Outcome]]) -> Iterator[Outcome]:
    """One run over all profiles, and a row for each, also when the run fails or forgets one.

    Settings of one customer that are wrong keep no other from its run: then each has its own.
    """
    found: dict[str, Outcome] = {}

    def collect() -> Outcome:
        found.update({outcome.customer: outcome for outcome in act(profiles)})
        return Outcome("", service, Status.FAILED, "the run left this customer out", "run it for this customer alone")

    failure = guarded("", service, collect)
    if failure.exit_code is ExitCode.CONFIGURATION and len(profiles) > 1:
        for profile in profiles:
            yield from jointly([profile], service, act)
        return
    for profile in profiles:
        yield found.get(profile.customer) or Outcome(
            profile.customer, service, failure.status, failure.summary, failure.resolution,
            exit_code=failure.exit_code, data=failure.data)

