"""Messages before and after an installation (P49): drafted from what is due and from the evidence. No host is asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from opsctl.core.clock import FixedClock
from opsctl.core.errors import ApprovalMissing
from opsctl.core.outcome import Outcome, Status
from opsctl.fleet.drafts import due_drafts
from opsctl.fleet.informing import after, announced, before, times, untold
from opsctl.fleet.windows import WEEKDAYS, Occurrence
from opsctl.notices.approval import known
from opsctl.notices.by_hand import InstallSource
from opsctl.notices.model import NoticeKind
from opsctl.notices.outbox import current, to_send
from opsctl.notices.register import Approval
from opsctl.notices.service import draft, draft_written
from opsctl.notices.standing import require_standing
from opsctl.profiles.loader import load_profile
from opsctl.profiles.parts import Freeze, Window
from opsctl.profiles.rollout import ApprovalNeed, PlanApprovals
from opsctl.releases.catalogue import load
from opsctl.releases.changes import Text
from opsctl.releases.version import Version
from opsctl.runs.workplace import Workplace
from tests.unit.notices.delivery import accepted
from tests.unit.workplaces import SAMPLES, opened

ROOT = Path(__file__).resolve().parents[3]
RELEASES = load(ROOT / "releases")
NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
NIGHTS = (Window(name="night", weekdays=("wednesday",), start="22:00", end="02:00"),)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOW)


@pytest.fixture
def place(tmp_path: Path, clock: FixedClock) -> Iterator[Workplace]:
    with opened(tmp_path, clock, SAMPLES) as found:
        yield found


def profile(name: str = "aalund", **changed: Any) -> Any:
    return load_profile(ROOT / "inventories", f"sample-{name}").model_copy(
        update={"windows": NIGHTS, "language": "en", **changed})


def text(outcome: Outcome) -> str:
    return " ".join((Path(outcome.data["folder"]) / "message.txt").read_text(encoding="utf-8").split())


def install(place: Workplace, clock: FixedClock, *ends: str, start: str = "5.4.0", customer: str = "sample-aalund"
            ) -> None:
    """What a run leaves: each step took 12 minutes; one that ends in `back` was taken back."""
    version = start
    for to in ends:
        tried = to.removesuffix(" back")
        place.ledger.append(customer, "release.started", {"from": version, "to": tried}, actor="tests", run="run-1")
        clock.move(timedelta(minutes=12))
        if to == tried:
            place.ledger.append(customer, "release.installed", {"from": version, "to": to}, actor="tests", run="run-1")
            version = to
        else:
            place.ledger.append(customer, "release.taken_back", {"version": version, "tried": tried, "reason": "x"},
                                actor="tests", run="run-1")


def test_a_release_that_is_due_is_announced_with_the_next_window(place: Workplace) -> None:
    [made] = before(place, profile(), RELEASES)
    assert made.status is Status.DONE and made.data["notice"] == "planned-6.0.0"
    assert made.data["path"] == ["5.5.0", "6.0.0"] and made.data["from"] == "5.4.0"
    told = text(made)
    assert "Wednesday 25 November 2026, 22:00 Danish time (CET, 21:00 UTC)" in told
    assert "Thursday 26 November 2026, 02:00 Danish time" in told and "CVE-1900-10541" in told
    [again] = before(place, profile(), RELEASES)
    assert again.status is Status.UNCHANGED


def test_the_announced_time_stands_until_it_has_passed_and_then_a_new_revision_tells_the_next(
        place: Workplace, clock: FixedClock) -> None:
    next(before(place, profile(), RELEASES))
    clock.move(timedelta(days=2, hours=12))
    [inside] = before(place, profile(), RELEASES)
    assert inside.status is Status.UNCHANGED, "the window is open"
    [first] = known(place, "sample-aalund")
    clock.move(timedelta(hours=4))
    assert current([first], Version.parse("5.4.0"), clock.now()) == (), "nobody is reminded of what has passed"
    [moved] = before(place, profile(), RELEASES)
    assert moved.data["revision"] == 2 and "Wednesday 2 December 2026" in text(moved)
    with pytest.raises(ApprovalMissing, match="comes too late: what it announces was to end at 2026-11-26T01:00:00Z"):
        require_standing(place, profile(), RELEASES, first)


def test_a_freeze_moves_the_announcement(place: Workplace) -> None:
    next(before(place, profile(), RELEASES))
    frozen = Freeze(first_day="2026-11-24", last_day="2026-12-03", reason="the customer's own change")
    [moved] = before(place, profile(freezes=(frozen,)), RELEASES)
    assert moved.data["revision"] == 2 and "Wednesday 9 December 2026" in text(moved)


@pytest.mark.parametrize("changed", [
    {"hold_releases": "summer campaign"}, {"windows": ()},
    {"windows": (Window(name="short", weekdays=WEEKDAYS, start="22:00", end="22:05"),)},
    {"approvals": PlanApprovals(major=ApprovalNeed.ANOTHER_PERSON)}],
    ids=["held", "no window", "every window too short", "waits for an approved plan"])
def test_what_no_night_would_install_is_not_announced(place: Workplace, changed: dict[str, Any]) -> None:
    assert [*before(place, profile(**changed), RELEASES)] == [] and known(place, "sample-aalund") == ()


def test_after_a_failure_that_nobody_resolved_nothing_is_announced(place: Workplace) -> None:
    place.ledger.append("sample-aalund", "run.finished", {
        "operation": "release install", "status": "failed", "exit_code": 1, "summary": "x"}, actor="tests", run="r")
    assert [*before(place, profile(), RELEASES)] == []
    place.ledger.append("sample-aalund", "failure.resolved", {"reason": "x"}, actor="tests")
    assert [one.status for one in before(place, profile(), RELEASES)] == [Status.DONE]


def test_a_plan_that_is_approved_is_announced(place: Workplace) -> None:
    careful = profile(approvals=PlanApprovals(minor=ApprovalNeed.ANOTHER_PERSON))
    lines, warnings = announced(place, careful, RELEASES, "5.5.0")
    assert lines == ("planned-5.5.0 (planned), revision 1, drafted for 1 contact; it waits for approval",)
    assert warnings == ()


def test_an_agreement_that_has_ended_announces_nothing(place: Workplace) -> None:
    agreement = profile().agreement.model_copy(update={"valid_to": NOW.date() - timedelta(days=1)})
    assert [*before(place, profile(agreement=agreement), RELEASES)] == []


def test_what_was_installed_is_told_from_the_evidence_over_all_its_steps(place: Workplace, clock: FixedClock) -> None:
    install(place, clock, "5.5.0", "6.0.0")
    [made] = after(place, profile(), RELEASES)
    told = text(made)
    assert made.data["notice"] == "done-6.0.0" and made.data["path"] == ["5.5.0", "6.0.0"]
    assert "Version before: READY 5.4.0" in told and "Version now: READY 6.0.0" in told
    assert "We checked afterwards that READY runs and answers as it should." in told
    assert "Monday 23 November 2026, 11:00-11:24 Danish time (CET, 10:00-10:24 UTC)" in told
    assert [one.status for one in after(place, profile(), RELEASES)] == [Status.UNCHANGED]
    [revision] = known(place, "sample-aalund")
    assert require_standing(place, profile(), RELEASES, revision).facts.kind is NoticeKind.DONE, \
        "although the profile still says 5.4.0"


def test_what_was_installed_on_a_customer_s_hosts_is_told_too_and_no_update_notice_stands_beside_it(
        place: Workplace, clock: FixedClock) -> None:
    """P30, P49: one release is installed or notified; the access may have ended since."""
    elmegaard = profile("elmegaard")
    told_before = draft(place, elmegaard, releases=RELEASES)
    assert told_before.data["notice"] == "release-6.0.0"
    install(place, clock, "5.5.0", "6.0.0", customer="sample-elmegaard")
    made = [one for one in due_drafts(place, elmegaard, RELEASES) if one.data.get("kind") == "done"]
    assert [one.data["notice"] for one in made] == ["done-6.0.0"] and "by agreement" in text(made[0])
    revisions = known(place, "sample-elmegaard")
    done = next(one for one in revisions if one.kind is NoticeKind.DONE)
    assert require_standing(place, elmegaard, RELEASES, done).facts.kind is NoticeKind.DONE
    update = next(one for one in revisions if one.notice == "release-6.0.0")
    with pytest.raises(ApprovalMissing, match="nothing to tell"):
        require_standing(place, elmegaard, RELEASES, update)
    again = draft(place, elmegaard, releases=RELEASES)
    assert again.status in {Status.UNCHANGED, Status.WARNING} and "notice" not in again.data


def test_a_customer_that_went_back_by_itself_and_said_so_is_notified_again(place: Workplace, clock: FixedClock) -> None:
    elmegaard = profile("elmegaard")
    install(place, clock, "5.5.0", "6.0.0", customer="sample-elmegaard")
    assert "notice" not in draft(place, elmegaard, releases=RELEASES).data
    place.ledger.append("sample-elmegaard", "change.reported", {
        "system": "READY", "before": "6.0.0", "after": "5.4.0", "description": "our backup", "result": "done"},
        actor="tests")
    assert draft(place, elmegaard, releases=RELEASES).data["from"] == "5.4.0"


def test_a_person_may_tell_what_was_installed_by_hand_after_a_proof(place: Workplace, clock: FixedClock) -> None:
    install(place, clock, "5.5.0")
    aalund = profile(ready=profile().ready.model_copy(update={"version": "6.0.0"}))
    source = InstallSource(schema_version=1, release=Version.parse("6.0.0"), start=NOW, end=NOW + timedelta(hours=1))
    assert draft_written(place, aalund, NoticeKind.DONE, source, releases=RELEASES).status is Status.DONE


def test_what_was_taken_back_is_told_as_that_and_closes_no_vulnerability(place: Workplace, clock: FixedClock) -> None:
    install(place, clock, "5.5.0", "6.0.0 back")
    good, back = after(place, profile(), RELEASES)
    assert good.data["notice"] == "done-5.5.0" and back.data["notice"] == "done-6.0.0"
    told = text(back)
    assert "did not succeed, and we went back to READY 5.5.0" in told and "Version now: READY 5.5.0" in told
    assert "Not installed: READY 6.0.0" in told and "CVE-" not in told
    assert "we will inform you before we try again" in told
    assert not [file for file in Path(back.data["folder"]).iterdir() if file.name.startswith("ready-")], "no CSAF file"


def test_a_second_try_that_succeeds_answers_the_message_on_the_first(place: Workplace, clock: FixedClock) -> None:
    install(place, clock, "5.5.0 back")
    assert next(after(place, profile(), RELEASES)).data["revision"] == 1
    install(place, clock, "5.5.0")
    [made] = after(place, profile(), RELEASES)
    assert made.data["revision"] == 2 and "READY 5.5.0 is installed" in text(made)


def test_an_announcement_gives_way_to_the_message_on_how_it_ended_and_not_the_other_way_round(
        place: Workplace, clock: FixedClock) -> None:
    next(before(place, profile(), RELEASES, Version.parse("5.5.0")))
    install(place, clock, "5.5.0 back")
    next(after(place, profile(), RELEASES))
    planned, done = known(place, "sample-aalund")
    assert current([planned, done], Version.parse("5.4.0"), clock.now()) == (done,)
    with pytest.raises(ApprovalMissing, match=r"comes too late: done-5\.5\.0 revision 1 tells how it ended"):
        require_standing(place, profile(), RELEASES, planned)
    again = replace(planned, number=2)
    assert current([planned, done, again], Version.parse("5.4.0"), clock.now()) == (again, done), "both are to be told"
    signed = [replace(one, approval=Approval("anna", NOW, one.sha256, "")) for one in (planned, done)]
    assert to_send(signed, Version.parse("5.4.0"), clock.now()) == ("done-5.5.0",)


def test_what_a_person_wrote_of_an_installation_stands(place: Workplace, clock: FixedClock) -> None:
    install(place, clock, "5.5.0")
    source = InstallSource(schema_version=1, release=Version.parse("5.5.0"), before=Version.parse("5.4.0"), start=NOW,
                           end=NOW + timedelta(hours=1), result=Text(en="All went well.", da="Alt gik godt."))
    draft_written(place, profile(ready=profile().ready.model_copy(update={"version": "5.5.0"})), NoticeKind.DONE,
                  source, releases=RELEASES)
    assert [*after(place, profile(), RELEASES)] == []


def test_an_installation_of_long_ago_is_not_told_now(place: Workplace, clock: FixedClock) -> None:
    install(place, clock, "5.5.0")
    clock.move(timedelta(days=8))
    assert [*after(place, profile(), RELEASES)] == []


def test_nothing_is_announced_of_what_is_there_and_the_night_has_a_row_for_each_message(
        place: Workplace, clock: FixedClock) -> None:
    install(place, clock, "6.0.0")
    rows = [one.data["notice"] for one in due_drafts(place, profile(), RELEASES)]
    assert rows == ["done-6.0.0"]
    assert [one.data["kind"] for one in due_drafts(place, profile(), RELEASES, "done")] == ["done"]
    assert [*due_drafts(place, profile(), RELEASES, "planned")] == []


def test_a_message_that_cannot_be_written_is_a_row_that_says_why(place: Workplace) -> None:
    contact = profile().contacts[0].model_copy(update={"language": "nb"})
    [row] = before(place, profile(contacts=(contact,)), RELEASES)
    assert row.status is Status.FAILED and row.code == 3 and "nb" in f"{row.summary}{row.data}"
    _, warnings = announced(place, profile(contacts=(contact,)), RELEASES, "6.0.0")
    assert warnings and warnings[0].startswith("the customer's message was not drafted: ")


def test_an_installation_that_was_not_announced_is_warned_of(place: Workplace) -> None:
    assert untold(place, "sample-aalund", "6.0.0") == (
        "the customer was not told beforehand (P49): no message planned-6.0.0 was sent",)
    next(before(place, profile(), RELEASES))
    assert untold(place, "sample-aalund", "6.0.0"), "a draft tells nobody"
    [revision] = known(place, "sample-aalund")
    accepted(place, revision, "sample-aalund")
    assert untold(place, "sample-aalund", "6.0.0") == ()


def test_a_release_that_is_gone_after_it_was_announced_is_not_sent(place: Workplace) -> None:
    next(before(place, profile(), RELEASES))
    [revision] = known(place, "sample-aalund")
    left = {version: one for version, one in RELEASES.releases.items() if str(version) != "6.0.0"}
    with pytest.raises(ApprovalMissing, match=r"READY 6\.0\.0 has no release file any more"):
        require_standing(place, profile(), replace(RELEASES, releases=left), revision)


def test_times_that_were_told_stand_while_they_fit() -> None:
    told = (NOW + timedelta(hours=1), NOW + timedelta(hours=3))
    later = Occurrence("night", "UTC", NOW + timedelta(days=1), NOW + timedelta(days=2), NOW + timedelta(days=1))
    assert times(NOW, told, True, later) == told
    assert times(NOW + timedelta(hours=2), told, True, later) == told
    assert times(NOW, told, False, later) == times(NOW + timedelta(hours=3), told, True, later) == (
        later.opens, later.closes)
    assert times(NOW, None, False, None) is None
