"""Turns of customers in a rollout: some at once, each in a thread of its own, and all of them ended by Ctrl-C."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from functools import partial

from opsctl.core.ending import Ending
from opsctl.core.outcome import Outcome, Status
from opsctl.core.progress import Progress
from opsctl.fleet.failures import guarded
from opsctl.profiles.model import Profile
from opsctl.runs.workplace import Workplace

Act = Callable[[Workplace, Profile], Outcome]


@dataclass(frozen=True)
class Turns:
    """may_begin: asked before each turn with those at work; False ends the beginning until one of them has ended.

    has_ended: told of each end, one at a time, in the main thread.
    """

    service: str
    batch: int
    act: Act
    may_begin: Callable[[Profile, Sequence[Profile]], bool]
    has_ended: Callable[[Outcome], None]


def take_turns(workplace: Workplace, turns: Turns, ordered: Sequence[Profile]) -> None:
    """Give the profiles their turns until all had one or none may begin any more.

    KeyboardInterrupt, also for SIGTERM: those at work are told to end, waited for and recorded; no other begins.
    """
    from opsctl.adapters.ansible_process import deferred, sigterm_interrupts, undisturbed

    event = threading.Event()
    left, at_work = list(enumerate(ordered, 1)), dict[Future[Outcome], Profile]()
    with ThreadPoolExecutor(max_workers=turns.batch, thread_name_prefix="turn") as pool, sigterm_interrupts():
        try:
            while left or at_work:
                while left and len(at_work) < turns.batch and turns.may_begin(left[0][1], list(at_work.values())):
                    number, profile = left.pop(0)
                    place = f"{number} of {len(ordered)}"
                    with deferred():  # a turn that began is known to have begun
                        at_work[pool.submit(_turn, workplace, turns, profile, event, place)] = profile
                if not at_work:
                    return
                _collect(turns, at_work)
        except BaseException:
            event.set()
            with undisturbed():
                while at_work:
                    _collect(turns, at_work)
            raise


def _turn(workplace: Workplace, turns: Turns, profile: Profile, event: threading.Event, place: str) -> Outcome:
    ending = Ending(event)
    progress, began = workplace.progress, time.monotonic()
    mine = replace(workplace, ending=ending, progress=_Asking(progress, ending))
    progress.say(profile.customer, f"turn {place} begins")
    try:
        outcome = guarded(profile.customer, turns.service, partial(turns.act, mine, profile))
    except KeyboardInterrupt:
        outcome = Outcome(profile.customer, turns.service, Status.INTERRUPTED, "interrupted before it was done",
                          "run it again, or resume the rollout")
    progress.step(profile.customer, "")
    progress.say(profile.customer, f"turn {place} ended after {time.monotonic() - began:.0f} s: {outcome.status}, "
                                   f"{outcome.summary}")
    return outcome


def _collect(turns: Turns, at_work: dict[Future[Outcome], Profile]) -> None:
    # Not for ever: a signal may reach another thread than this one, which acts on it.
    for future in wait(at_work, timeout=1, return_when=FIRST_COMPLETED).done:
        turns.has_ended(future.result())
        del at_work[future]


class _Asking:
    """Progress that also asks whether the work is to end: whatever tells how far it is can be ended."""

    def __init__(self, progress: Progress, ending: Ending) -> None:
        self._progress = progress
        self._ending = ending

    def say(self, customer: str, message: str) -> None:
        self._ending.check()
        self._progress.say(customer, message)

    def step(self, customer: str, message: str) -> None:
        self._progress.step(customer, message)

    def advance(self, customer: str, what: str, done: int, total: int | None = None, unit: str = "bytes") -> None:
        self._ending.check()
        self._progress.advance(customer, what, done, total, unit)
