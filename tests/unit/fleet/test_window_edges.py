"""Windows at the edges: an hour that does not exist, and zones far apart."""

from datetime import UTC, date, datetime, timedelta

from opsctl.fleet.windows import opening, upcoming
from opsctl.profiles.parts import Freeze, Window

ZONE = "Europe/Copenhagen"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_a_window_that_falls_into_the_skipped_hour_alone_is_left_out_that_night() -> None:
    skipped = Window(name="skipped", weekdays=("sunday",), start="02:30", end="03:00")
    ((first, _), (second, _)) = upcoming([skipped], [], ZONE, at("2026-03-22T12:00:00"), 2)
    assert first.opens == at("2026-04-05T00:30:00")
    assert first.closes == at("2026-04-05T01:00:00")
    assert second.opens == at("2026-04-12T00:30:00")
    assert "5 April 2026, 02:30" in opening([skipped], [], ZONE, at("2026-03-28T12:00:00")).reason


def test_windows_in_zones_far_apart_are_taken_in_the_order_in_which_they_open() -> None:
    every = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    west = Window(name="west", weekdays=every, start="20:00", end="21:00", zone="Pacific/Honolulu")
    east = Window(name="east", weekdays=every, start="00:00", end="01:00", zone="Pacific/Kiritimati")
    # Kiritimati's 24 November begins ten hours before the 23rd's evening in Honolulu.
    assert opening([west, east], [], ZONE, at("2026-11-23T10:30:00")).open
    opens = [occurrence.opens for occurrence, _ in upcoming([west, east], [], ZONE, at("2026-11-23T12:00:00"), 8)]
    assert opens == sorted(opens)


def test_the_end_of_the_calendar_is_no_error() -> None:
    rare = Window(name="rare", weekdays=("monday",), start="01:00", end="02:00")
    assert not opening([rare], [], ZONE, at("2099-12-31T23:00:00")).open


def test_windows_that_follow_one_another_without_a_gap_are_one() -> None:
    every = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    always = Window(name="always", weekdays=every, start="00:00", end="00:00")
    late, two_hours = at("2026-11-23T22:55:00"), timedelta(hours=2)
    found = opening([always], [], ZONE, late, two_hours)
    assert found.open
    assert found.occurrence is not None
    assert found.occurrence.closes >= late + two_hours
    evening = Window(name="evening", weekdays=every, start="20:00", end="00:00")
    night = Window(name="night", weekdays=every, start="00:00", end="02:00")
    later = Window(name="later", weekdays=every, start="00:01", end="02:00")
    assert opening([evening, night], [], ZONE, late, two_hours).open
    assert not opening([evening, night], [], ZONE, late, timedelta(hours=4)).open
    assert not opening([evening, later], [], ZONE, late, two_hours).open
    tomorrow = Freeze(first_day=date(2026, 11, 24), last_day=date(2026, 11, 25), reason="invoicing")
    assert not opening([always], [tomorrow], ZONE, late, two_hours).open
