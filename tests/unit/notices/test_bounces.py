"""Delivery reports read, matched with the message that was sent, and recorded once."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsctl.core.errors import UsageError
from opsctl.core.outcome import Status
from opsctl.notices import bounces, register
from opsctl.notices.approval import known
from opsctl.notices.coverage import coverage
from opsctl.notices.returned import record
from opsctl.notices.sending import Step, step
from opsctl.notices.service import draft
from opsctl.releases.catalogue import Catalogue
from opsctl.runs.workplace import Workplace
from tests.unit.notices.conftest import ProfileMaker
from tests.unit.notices.delivery import CUSTOMER, accepted, bounce, sent

IDENTITY = "<opsctl.release-6.0.0.1.0123456789abcdef@ready-support.example>"


@pytest.mark.parametrize("returned", ["message/rfc822", "text/rfc822-headers", "message/global",
                                      "message/global-headers"])
def test_a_report_names_the_message_that_was_sent_and_not_itself(returned: str) -> None:
    report = bounces.read(bounce(IDENTITY, returned=returned))
    assert report.message_id == IDENTITY
    [fate] = report.fates
    assert (fate.recipient, fate.action, fate.status) == ("it@elmegaard.example", "failed", "5.1.1")
    assert fate.diagnostic == "550 5.1.1 [address]: Recipient address rejected"


@pytest.mark.parametrize(("content", "said"), [
    (b"", "not a delivery report"),
    (b"Subject: Re: notice\r\nMessage-ID: <a@b.example>\r\n\r\nThanks!\r\n", "not a delivery report"),
    (bounce(IDENTITY, action="exploded"), "names no recipient"),
    (bounce(IDENTITY, status="6.6.6"), "names no recipient"),
    (bounce("nothing"), "no Message-ID"),
], ids=["empty", "a person's answer", "unknown action", "unknown status", "no id"])
def test_what_is_no_report(content: bytes, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        bounces.read(content)


@given(st.binary(max_size=400), st.integers(0, 1500), st.integers(0, 1500))
def test_a_damaged_report_is_refused_or_read_and_never_breaks(noise: bytes, start: int, end: int) -> None:
    whole = bounce(IDENTITY)
    try:
        report = bounces.read(whole[:start] + noise + whole[end:])
    except UsageError:
        return
    assert report.fates and all(len(fate.diagnostic) <= 200 for fate in report.fates)


def test_a_bounce_is_recorded_once_and_coverage_shows_it(workplace: Workplace, releases: Catalogue,
                                                         sample: ProfileMaker) -> None:
    profiles = [sample("dalmose"), sample("elmegaard")]
    for profile in profiles:
        draft(workplace, profile, releases=releases)
    sent(workplace, "sample-dalmose")
    identity = sent(workplace)
    outcome = record(workplace, profiles, bounce(identity))
    assert (outcome.status, outcome.customer) == (Status.WARNING, CUSTOMER)
    assert "5.1.1" in outcome.summary and "correct it in the profile" in outcome.resolution
    rows = {row.customer: row for row in coverage(workplace, profiles, "6.0.0")}
    assert rows["sample-dalmose"].informed == "yes"
    assert rows[CUSTOMER].informed == "no" and rows[CUSTOMER].reason.startswith("it bounced: failed: 5.1.1 550")
    assert rows[CUSTOMER].reply == "250 2.0.0 queued", "what the relay said stays on record"
    assert record(workplace, profiles, bounce(identity)).status is Status.UNCHANGED
    kinds = [entry.kind for entry in workplace.ledger.entries(CUSTOMER) if entry.kind.startswith("notice.")]
    assert kinds.count("notice.bounced") == 1
    assert "elmegaard.example" not in json.dumps([dict(entry.payload) for entry in workplace.ledger.entries(CUSTOMER)])
    [revision] = known(workplace, CUSTOMER)
    [attempt] = revision.attempts.values()
    assert revision.state == "bounced"
    assert (step(attempt, again=False), step(attempt, again=True)) == (Step.BOUNCED, Step.SEND)


@pytest.mark.parametrize("name", ["Ops [24/7]", "Vagt; Drift", "Drift (vagt", "a@b Hansen", "Drift: vagt", "O'Hara",
                                  "IT \\"])
def test_the_contact_is_found_by_whatever_name(workplace: Workplace, releases: Catalogue, sample: ProfileMaker,
                                               name: str) -> None:
    roles = ["notices", "technical", "accountable"]
    profile = sample("elmegaard", contacts=[{"name": name, "email": "it@elmegaard.example", "roles": roles}])
    assert draft(workplace, profile, releases=releases).status is Status.DONE
    assert record(workplace, [profile], bounce(sent(workplace))).status is Status.WARNING
    assert known(workplace, CUSTOMER)[-1].state == "bounced"


def test_an_old_report_says_nothing_of_what_was_sent_again(workplace: Workplace, releases: Catalogue,
                                                           sample: ProfileMaker) -> None:
    profile = sample("elmegaard")
    draft(workplace, profile, releases=releases)
    identity = sent(workplace)
    record(workplace, [profile], bounce(identity))
    accepted(workplace, known(workplace, CUSTOMER)[-1])
    assert record(workplace, [profile], bounce(identity)).status is Status.UNCHANGED
    [attempt] = known(workplace, CUSTOMER)[-1].attempts.values()
    assert (attempt.kind, attempt.report) == (register.ACCEPTED, "")
    again = record(workplace, [profile], bounce(identity, status="5.2.2"))
    assert again.status is Status.WARNING and known(workplace, CUSTOMER)[-1].state == "bounced", "another report counts"


def test_a_delay_is_on_record_and_nobody_counts_as_lost(workplace: Workplace, releases: Catalogue, sample: ProfileMaker
                                                        ) -> None:
    profile = sample("elmegaard")
    draft(workplace, profile, releases=releases)
    outcome = record(workplace, [profile], bounce(sent(workplace), action="delayed", status="4.4.1"))
    assert outcome.status is Status.DONE
    [row] = coverage(workplace, [profile], "6.0.0")
    assert (row.informed, row.reason.partition(" 550")[0]) == ("yes", "reported delayed: 4.4.1")


def test_a_report_about_somebody_else_s_message(workplace: Workplace, releases: Catalogue, sample: ProfileMaker
                                                ) -> None:
    profile = sample("elmegaard")
    draft(workplace, profile, releases=releases)
    with pytest.raises(UsageError, match="no message with the id"):
        record(workplace, [profile], bounce(IDENTITY))
    drafted = known(workplace, CUSTOMER)[-1]
    assert not drafted.attempts, "what was never sent cannot bounce"
    assert not [entry for entry in workplace.ledger.entries(CUSTOMER) if entry.kind == register.BOUNCED]


def test_a_bounce_after_the_agreement_has_ended_is_recorded(workplace: Workplace, releases: Catalogue,
                                                            sample: ProfileMaker) -> None:
    from datetime import timedelta

    from opsctl.core.clock import FixedClock

    profile = sample("elmegaard")
    draft(workplace, profile, releases=releases)
    identity = sent(workplace)
    assert isinstance(workplace.clock, FixedClock)
    workplace.clock.move(timedelta(days=400))
    assert record(workplace, [profile], bounce(identity)).status is Status.WARNING
