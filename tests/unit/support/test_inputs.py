"""What people type about a request: times without an offset are refused with the offset to write."""

from datetime import UTC, datetime

import pytest

from opsctl.core.errors import UsageError
from opsctl.support import inputs

ZONE = "Europe/Copenhagen"


@pytest.mark.parametrize("text", ["2026-11-24T09:00:00+01:00", "2026-11-24T08:00Z", "2026-11-24 03:00-05:00"])
def test_times_with_an_offset(text: str) -> None:
    assert inputs.instant(text, ZONE, "--received") == datetime(2026, 11, 24, 8, tzinfo=UTC)


def test_both_times_of_the_repeated_hour_are_understood() -> None:
    first, second = (inputs.instant(f"2026-10-25T02:30{offset}", ZONE, "--received") for offset in ("+02:00", "+01:00"))
    assert (second - first).total_seconds() == 3600


@pytest.mark.parametrize(("text", "message", "resolution"), [
    ("2026-11-24T09:00", "without a zone", ["2026-11-24T09:00:00+01:00"]),
    ("2026-07-24T09:00", "without a zone", ["2026-07-24T09:00:00+02:00"]),
    ("2026-11-24", "without a zone", ["2026-11-24T00:00:00+01:00"]),
    ("2026-10-25T02:30", "comes twice", ["2026-10-25T02:30:00+02:00 for the first", "2026-10-25T02:30:00+01:00"]),
    ("2026-03-29T02:30", "does not exist", ["2026-03-29T03:30:00+02:00", "2026-03-29T01:30:00+01:00"]),
    ("yesterday", "is not a time", ["2026-11-23T09:00:00+01:00"]),
    ("2026-02-29T09:00Z", "is not a time", ["2026-11-23T09:00:00+01:00"]),
    ("0001-01-01T00:00+14:00", "must lie in the years", ["year"]),
    ("9999-12-31T23:59-12:00", "must lie in the years", ["year"]),
    ("9999-12-31T23:59", "without a zone", ["offset"]),
])
def test_times_that_are_refused(text: str, message: str, resolution: list[str]) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        inputs.instant(text, ZONE, "--received")
    assert caught.value.message.startswith("--received: ")
    assert all(words in caught.value.resolution for words in resolution)


@pytest.mark.parametrize("letter", ["E", "a", "", "AA"])
def test_unknown_levels(letter: str) -> None:
    with pytest.raises(UsageError, match="there is no level"):
        inputs.level(letter)


@pytest.mark.parametrize("text", ["", "2026-11-24T10:00Z", "2026-11-24T10:00Z/2026-11-24T11:00Z/", "/"])
def test_pauses_that_are_no_pair(text: str) -> None:
    with pytest.raises(UsageError, match="--pause"):
        inputs.pause(text, ZONE)


@pytest.mark.parametrize(("text", "words"), [("A", "is not LEVEL@TIME"), ("X@2026-11-24T10:00Z", "no level 'X'"),
                                             ("A@2026-11-24T10:00", "--level-change: .* without a zone")])
def test_changes_of_level_that_are_refused(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        inputs.level_change(text, ZONE)
