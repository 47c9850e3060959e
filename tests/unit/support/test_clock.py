"""The worked cases of the levels' clock, and what is refused, through the pure functions."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from opsctl.contract.levels import LEVELS
from opsctl.core.calendar import Interval
from opsctl.core.errors import ConfigurationError, UsageError
from opsctl.support.calendars import in_order, load
from opsctl.support.clock import deadline, verdict
from opsctl.support.model import CalendarVersion, Deadline, LevelChange, Verdict

COPENHAGEN = ZoneInfo("Europe/Copenhagen")
LATER = datetime(2029, 1, 1, tzinfo=UTC)


def at(text: str) -> datetime:
    """Danish wall-clock time, unless `text` has an offset."""
    found = datetime.fromisoformat(text)
    return (found if found.tzinfo else found.replace(tzinfo=COPENHAGEN)).astimezone(UTC)


def between(text: str) -> Interval:
    opens, closes = text.split("/")
    return Interval(at(opens), at(closes))


def due(level: str, received: str, *pauses: str, calendar: str = "dk-public", change: str = "") -> Deadline:
    changes = [LevelChange(LEVELS[change[0]], at(change[2:]))] if change else []
    return deadline(LEVELS[level], at(received), load(calendar), [between(pause) for pause in pauses], changes)


def judged(level: str, received: str, handled: str, *pauses: str, now: datetime = LATER) -> Verdict:
    return verdict(LEVELS[level], at(received), at(handled), now, load("dk-public"),
                   [between(pause) for pause in pauses])


@pytest.mark.parametrize(("level", "received", "expected", "utc", "calendar"), [
    pytest.param("A", "2026-11-24T09:00", "2026-11-24T13:00", "2026-11-24T12:00Z", "dk-public", id="S01"),
    pytest.param("A", "2026-11-23T16:00", "2026-11-24T12:00", "2026-11-24T11:00Z", "dk-public", id="S04"),
    pytest.param("A", "2026-11-27T10:30", "2026-11-27T14:30", "2026-11-27T13:30Z", "dk-public", id="S07"),
    pytest.param("A", "2026-11-27T13:00", "2026-11-30T10:30", "2026-11-30T09:30Z", "dk-public", id="S08"),
    pytest.param("B", "2026-11-26T15:00", "2026-11-30T08:30", "2026-11-30T07:30Z", "dk-public", id="S11"),
    pytest.param("D", "2026-11-27T12:00", "2026-12-01T13:30", "2026-12-01T12:30Z", "dk-public", id="S14"),
    pytest.param("C", "2026-10-23T12:00", "2026-10-27T13:30", "2026-10-27T12:30Z", "dk-public", id="S15"),
    pytest.param("B", "2026-04-01T14:00", "2026-04-07T14:00", "2026-04-07T12:00Z", "dk-public", id="S19"),
    pytest.param("C", "2026-12-23T12:00", "2026-12-28T12:00", "2026-12-28T11:00Z", "dk-public", id="S22a"),
    pytest.param("A", "2026-06-05T09:00", "2026-06-08T12:00", "2026-06-08T10:00Z", "dk-company", id="S24b"),
    pytest.param("A", "2026-10-24T23:30+02:00", "2026-10-25T02:30+01:00", "2026-10-25T01:30Z", "always-open", id="X01"),
    pytest.param("A", "2026-06-05T09:00", "2026-06-05T13:00", "2026-06-05T11:00Z", "dk-public", id="5 June is open"),
    pytest.param("A", "2026-05-01T09:00", "2026-05-01T13:00", "2026-05-01T11:00Z", "dk-public",
                 id="no Great Prayer Day since 2024"),
    pytest.param("A", "2023-05-05T09:00", "2023-05-08T12:00", "2023-05-08T10:00Z", "dk-public",
                 id="Great Prayer Day in 2023"),
    pytest.param("C", "2026-12-23T12:00", "2026-12-29T12:00", "2026-12-29T11:00Z", "dk-company",
                 id="Christmas Eve closed"),
    pytest.param("A", "2028-02-29T13:00", "2028-03-01T09:00", "2028-03-01T08:00Z", "dk-public", id="leap day"),
    pytest.param("A", "2026-11-24T03:00", "2026-11-24T12:00", "2026-11-24T11:00Z", "dk-public", id="at night"),
    pytest.param("A", "2026-11-24T09:00:01", "2026-11-24T13:00:01", "2026-11-24T12:00:01Z", "dk-public", id="seconds"),
    pytest.param("A", "2026-03-28T23:30+01:00", "2026-03-29T04:30+02:00", "2026-03-29T02:30Z", "always-open",
                 id="24/7 into summer time"),
])
def test_worked_deadline(level: str, received: str, expected: str, utc: str, calendar: str) -> None:
    found = due(level, received, calendar=calendar)
    assert found.deadline == at(expected) == at(utc)
    assert sum((one.length for one in found.counted), timedelta(0)) == found.budget
    assert found.without_pause == found.deadline
    assert found.from_change is None
    assert not found.late_at_change


def test_s07_is_in_time_until_the_next_opening() -> None:
    assert due("A", "2026-11-27T10:30").last_in_time == at("2026-11-30T08:00")
    inside = due("A", "2026-11-24T09:00")
    assert inside.last_in_time == inside.deadline


def test_e02_raised_from_b_to_a_counts_from_receipt_and_keeps_the_history() -> None:
    found = due("B", "2026-11-23T09:00", change="A@2026-11-23T10:00")
    assert found.deadline == at("2026-11-23T13:00")
    assert found.from_change == at("2026-11-23T14:00")
    assert [(one.level.letter, one.since, one.deadline) for one in found.history] == [
        ("B", at("2026-11-23T09:00"), at("2026-11-24T09:00")), ("A", at("2026-11-23T10:00"), at("2026-11-23T13:00"))]
    assert not found.late_at_change


def test_a_deadline_past_at_the_change_is_kept_and_marked() -> None:
    found = due("B", "2026-11-23T09:00", change="A@2026-11-23T15:00")
    assert found.deadline == at("2026-11-23T13:00")
    assert found.late_at_change
    assert found.from_change == at("2026-11-24T11:00")


def test_a_change_between_a_close_and_the_next_opening_is_not_late() -> None:
    assert not due("B", "2026-11-23T12:00", change="A@2026-11-23T19:00").late_at_change
    assert not due("B", "2026-11-23T12:00", change="A@2026-11-24T08:00").late_at_change
    assert due("B", "2026-11-23T12:00", change="A@2026-11-24T08:00:01").late_at_change


def test_every_change_stays_in_the_history() -> None:
    changes = [LevelChange(LEVELS[letter], at(f"2026-11-23T{hour}:00"))
               for letter, hour in (("B", 10), ("A", 11), ("D", 15))]
    found = deadline(LEVELS["C"], at("2026-11-23T09:00"), load("dk-public"), (), changes)
    assert [one.level.letter for one in found.history] == ["C", "B", "A", "D"]
    assert found.deadline == at("2026-11-25T09:00") == found.history[0].deadline
    assert found.level is LEVELS["D"]


@pytest.mark.parametrize(("received", "pauses", "expected", "without"), [
    pytest.param("2026-11-24T09:00", ["2026-11-24T10:00/2026-11-25T09:00"], "2026-11-25T12:00", "2026-11-24T13:00",
                 id="W01"),
    pytest.param("2026-11-27T13:00", ["2026-11-27T18:00/2026-11-29T12:00"], "2026-11-30T10:30", "2026-11-30T10:30",
                 id="W03"),
    pytest.param("2026-11-24T09:00", ["2026-11-24T11:00/2026-11-24T12:00", "2026-11-24T10:00/2026-11-24T10:30"],
                 "2026-11-24T14:30", "2026-11-24T13:00", id="two, in any order"),
    pytest.param("2026-11-24T09:00", ["2026-11-24T09:00/2026-11-24T10:00", "2026-11-24T10:00/2026-11-24T11:00"],
                 "2026-11-24T15:00", "2026-11-24T13:00", id="touching, from receipt"),
    pytest.param("2026-11-24T09:00", ["2026-11-24T14:00/2026-11-24T15:00"], "2026-11-24T13:00", "2026-11-24T13:00",
                 id="after the deadline"),
    pytest.param("2026-11-24T09:00", ["2026-11-24T10:00/2026-11-24T12:00", "2026-11-24T11:00/2026-11-24T13:00"],
                 "2026-11-24T16:00", "2026-11-24T13:00", id="overlapping, counted once"),
    pytest.param("2026-11-24T09:00", ["2026-11-24T10:00/2026-11-24T12:00", "2026-11-24T10:30/2026-11-24T11:00"],
                 "2026-11-24T15:00", "2026-11-24T13:00", id="one within another"),
    pytest.param("2026-11-24T09:00", ["2026-11-24T08:00/2026-11-24T10:00"], "2026-11-24T14:00", "2026-11-24T13:00",
                 id="from before receipt"),
    pytest.param("2026-11-24T09:00", ["2026-11-23T08:00/2026-11-23T10:00"], "2026-11-24T13:00", "2026-11-24T13:00",
                 id="before receipt"),
])
def test_worked_pause(received: str, pauses: list[str], expected: str, without: str) -> None:
    found = due("A", received, *pauses)
    assert found.deadline == at(expected)
    assert found.without_pause == at(without)


def test_a_budget_used_up_when_a_pause_begins_is_in_time_until_it_ends() -> None:
    found = due("A", "2026-11-24T09:00", "2026-11-24T13:00/2026-11-24T14:00")
    assert (found.deadline, found.last_in_time) == (at("2026-11-24T13:00"), at("2026-11-24T14:00"))


@pytest.mark.parametrize(("received", "handled", "used", "in_time"), [
    pytest.param("2026-11-24T09:00:00", "2026-11-24T13:00:00", 14400, True, id="V02"),
    pytest.param("2026-11-23T12:00:00", "2026-11-23T18:00:00", 14400, True, id="V04"),
    pytest.param("2026-11-24T09:00:00", "2026-11-24T13:00:01", 14401, False, id="a second late"),
    pytest.param("2026-11-23T12:00:00", "2026-11-24T08:00:00", 14400, True, id="at the next opening"),
    pytest.param("2026-11-23T12:00:00", "2026-11-24T08:00:01", 14401, False, id="a second after the next opening"),
    pytest.param("2026-11-28T12:00:00", "2026-11-28T13:00:00", 0, True, id="handled before the clock began"),
    pytest.param("2026-11-24T09:00:00", "2026-11-24T09:00:00", 0, True, id="handled at receipt"),
])
def test_worked_verdict(received: str, handled: str, used: int, in_time: bool) -> None:
    found = judged("A", received, handled)
    assert found.used == timedelta(seconds=used)
    assert found.in_time is in_time
    assert found.late_by == timedelta(seconds=max(0, used - 14400))


def test_a_pause_saves_a_verdict_and_what_it_would_be_without_is_told() -> None:
    found = judged("A", "2026-11-24T09:00", "2026-11-25T12:00", "2026-11-24T10:00/2026-11-25T09:00")
    assert found.in_time
    assert (found.used, found.used_without_pause) == (timedelta(hours=4), timedelta(hours=11))


def test_a_pause_counts_until_handling_started() -> None:
    found = judged("A", "2026-11-24T09:00", "2026-11-24T12:00", "2026-11-24T10:00/2026-11-24T15:00")
    assert found.used == timedelta(hours=1)


@pytest.mark.parametrize(("pauses", "words"), [
    (["2026-11-24T11:00/2026-11-24T10:00"], "ends when or before it begins"),
    (["2026-11-24T11:00/2026-11-24T11:00"], "ends when or before it begins"),
])
def test_pauses_that_cannot_be_meant(pauses: list[str], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        due("A", "2026-11-24T09:00", *pauses)
    with pytest.raises(UsageError, match=words):
        judged("A", "2026-11-24T09:00", "2026-11-24T15:00", *pauses)


def test_a_pause_after_handling_counts_for_nothing() -> None:
    found = judged("A", "2026-11-24T09:00", "2026-11-24T10:00", "2026-11-24T10:00/2026-11-24T11:00")
    assert (found.used, found.used_without_pause) == (timedelta(hours=1), timedelta(hours=1))


def test_handling_before_receipt_or_in_the_future_has_no_verdict() -> None:
    with pytest.raises(UsageError, match="before the request was received"):
        judged("A", "2026-11-24T09:00", "2026-11-24T08:59:59")
    with pytest.raises(UsageError, match="lies in the future"):
        judged("A", "2026-11-24T09:00", "2026-11-24T10:00", now=at("2026-11-24T09:59:59"))
    assert judged("A", "2026-11-24T09:00", "2026-11-24T10:00", now=at("2026-11-24T10:00")).in_time


@pytest.mark.parametrize(("changes", "words"), [
    ([("A", "2026-11-24T08:59:59")], "before receipt"),
    ([("B", "2026-11-24T10:00")], "is B already"),
    ([("A", "2026-11-24T11:00"), ("C", "2026-11-24T10:00")], "does not come after"),
    ([("A", "2026-11-24T11:00"), ("C", "2026-11-24T11:00")], "does not come after"),
])
def test_changes_of_level_that_cannot_be_meant(changes: list[tuple[str, str]], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        deadline(LEVELS["B"], at("2026-11-24T09:00"), load("dk-public"), (),
                 [LevelChange(LEVELS[letter], at(when)) for letter, when in changes])


@pytest.mark.parametrize("received", ["2022-12-31T09:00", "2032-12-31T15:00", "2033-01-03T09:00"])
def test_a_year_without_a_table_is_refused(received: str) -> None:
    with pytest.raises(ConfigurationError, match=r"no table of closing days for 20(22|33)"):
        due("A", received)
    assert due("A", received, calendar="always-open").deadline == at(received) + timedelta(hours=4)


def _edited(calendar: CalendarVersion, day: date, issued: date, effective_from: date) -> CalendarVersion:
    closing = {**calendar.working.closing_days, day: "closed after all"}
    return CalendarVersion(2, issued, effective_from, replace(calendar.working, closing_days=closing))


def test_a_calendar_edit_never_changes_last_months_verdicts() -> None:
    (before,) = load("dk-public")
    # In December somebody closes a day of November and one of December; the new version counts from 1 December.
    november = _edited(before, date(2026, 11, 24), date(2026, 11, 30), date(2026, 12, 1))
    versions = in_order([before, _edited(november, date(2026, 12, 8), date(2026, 11, 30), date(2026, 12, 1))])
    asked = [(LEVELS[letter], at(f"2026-11-{day:02d}T13:00"), hours) for letter in LEVELS for day in range(16, 31)
             for hours in (1, 24, 96)]
    for level, received, hours in asked:
        handled = received + timedelta(hours=hours)
        assert verdict(level, received, handled, LATER, versions) == verdict(level, received, handled, LATER, [before])
    last = deadline(LEVELS["C"], at("2026-11-30T23:59:59"), versions)
    assert last.calendar is before
    first = deadline(LEVELS["C"], at("2026-12-01T00:00"), versions)
    assert first.calendar.number == 2
    assert deadline(LEVELS["A"], at("2026-12-08T09:00"), versions).deadline == at("2026-12-09T12:00")


@pytest.mark.parametrize(("issued", "effective_from"), [
    (date(2026, 11, 30), date(2026, 11, 30)), (date(2026, 11, 30), date(2026, 11, 1)),
    (date(2022, 12, 1), date(2023, 1, 1))])
def test_a_version_that_would_count_for_judged_requests_is_refused(issued: date, effective_from: date) -> None:
    (before,) = load("dk-public")
    with pytest.raises(ConfigurationError, match="has judged"):
        in_order([before, _edited(before, date(2026, 11, 24), issued, effective_from)])
