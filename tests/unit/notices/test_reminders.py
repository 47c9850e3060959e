"""What waits for a person, by when, and what went wrong."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from opsctl.core.clock import FixedClock
from opsctl.core.errors import ConfigurationError, NotCovered, UsageError
from opsctl.core.outcome import Status
from opsctl.fleet.drafts import draft_due
from opsctl.notices import register
from opsctl.notices.approval import known, needs_another
from opsctl.notices.confirming import confirm
from opsctl.notices.coverage import coverage
from opsctl.notices.planning import plan
from opsctl.notices.policy import last_day
from opsctl.notices.reminders import check, remind
from opsctl.notices.service import draft
from opsctl.profiles.model import Profile
from opsctl.profiles.settings import NoticePolicy, Policy
from opsctl.releases.catalogue import Catalogue
from opsctl.runs.workplace import Workplace
from tests.unit.notices.conftest import NOW, ProfileMaker
from tests.unit.notices.delivery import CUSTOMER, NOTICE, record, sent
from tests.unit.notices.test_notice_draft import EXPIRED, NO_MAJORS


@pytest.fixture
def elmegaard(workplace: Workplace, releases: Catalogue, sample: ProfileMaker) -> Profile:
    profile = sample("elmegaard")
    draft(workplace, profile, releases=releases)
    return profile


def move(workplace: Workplace, **by: float) -> None:
    assert isinstance(workplace.clock, FixedClock)
    workplace.clock.move(timedelta(**by))


@pytest.mark.parametrize(("since", "days", "last"), [
    (date(2026, 11, 23), 0, date(2026, 11, 23)), (date(2026, 11, 23), 1, date(2026, 11, 24)),
    (date(2026, 11, 27), 1, date(2026, 11, 30)), (date(2026, 11, 28), 1, date(2026, 11, 30)),
    (date(2026, 11, 26), 3, date(2026, 12, 1))])
def test_working_days(since: date, days: int, last: date) -> None:
    assert last_day(since, days) == last


def test_without_majors_both_release_notices_wait_until_the_agreement_ends(workplace: Workplace, releases: Catalogue,
                                                                           sample: ProfileMaker) -> None:
    profile = sample("elmegaard", agreement=NO_MAJORS)
    draft(workplace, profile, releases=releases)
    assert list(draft_due(workplace, profile, releases))
    summary = remind(workplace, profile).summary
    assert "release-5.5.0 waits for approval" in summary and "security-6.0.0 waits for approval" in summary
    ended = sample("elmegaard", agreement={**EXPIRED, "entitlements": {"major": False}})
    assert "release-5.5.0" not in remind(workplace, ended).summary, "what goes on is told alone"


def test_from_draft_to_confirmation(workplace: Workplace, elmegaard: Profile) -> None:
    waiting = remind(workplace, elmegaard)
    assert waiting.status is Status.WARNING
    assert waiting.summary == f"{NOTICE} waits for approval (by 2026-11-24)"
    assert f"opsctl notice approve {CUSTOMER} {NOTICE}" in waiting.resolution
    assert [one["todo"] for one in waiting.data["waiting"]] == [
        f"opsctl notice approve {CUSTOMER} {NOTICE} --key FILE"]
    move(workplace, days=2)
    assert remind(workplace, elmegaard).status is Status.CHECK_FAILED, "late"
    record(workplace, register.APPROVED)
    waiting = remind(workplace, elmegaard)
    assert waiting.status is Status.WARNING
    assert waiting.summary == f"{NOTICE} is approved and not sent (by 2026-11-26)"
    record(workplace, register.SENDING)
    record(workplace, register.ACCEPTED)
    waiting = remind(workplace, elmegaard)
    assert waiting.summary == f"{NOTICE} is not confirmed by the customer (by 2026-11-30)"
    assert confirm(workplace, elmegaard, NOTICE, "ticket 4711").status is Status.DONE
    assert remind(workplace, elmegaard).status is Status.UNCHANGED
    assert confirm(workplace, elmegaard, NOTICE, "once more").status is Status.UNCHANGED
    [row] = coverage(workplace, [elmegaard], "6.0.0")
    assert row.confirmed == "ticket 4711"


def test_no_confirmation_is_asked_for_where_the_policy_asks_for_none(workplace: Workplace, elmegaard: Profile) -> None:
    sent(workplace)
    object.__setattr__(workplace, "settings", workplace.settings.model_copy(
        update={"policy": Policy(notices=NoticePolicy(confirmation=()))}))
    assert remind(workplace, elmegaard).status is Status.UNCHANGED


@pytest.mark.parametrize(("kind", "said"), [
    (register.UNKNOWN, "unknown"), (register.REFUSED, "refused"), (register.SENDING, "killed"),
    (register.BOUNCED, "bounced")])
def test_what_went_wrong_is_late_at_once(workplace: Workplace, elmegaard: Profile, kind: str, said: str) -> None:
    sent(workplace)
    record(workplace, kind, action="failed", status="5.1.1", diagnostic="", report="00")
    found = remind(workplace, elmegaard)
    assert found.status is Status.CHECK_FAILED and said in found.summary, found


def test_what_was_overtaken_waits_for_nobody(workplace: Workplace, elmegaard: Profile, sample: ProfileMaker) -> None:
    installed = sample("elmegaard", ready={"version": "6.0.0"})
    assert remind(workplace, installed).status is Status.UNCHANGED


def test_a_customer_that_gets_no_notices(workplace: Workplace, sample: ProfileMaker) -> None:
    with pytest.raises(NotCovered):
        remind(workplace, sample("aalund"))
    assert remind(workplace, sample("dalmose")).status is Status.UNCHANGED


@pytest.mark.parametrize("reference", ["", "  ", "mail of it@elmegaard.example", "a\nb", "x" * 121])
def test_a_reference_that_may_not_stand_in_the_chain(workplace: Workplace, elmegaard: Profile, reference: str) -> None:
    sent(workplace)
    with pytest.raises(UsageError, match="--reference"):
        confirm(workplace, elmegaard, NOTICE, reference)


def test_nothing_sent_nothing_confirmed(workplace: Workplace, elmegaard: Profile) -> None:
    with pytest.raises(UsageError, match="was sent"):
        confirm(workplace, elmegaard, NOTICE, "ticket 4711")
    assert not known(workplace, CUSTOMER)[0].confirmation


def test_the_policy_names_kinds_and_a_slip_switches_no_rule_off(releases: Catalogue, sample: ProfileMaker) -> None:
    facts = plan(sample("elmegaard"), releases, NOW).facts
    assert facts is not None
    assert needs_another(facts, NoticePolicy())
    assert facts.security and needs_another(facts, NoticePolicy(second_person=("security",)))
    assert needs_another(facts, NoticePolicy(second_person=("major",)))
    assert not needs_another(facts, NoticePolicy(second_person=("update",)))
    assert not needs_another(facts, NoticePolicy(second_person=()))
    with pytest.raises(ConfigurationError, match=r"policy\.notices\.second_person: majr is no kind"):
        needs_another(facts, NoticePolicy(second_person=("majr",)))


def test_check_says_what_hinders(workplace: Workplace, releases: Catalogue, sample: ProfileMaker) -> None:
    profile = sample("elmegaard")
    missing = check(workplace, profile, releases)
    assert missing.status is Status.WARNING and missing.summary == f"{NOTICE} is not drafted"
    draft(workplace, profile, releases=releases)
    assert "waits for approval" in check(workplace, profile, releases).summary
    strange = sample("elmegaard", domains=["elsewhere.example"])
    assert "lies outside the customer's `domains`" in check(workplace, strange, releases).summary
    sent(workplace)
    record(workplace, register.REFUSED)
    assert check(workplace, profile, releases).status is Status.CHECK_FAILED
    with pytest.raises(NotCovered):
        check(workplace, sample("aalund"), releases)
