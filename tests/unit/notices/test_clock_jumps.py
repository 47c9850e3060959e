"""A clock that jumps: nothing is told twice, nothing is lost, and what a later day makes untrue is not sent."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from opsctl.core.clock import FixedClock
from opsctl.core.errors import ApprovalMissing
from opsctl.core.outcome import Status
from opsctl.notices.approval import known
from opsctl.notices.outbox import current
from opsctl.notices.reminders import remind
from opsctl.notices.service import draft
from opsctl.notices.standing import require_standing
from opsctl.releases.catalogue import Catalogue
from opsctl.releases.version import Version
from opsctl.runs.workplace import Workplace
from tests.unit.notices.conftest import NOW, ProfileMaker


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOW)


@pytest.fixture
def jumping(workplace: Workplace, clock: FixedClock) -> Workplace:
    """The workplace with a clock that the test moves; the ledger's stands still."""
    return replace(workplace, clock=clock)


def test_a_clock_that_goes_back_drafts_nothing_anew_and_voids_nothing(jumping: Workplace, clock: FixedClock,
                                                                     releases: Catalogue, sample: ProfileMaker) -> None:
    customer = sample("elmegaard")
    first = draft(jumping, customer, releases=releases)
    for back in (timedelta(hours=2), timedelta(days=3)):
        clock.move(-back)
        again = draft(jumping, customer, releases=releases)
        assert (again.status, again.data["sha256"]) == (Status.UNCHANGED, first.data["sha256"])
        [revision] = known(jumping, customer.customer)
        assert require_standing(jumping, customer, releases, revision).files.sha256 == first.data["sha256"]
        assert remind(jumping, customer).status is Status.WARNING, "it waits, and is not late"


def test_a_clock_that_goes_far_ahead_voids_what_is_untrue_by_then(jumping: Workplace, clock: FixedClock,
                                                                  releases: Catalogue, sample: ProfileMaker) -> None:
    customer = sample("elmegaard")
    draft(jumping, customer, releases=releases)
    [revision] = known(jumping, customer.customer)
    clock.move(timedelta(days=3650))
    with pytest.raises(ApprovalMissing, match=r"security-6\.0\.0"):
        require_standing(jumping, customer, releases, revision)
    clock.move(-timedelta(days=3650))
    assert require_standing(jumping, customer, releases, revision).files.sha256 == revision.sha256, \
        "what a wrong clock voided holds again"
    assert current([revision], Version.parse("5.4.0"), clock.now()) == (revision,)
