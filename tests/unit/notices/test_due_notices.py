"""What is due without anybody asking, who gets it, and that it can be approved while it holds."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsctl.core.clock import FixedClock
from opsctl.core.errors import ApprovalMissing, ConfigurationError
from opsctl.core.outcome import Outcome, Status
from opsctl.fleet.drafts import draft_due
from opsctl.notices.approval import known
from opsctl.notices.due import LICENCE_STAGES, SUPPORT_STAGES, stage
from opsctl.notices.register import newest
from opsctl.notices.service import draft
from opsctl.notices.standing import require_standing
from opsctl.profiles.model import Profile
from opsctl.releases.catalogue import Catalogue, load
from opsctl.runs.workplace import Workplace
from tests.unit.notices.conftest import ROOT, ProfileMaker
from tests.unit.notices.delivery import accepted
from tests.unit.notices.test_notice_draft import EXPIRED, with_release

LICENCE = {"product": "Map tiles", "vendor": "Sample Maps", "metric": "meters", "quantity": 5000,
           "valid_to": "2026-12-20", "held_at": "contract archive"}


def by_kind(workplace: Workplace, profile: Profile, releases: Catalogue) -> dict[str, Outcome]:
    return {str(one.data["kind"]): one for one in draft_due(workplace, profile, releases)}


def text(outcome: Outcome) -> str:
    return " ".join((Path(outcome.data["folder"]) / "message.txt").read_text(encoding="utf-8").split())


@pytest.mark.parametrize(("left", "reached"), [
    (366, None), (365, 365), (184, 365), (183, 183), (90, 90), (31, 90), (30, 30), (0, 30), (-1, 0), (-400, 0)])
def test_the_stages_of_a_reminder(left: int, reached: int | None) -> None:
    today = date(2026, 11, 23)
    assert stage(today + timedelta(days=left), today, SUPPORT_STAGES) == reached


@settings(max_examples=60)
@given(st.dates(date(2020, 1, 1), date(2030, 1, 1)), st.sampled_from([SUPPORT_STAGES, LICENCE_STAGES]))
def test_reminders_only_come_nearer(until: date, stages: tuple[int, ...]) -> None:
    found = [stage(until, until + timedelta(days=day), stages) for day in range(-max(stages) - 2, 3)]
    known_stages = [one for one in found if one is not None]
    assert found[0] is None and known_stages == sorted(known_stages, reverse=True)
    assert set(known_stages) == {*stages, 0}


def test_end_of_support_platform_and_licence_of_a_customer_that_hosts_itself(
        workplace: Workplace, releases: Catalogue, sample: ProfileMaker) -> None:
    found = by_kind(workplace, sample("elmegaard", licences=[LICENCE]), releases)
    assert {kind: one.status for kind, one in found.items()} == dict.fromkeys(
        ("end-of-support", "licence-expiry", "platform"), Status.DONE)
    support = text(found["end-of-support"])
    assert "READY 5.4.0, ends at the end of Monday 31 May 2027" in support and "READY 5.5.0 and READY 6.0.0" in support
    assert "Sample Maps" in text(found["licence-expiry"]) and "Sunday 20 December 2026" in text(found["licence-expiry"])
    platform = text(found["platform"])
    assert "OpenSSL" in platform and "Take your own backup" in platform and "Friday 18 December 2026" in platform
    again = by_kind(workplace, sample("elmegaard", licences=[LICENCE]), releases)
    assert {one.status for one in again.values()} == {Status.UNCHANGED}, "the next night finds them drafted"


def test_kamstrup_sees_to_what_it_hosts(workplace: Workplace, releases: Catalogue, sample: ProfileMaker) -> None:
    assert by_kind(workplace, sample("aalund", licences=[LICENCE]), releases) == {}
    assert not list(workplace.ledger.entries("sample-aalund"))


def test_after_the_agreement_has_ended_only_what_protects_goes_on(workplace: Workplace, releases: Catalogue,
                                                                 sample: ProfileMaker) -> None:
    found = by_kind(workplace, sample("elmegaard", licences=[LICENCE], agreement=EXPIRED), releases)
    assert set(found) == {"licence-expiry"} and any("P05" in one for one in found["licence-expiry"].warnings)


def test_a_perpetual_licence_does_not_end(workplace: Workplace, releases: Catalogue, sample: ProfileMaker) -> None:
    perpetual = {name: value for name, value in LICENCE.items() if name != "valid_to"}
    assert "licence-expiry" not in by_kind(workplace, sample("elmegaard", licences=[perpetual]), releases)


def test_a_licence_that_renews_itself_does_not_end(workplace: Workplace, releases: Catalogue, sample: ProfileMaker
                                                   ) -> None:
    for renewal, told in (("automatic", False), ("manual", True), ("none", True)):
        found = by_kind(workplace, sample("elmegaard", licences=[{**LICENCE, "renewal": renewal}]), releases)
        assert ("licence-expiry" in found) == told
        ended = {**LICENCE, "renewal": renewal, "valid_to": "2026-11-20"}
        assert ("licence-expiry" in by_kind(workplace, sample("elmegaard", licences=[ended]), releases)) == told


def test_a_licence_that_another_follows_does_not_end(workplace: Workplace, releases: Catalogue, sample: ProfileMaker
                                                     ) -> None:
    for begins, told in (("2026-12-21", False), ("2026-12-22", True)):
        new = {**LICENCE, "valid_from": begins, "valid_to": "2029-12-31"}
        found = by_kind(workplace, sample("elmegaard", licences=[new, LICENCE]), releases)
        assert ("licence-expiry" in found) == told


def test_entries_of_one_licence_are_told_in_one_notice(workplace: Workplace, releases: Catalogue, sample: ProfileMaker
                                                       ) -> None:
    twin = {**LICENCE, "metric": "cores", "quantity": 16, "held_at": "safe"}
    later = {**LICENCE, "valid_to": "2026-12-21"}
    profile = sample("elmegaard", licences=[LICENCE, later, twin])
    told = [one for one in draft_due(workplace, profile, releases) if one.data["kind"] == "licence-expiry"]
    assert [one.data["notice"] for one in told] == [f"licence.sample-maps-map-tiles.{day}.d30"
                                                    for day in ("2026-12-20", "2026-12-21")]
    words = text(told[0])
    assert "5,000 (meters)" in words and "16 (cores)" in words and "contract archive" in words and "safe" in words
    assert "(cores)" not in text(told[1])
    for one in known(workplace, profile.customer):
        require_standing(workplace, profile, releases, one)
    assert {one.status for one in draft_due(workplace, profile, releases)} == {Status.UNCHANGED}


@pytest.fixture
def informed(workplace: Workplace, releases: Catalogue, sample: ProfileMaker) -> Iterator[Profile]:
    """A customer whose contact got the notice of READY 6.0.0."""
    profile = sample("elmegaard")
    draft(workplace, profile, releases=releases)
    [revision] = known(workplace, profile.customer)
    accepted(workplace, revision)
    yield profile


TAKEN: dict[str, Any] = {"status": "withdrawn", "withdrawn": {
    "at": "2026-11-23T08:00:00+01:00", "reason": {"en": "It loses readings."}, "replaced_by": "6.0.1"}}


def test_those_who_were_told_hear_of_a_withdrawal(workplace: Workplace, releases: Catalogue, informed: Profile,
                                                  sample: ProfileMaker) -> None:
    taken = with_release(releases, "6.0.0", **TAKEN)
    found = by_kind(workplace, informed, taken)["withdrawal"]
    assert (found.data["notice"], found.data["subjects"]) == (
        "withdrawal-6.0.0", ["[READY 6.0.0] Withdrawn - Elmegaard Energy (sample)"])
    assert "Reason: It loses readings." in text(found) and "Please do not install READY 6.0.0." in text(found)
    assert "READY 6.0.1 replaces it" in text(found)
    assert "withdrawal" not in by_kind(workplace, sample("dalmose"), taken), "who was not told hears nothing"


def test_a_draft_that_was_never_sent_needs_no_withdrawal(workplace: Workplace, releases: Catalogue,
                                                         sample: ProfileMaker) -> None:
    draft(workplace, sample("dalmose"), releases=releases)
    assert "withdrawal" not in by_kind(workplace, sample("dalmose"), with_release(releases, "6.0.0", **TAKEN))


def test_those_who_were_told_hear_of_a_correction_once(workplace: Workplace, releases: Catalogue, informed: Profile
                                                       ) -> None:
    revised = with_release(releases, "6.0.0", revision=2, correction={"en": "It needs 8192 MB."})
    found = by_kind(workplace, informed, revised)["correction"]
    assert found.data["notice"] == "correction-6.0.0.r2" and "Correct is: It needs 8192 MB." in text(found)
    assert "2; you were told revision 1" in text(found)
    revision = newest(known(workplace, informed.customer), "correction-6.0.0.r2")
    assert revision is not None
    accepted(workplace, revision)
    assert "correction" not in by_kind(workplace, informed, revised)


def test_what_is_due_holds_until_it_is_due_no_more(workplace: Workplace, releases: Catalogue, sample: ProfileMaker
                                                   ) -> None:
    profile = sample("elmegaard", licences=[LICENCE])
    by_kind(workplace, profile, releases)
    drafts = known(workplace, profile.customer)
    assert len(drafts) == 3
    for one in drafts:
        assert require_standing(workplace, profile, releases, one).facts.notice == one.notice
    assert isinstance(workplace.clock, FixedClock)
    workplace.clock.move(timedelta(days=22))
    licence = next(one for one in drafts if one.kind.value == "licence-expiry")
    with pytest.raises(ApprovalMissing, match="not due any more"):
        require_standing(workplace, profile, releases, licence)
    assert by_kind(workplace, profile, releases)["licence-expiry"].data["notice"].endswith(".d7")


def test_an_advisory_with_errors_names_its_lines(tmp_path: Path) -> None:
    for path in (ROOT / "releases").glob("*.yml"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "platform").mkdir()
    wrong = (ROOT / "releases" / "platform" / "2026-11.yml").read_text(encoding="utf-8")
    wrong = wrong.replace("id: 2026-11", "id: 2026-10").replace("min: 3.0.15", "minimum: 3.0.15")
    (tmp_path / "platform" / "2026-11.yml").write_text(wrong, encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path)
    assert any("patches[0].minimum: is not a known key" in line for line in caught.value.details)
