"""A workplace on a real ledger whose clock stands still, and the command line of the records' tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from opsctl.core.clock import FixedClock
from opsctl.profiles.loader import load_profile
from opsctl.profiles.settings import Policy
from opsctl.profiles.support import SupportPolicy
from opsctl.runs.workplace import Workplace
from opsctl.support.intake import Answer, Answers
from opsctl.support.log import Log, Person, writing
from opsctl.support.request import Request
from opsctl.support.service import Report, contract_of, open_request
from tests.unit.records.conftest import config, opsctl
from tests.unit.workplaces import SAMPLES, opened

__all__ = ["config", "opsctl"]

ROOT = Path(__file__).resolve().parents[3]
CUSTOMER = "sample-aalund"
NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
"""Tuesday, 09:00 in Denmark."""
A = Answers(Answer.YES, Answer.YES, Answer.YES)
B = Answers(Answer.YES, Answer.NO, None, Answer.YES, Answer.YES)
D = Answers(Answer.NO)
PERSON = Person("Sample Reporter", "Readings stopped", "Since the morning.")
Logged = Callable[..., Request]


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOW)


@pytest.fixture
def place(tmp_path: Path, clock: FixedClock) -> Iterator[Workplace]:
    with opened(tmp_path, clock, SAMPLES, "desk") as found:
        yield found


@pytest.fixture
def pausing(place: Workplace) -> Workplace:
    """The same, where the policy lets waiting for the customer stop the clock."""
    from dataclasses import replace

    policy = Policy(support=SupportPolicy(pause=True))
    return replace(place, settings=place.settings.model_copy(update={"policy": policy}))


def logged(log: Log, answers: Answers = A, **given: object) -> Request:
    """A request opened in `log`."""
    contract = contract_of(log.place, load_profile(ROOT / "inventories", log.customer))
    return open_request(log, contract, Report(**{"person": PERSON, "answers": answers, **given}))  # type: ignore[arg-type]


@pytest.fixture
def log(place: Workplace) -> Iterator[Log]:
    with writing(place, CUSTOMER) as found:
        yield found


def at(clock: FixedClock, hours: float) -> None:
    """Move the clock on."""
    clock.move(timedelta(hours=hours))
