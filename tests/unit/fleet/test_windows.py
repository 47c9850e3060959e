"""Worked cases of windows: clock changes, midnight, latest start, cutoff, nothing at all."""

from datetime import UTC, date, datetime, timedelta

from opsctl.fleet.windows import opening, upcoming
from opsctl.profiles.parts import Freeze, Window

ZONE = "Europe/Copenhagen"
NIGHT = Window(name="night", weekdays=("saturday",), start="22:00", end="04:00")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_over_midnight() -> None:
    assert not opening([NIGHT], [], ZONE, at("2026-11-21T20:59:59")).open
    assert opening([NIGHT], [], ZONE, at("2026-11-21T21:00:00")).open
    assert opening([NIGHT], [], ZONE, at("2026-11-22T02:59:59")).open
    assert not opening([NIGHT], [], ZONE, at("2026-11-22T03:00:00")).open


def test_the_night_the_clocks_go_forward_is_an_hour_shorter() -> None:
    ((first, _),) = upcoming([NIGHT], [], ZONE, at("2026-03-28T12:00:00"), 1)
    assert (first.opens, first.closes) == (at("2026-03-28T21:00:00"), at("2026-03-29T02:00:00"))


def test_the_night_the_clocks_go_back_is_an_hour_longer() -> None:
    ((first, _),) = upcoming([NIGHT], [], ZONE, at("2026-10-24T12:00:00"), 1)
    assert (first.opens, first.closes) == (at("2026-10-24T20:00:00"), at("2026-10-25T03:00:00"))


def test_a_wall_time_that_does_not_exist_is_an_hour_later_on_the_new_clock() -> None:
    gap = Window(name="gap", weekdays=("sunday",), start="02:15", end="02:45")
    ((first, _),) = upcoming([gap], [], ZONE, at("2026-03-28T12:00:00"), 1)
    assert (first.opens, first.closes) == (at("2026-03-29T01:15:00"), at("2026-03-29T01:45:00"))


def test_a_window_in_the_repeated_hour_keeps_both() -> None:
    both = Window(name="both", weekdays=("sunday",), start="02:00", end="03:00")
    ((first, _),) = upcoming([both], [], ZONE, at("2026-10-24T12:00:00"), 1)
    assert first.closes - first.opens == timedelta(hours=2)


def test_late_is_not_caught_up() -> None:
    late = NIGHT.model_copy(update={"latest_start_minutes": 60})
    assert opening([late], [], ZONE, at("2026-11-21T22:00:00")).open
    refused = opening([late], [], ZONE, at("2026-11-21T22:00:01"))
    assert not refused.open
    assert "latest start" in refused.reason


def test_nothing_starts_that_cannot_end() -> None:
    refused = opening([NIGHT], [], ZONE, at("2026-11-22T02:30:00"), needs=timedelta(hours=1))
    assert not refused.open
    assert "closes too soon" in refused.reason


def test_no_window_means_never_and_says_so() -> None:
    assert opening([], [], ZONE, at("2026-11-22T02:30:00")).reason == "the profile has no maintenance window"


def test_closed_says_when_the_next_one_opens_in_both_clocks() -> None:
    reason = opening([NIGHT], [], ZONE, at("2026-11-23T09:00:00")).reason
    assert "Saturday 28 November 2026, 22:00 (Europe/Copenhagen, 21:00 UTC)" in reason


def test_freezes_are_local_days_and_listed() -> None:
    freeze = Freeze(first_day=date(2026, 11, 28), last_day=date(2026, 11, 28), reason="meter reading")
    ((_, frozen), (_, free)) = upcoming([NIGHT], [freeze], ZONE, at("2026-11-23T09:00:00"), 2)
    assert (frozen, free) == ("meter reading", "")
    # The freeze ends at local midnight; the window goes on, so work may start after it.
    assert not opening([NIGHT], [freeze], ZONE, at("2026-11-28T22:59:59")).open
    assert opening([NIGHT], [freeze], ZONE, at("2026-11-28T23:00:00")).open


def test_a_freeze_that_begins_in_an_open_window_closes_it() -> None:
    freeze = Freeze(first_day=date(2026, 11, 22), last_day=date(2026, 11, 30), reason="meter campaign")
    evening = at("2026-11-21T21:30:00")
    assert opening([NIGHT], [freeze], ZONE, evening, timedelta(minutes=90)).open
    found = opening([NIGHT], [freeze], ZONE, evening, timedelta(minutes=91))
    assert not found.open and "freeze that begins on 2026-11-22: meter campaign" in found.reason
    assert not opening([NIGHT], [freeze], ZONE, at("2026-11-21T23:00:00")).open
