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

RELEASE, CORRECTION, WITHDRAWAL = "release-6.0.0", "correction-6.0.0.r2", "withdrawal-6.0.0"
REVISED: dict[str, Any] = {"revision": 2, "correction": {"en": "It needs 8192 MB."}}
TAKEN: dict[str, Any] = {"status": "withdrawn", "withdrawn": {
    "at": "2026-11-24T08:00:00+01:00", "reason": {"en": "It loses readings."}}}
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

    def runs(self, version: str, *modules: str) -> None:
        """The profile says so from now on."""
        ready = self.profile.ready.model_copy(update={"version": version, "modules": modules})
        self.profile = self.profile.model_copy(update={"ready": ready})

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


@pytest.fixture
def taken(releases: Catalogue) -> Catalogue:
    return with_release(releases, "6.0.0", **TAKEN)


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


def test_a_withdrawal_is_told_once_with_the_day_of_the_release_notice(one: Desk, taken: Catalogue) -> None:
    first = one.due(taken)[WITHDRAWAL]
    assert first.status is Status.DONE and "which we told you of on Monday 23 November 2026" in text(first)
    one.later()
    one.delivered(WITHDRAWAL)
    one.later()
    again = one.due(taken)[WITHDRAWAL]
    assert (again.status, again.data["revision"]) == (Status.UNCHANGED, 1)


def test_a_withdrawal_reaches_the_second_contact_after_the_first(two: Desk, taken: Catalogue) -> None:
    two.due(taken)
    two.later()
    accepted(two.workplace, two.newest(WITHDRAWAL))
    assert two.stands(WITHDRAWAL, taken).told_at == NOW
    assert two.due(taken)[WITHDRAWAL].status is Status.UNCHANGED, "nor does the first get it twice"


def test_a_withdrawal_after_a_correction_speaks_of_the_release_notice(one: Desk, revised: Catalogue,
                                                                      releases: Catalogue) -> None:
    one.due(revised)
    one.delivered(CORRECTION)
    one.later()
    found = one.due(with_release(releases, "6.0.0", **REVISED, **TAKEN))[WITHDRAWAL]
    assert "which we told you of on Monday 23 November 2026" in text(found)


def test_a_withdrawal_that_everybody_has_is_told_anew_when_its_words_matter(one: Desk, releases: Catalogue,
                                                                          taken: Catalogue) -> None:
    one.due(taken)
    one.delivered(WITHDRAWAL)
    one.runs("5.5.0", "ready-core", "leak-alarm")
    assert one.due(taken)[WITHDRAWAL].status is Status.UNCHANGED, "another version is none of its business"
    one.runs("6.0.0", "ready-core")
    has_it = one.due(taken)[WITHDRAWAL]
    assert has_it.status is Status.DONE and "You have READY 6.0.0 installed." in text(has_it)
    one.runs("5.5.0", "ready-core")
    replaced = with_release(releases, "6.0.0", **{**TAKEN, "withdrawn": {**TAKEN["withdrawn"], "replaced_by": "6.0.1"}})
    one.due(replaced)
    one.delivered(WITHDRAWAL)
    with_another_reason = {**TAKEN["withdrawn"], "reason": {"en": "It loses alarms."}}
    found = one.due(with_release(releases, "6.0.0", **{**TAKEN, "withdrawn": with_another_reason}))[WITHDRAWAL]
    assert found.status is Status.DONE and "It loses alarms." in text(found)


def test_a_release_that_is_told_anew_and_withdrawn_again_is_a_withdrawal_of_its_own_day(
        one: Desk, revised: Catalogue, releases: Catalogue, taken: Catalogue) -> None:
    one.due(taken)
    one.delivered(WITHDRAWAL)
    draft(one.workplace, one.profile, releases=revised)
    one.delivered(RELEASE)
    one.later()
    found = one.due(with_release(releases, "6.0.0", **REVISED, **TAKEN))[WITHDRAWAL]
    assert found.status is Status.DONE and "which we told you of on Tuesday 24 November 2026" in text(found)
