"""Corrections and withdrawals tell what was told before them; what is delivered meanwhile changes nothing of that."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from opsctl.core.clock import FixedClock
from opsctl.core.errors import ApprovalMissing
from opsctl.core.outcome import Outcome, Status
from opsctl.fleet.drafts import draft_due
from opsctl.notices import register
from opsctl.notices.approval import known
from opsctl.notices.matters import RecallFacts
from opsctl.notices.register import Revision, newest
from opsctl.notices.service import draft
from opsctl.notices.standing import require_standing
from opsctl.profiles.model import Profile
from opsctl.releases.catalogue import Catalogue
from opsctl.runs.workplace import Workplace
from tests.unit.notices.conftest import NOW, ProfileMaker
from tests.unit.notices.delivery import accepted, ended
from tests.unit.notices.test_notice_draft import with_release

RELEASE, CORRECTION = "release-6.0.0", "correction-6.0.0.r2"
REVISED: dict[str, Any] = {"revision": 2, "correction": {"en": "It needs 8192 MB."}}
ROLES = ["notices", "security", "technical", "accountable"]
TWO = [{"name": name, "email": f"{name.lower()}@elmegaard.example", "roles": ROLES} for name in ("It", "Ops")]


class Desk:
    """One customer whose contacts got the notice of READY 6.0.0 on the day NOW, and that is looked at later."""

    def __init__(self, workplace: Workplace, profile: Profile, releases: Catalogue) -> None:
        self.workplace, self.profile = workplace, profile
        draft(workplace, profile, releases=releases)
        self.delivered(RELEASE)
        self.later()

    def later(self) -> None:
        assert isinstance(self.workplace.clock, FixedClock)
        self.workplace.clock.move(timedelta(days=1))

    def newest(self, notice: str) -> Revision:
        found = newest(known(self.workplace, self.profile.customer), notice)
        assert found is not None
        return found

    def delivered(self, notice: str) -> None:
        """The newest revision, to everybody."""
        for contact in range(len(self.newest(notice).contacts)):
            accepted(self.workplace, self.newest(notice), contact=contact)

    def due(self, releases: Catalogue) -> dict[str, Outcome]:
        """What a night drafts or finds drafted, by notice."""
        return {str(one.data["notice"]): one for one in draft_due(self.workplace, self.profile, releases)}

    def stands(self, notice: str, releases: Catalogue) -> RecallFacts:
        facts = require_standing(self.workplace, self.profile, releases, self.newest(notice)).facts
        assert isinstance(facts, RecallFacts)
        return facts


@pytest.fixture
def one(workplace: Workplace, releases: Catalogue, sample: ProfileMaker) -> Desk:
    return Desk(workplace, sample("elmegaard"), releases)


@pytest.fixture
def two(workplace: Workplace, releases: Catalogue, sample: ProfileMaker) -> Desk:
    return Desk(workplace, sample("elmegaard", contacts=TWO), releases)


@pytest.fixture
def revised(releases: Catalogue) -> Catalogue:
    return with_release(releases, "6.0.0", **REVISED)


def text(outcome: Outcome) -> str:
    return " ".join((Path(outcome.data["folder"]) / "message.txt").read_text(encoding="utf-8").split())


def test_a_correction_goes_out_after_the_release_notice_of_the_same_night(one: Desk, revised: Catalogue) -> None:
    draft(one.workplace, one.profile, releases=revised)
    assert one.due(revised)[CORRECTION].status is Status.DONE
    one.later()
    one.delivered(RELEASE)
    facts = one.stands(CORRECTION, revised)
    assert (facts.told, facts.told_at) == (1, NOW), "not what went out since it was drafted"
    assert one.due(revised)[CORRECTION].status is Status.UNCHANGED, "the next night finds it drafted"
    one.delivered(CORRECTION)
    assert CORRECTION not in one.due(revised)


def test_a_correction_reaches_the_second_contact_after_the_first(two: Desk, revised: Catalogue) -> None:
    two.due(revised)
    draft(two.workplace, two.profile, releases=revised)
    accepted(two.workplace, two.newest(CORRECTION))
    ended(two.workplace, two.newest(CORRECTION), register.REFUSED, contact=1, code=450, temporary=True)
    two.delivered(RELEASE)
    facts = two.stands(CORRECTION, revised)
    assert (facts.told, facts.told_at) == (1, NOW)
    assert two.due(revised)[CORRECTION].status is Status.UNCHANGED
    accepted(two.workplace, two.newest(CORRECTION), contact=1)
    assert CORRECTION not in two.due(revised)


def test_a_correction_for_other_contacts_still_tells_what_was_told_first(two: Desk, revised: Catalogue) -> None:
    two.due(revised)
    accepted(two.workplace, two.newest(CORRECTION))
    ended(two.workplace, two.newest(CORRECTION), register.REFUSED, contact=1, code=550)
    draft(two.workplace, two.profile, releases=revised)
    two.delivered(RELEASE)
    contacts = (two.profile.contacts[0], two.profile.contacts[1].model_copy(update={"email": "op@elmegaard.example"}))
    two.profile = two.profile.model_copy(update={"contacts": contacts})
    made = two.due(revised)[CORRECTION]
    assert (made.status, made.data["revision"]) == (Status.DONE, 2) and "2; you were told revision 1" in text(made)
    two.delivered(CORRECTION)
    assert CORRECTION not in two.due(revised), "the newest of its drafts counts"


def test_who_got_the_corrected_notice_alone_gets_no_correction_of_it(one: Desk, revised: Catalogue) -> None:
    draft(one.workplace, one.profile, releases=revised)
    one.delivered(RELEASE)
    assert CORRECTION not in one.due(revised)


def test_a_next_correction_tells_of_the_release_notice_before_it(one: Desk, releases: Catalogue, revised: Catalogue
                                                                 ) -> None:
    one.due(revised)
    draft(one.workplace, one.profile, releases=revised)
    one.delivered(RELEASE)
    sent = one.workplace.clock.now()
    one.later()
    one.delivered(CORRECTION)
    third = with_release(releases, "6.0.0", revision=3, correction={"en": "It needs 16384 MB."})
    assert "3; you were told revision 2" in text(one.due(third)["correction-6.0.0.r3"])
    assert one.stands("correction-6.0.0.r3", third).told_at == sent
    with pytest.raises(ApprovalMissing, match="not due any more"):
        one.stands(CORRECTION, third)
