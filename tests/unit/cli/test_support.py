"""`opsctl support` in a process of its own: the worked cases, what people read, and what is refused."""

import re
import subprocess
import sys

import pytest

from tests.unit.cli.conftest import ROOT, Run

LATER = ("--at", "2026-12-31T00:00:00Z")
COUNTED = re.compile(r"^\w{3} \d{4}-\d\d-\d\d \d\d:\d\d:\d\d CES?T +\w{3} .*$", re.MULTILINE)


@pytest.mark.parametrize(("level", "received", "calendar", "deadline", "utc", "last"), [
    pytest.param("A", "2026-11-24T09:00:00+01:00", "dk-public", "2026-11-24T13:00:00+01:00", "2026-11-24T12:00:00Z",
                 "2026-11-24T13:00:00+01:00", id="S01"),
    pytest.param("A", "2026-11-27T10:30:00+01:00", "dk-public", "2026-11-27T14:30:00+01:00", "2026-11-27T13:30:00Z",
                 "2026-11-30T08:00:00+01:00", id="S07"),
    pytest.param("C", "2026-10-23T12:00:00+02:00", "dk-public", "2026-10-27T13:30:00+01:00", "2026-10-27T12:30:00Z",
                 "2026-10-27T13:30:00+01:00", id="S15"),
    pytest.param("B", "2026-04-01T12:00:00Z", "dk-public", "2026-04-07T14:00:00+02:00", "2026-04-07T12:00:00Z",
                 "2026-04-07T14:00:00+02:00", id="S19"),
    pytest.param("A", "2026-06-05T09:00:00+02:00", "dk-company", "2026-06-08T12:00:00+02:00", "2026-06-08T10:00:00Z",
                 "2026-06-08T12:00:00+02:00", id="S24b"),
    pytest.param("A", "2026-10-24T23:30:00+02:00", "always-open", "2026-10-25T02:30:00+01:00", "2026-10-25T01:30:00Z",
                 "2026-10-25T02:30:00+01:00", id="X01"),
])
def test_deadline(level: str, received: str, calendar: str, deadline: str, utc: str, last: str, opsctl: Run) -> None:
    answer = opsctl("support", "deadline", "--level", level, "--received", received, "--calendar", calendar, "--json")
    assert answer.code == 0, answer
    data = answer.envelope["data"]
    assert (data["deadline"], data["deadline_utc"], data["last_in_time_instant"]) == (deadline, utc, last)
    assert data["deadline_without_pause"] == deadline
    assert (data["deadline_from_change"], data["late_at_change"]) == (None, False)
    assert sum(one["seconds"] for one in data["counted"]) == data["budget_seconds"]
    assert (data["calendar"], data["calendar_version"]) == (calendar, 1)


def test_e02_a_change_of_level(opsctl: Run) -> None:
    answer = opsctl("support", "deadline", "--level", "B", "--received", "2026-11-23T09:00+01:00",
                    "--level-change", "A@2026-11-23T10:00+01:00", "--json")
    data = answer.envelope["data"]
    assert data["deadline"] == "2026-11-23T13:00:00+01:00"
    assert data["deadline_from_change"] == "2026-11-23T14:00:00+01:00"
    assert (data["level"], data["budget_seconds"], data["late_at_change"]) == ("A", 14400, False)
    assert data["history"][0] == {"level": "B", "since": "2026-11-23T09:00:00+01:00",
                                  "deadline": "2026-11-24T09:00:00+01:00"}


def test_w01_a_pause(opsctl: Run) -> None:
    answer = opsctl("support", "deadline", "--level", "A", "--received", "2026-11-24T09:00+01:00", "--json",
                    "--pause", "2026-11-24T10:00+01:00/2026-11-25T09:00+01:00")
    data = answer.envelope["data"]
    assert data["deadline"] == "2026-11-25T12:00:00+01:00"
    assert data["deadline_without_pause"] == "2026-11-24T13:00:00+01:00"


@pytest.mark.parametrize(("received", "handled", "used", "verdict"), [
    pytest.param("2026-11-24T09:00+01:00", "2026-11-24T13:00+01:00", 14400, "kept", id="V02"),
    pytest.param("2026-11-23T12:00+01:00", "2026-11-23T18:00+01:00", 14400, "kept", id="V04"),
    pytest.param("2026-11-24T09:00+01:00", "2026-11-24T13:00:01+01:00", 14401, "broken", id="a second late"),
    pytest.param("2026-11-24T09:00+01:00", "2026-11-24T13:00:00.5+01:00", 14400.5, "broken", id="half a second late"),
])
def test_verdict(received: str, handled: str, used: float, verdict: str, opsctl: Run) -> None:
    answer = opsctl("support", "verdict", "--level", "A", "--received", received, "--handled", handled, *LATER,
                    "--json")
    assert answer.code == 0, answer
    data = answer.envelope["data"]
    assert (data["used_seconds"], data["verdict"], data["in_time"]) == (used, verdict, verdict == "kept")
    assert data["late_seconds"] == max(0, used - 14400)


@pytest.mark.parametrize(("handled", "in_time"), [
    ("2026-11-23T13:00+01:00", True), ("2026-11-23T13:00:01+01:00", False)])
def test_a_verdict_after_a_change_is_by_the_last_level_from_receipt(handled: str, in_time: bool, opsctl: Run) -> None:
    answer = opsctl("support", "verdict", "--level", "B", "--received", "2026-11-23T09:00+01:00", "--handled", handled,
                    "--level-change", "A@2026-11-23T10:00+01:00", "--json")
    data = answer.envelope["data"]
    assert (data["level"], data["budget_seconds"], data["in_time"]) == ("A", 14400, in_time)
    assert data["deadline_from_change"] == "2026-11-23T14:00:00+01:00"


def test_every_counted_interval_has_a_line_of_its_own(opsctl: Run) -> None:
    answer = opsctl("support", "deadline", "--level", "C", "--received", "2026-10-23T12:00+02:00")
    assert answer.code == 0
    assert [line.split()[-2] for line in COUNTED.findall(answer.stdout)] == ["2:30:00", "8:00:00", "5:30:00"]
    assert "deadline     Tue 2026-10-27 13:30:00 CET (2026-10-27T12:30:00Z)" in answer.stdout
    assert "Danish time (CET/CEST)" in answer.stdout
    late = opsctl("support", "verdict", "--level", "A", "--received", "2026-11-16T08:00+01:00",
                  "--handled", "2026-11-20T14:30+01:00")
    assert len(COUNTED.findall(late.stdout)) == 5
    assert "used         38:30:00 of 4:00:00" in late.stdout
    assert "broken: late by 34:30:00" in late.stdout


def test_closing_days_between_are_named(opsctl: Run) -> None:
    answer = opsctl("support", "deadline", "--level", "B", "--received", "2026-04-01T14:00+02:00")
    assert "closed       Thu 2026-04-02 Maundy Thursday" in answer.stdout


def test_a_pause_that_outlasts_handling_is_warned_of(opsctl: Run) -> None:
    answer = opsctl("support", "verdict", "--level", "A", "--received", "2026-11-17T09:00+01:00", "--handled",
                    "2026-11-17T12:00+01:00", "--pause", "2026-11-17T10:00+01:00/2026-11-17T15:00+01:00", "--json")
    assert answer.envelope["data"]["used_seconds"] == 3600
    assert "outlasts the start of handling" in answer.envelope["warnings"][0]


RECEIVED = ("--received", "2026-11-17T09:00+01:00")


@pytest.mark.parametrize(("pause", "deadline", "words"), [
    ("2026-11-17T08:30+01:00/2026-11-17T10:00+01:00", "2026-11-17T14:00:00+01:00", "begins before receipt"),
    ("2026-11-16T12:00Z/2026-11-16T13:00Z", "2026-11-17T13:00:00+01:00", "lies before receipt"),
])
def test_of_a_pause_before_receipt_nothing_counts_and_that_is_told(pause: str, deadline: str, words: str,
                                                                   opsctl: Run) -> None:
    answer = opsctl("support", "deadline", "--level", "A", *RECEIVED, "--pause", pause, "--json")
    assert answer.envelope["data"]["deadline"] == deadline
    assert words in answer.envelope["warnings"][0]


def test_a_pause_after_handling_is_told_to_count_for_nothing(opsctl: Run) -> None:
    answer = opsctl("support", "verdict", "--level", "A", *RECEIVED, "--handled", "2026-11-17T10:00Z", "--pause",
                    "2026-11-17T11:00Z/2026-11-17T12:00Z", "--json")
    assert answer.envelope["data"]["used_seconds"] == 7200
    assert "after the start of handling" in answer.envelope["warnings"][0]


@pytest.mark.parametrize(("arguments", "code", "words"), [
    (("deadline", "--level", "A", "--received", "2026-11-17T09:00"), 2, "2026-11-17T09:00:00+01:00"),
    (("deadline", "--level", "A", "--received", "2026-10-25T02:30"), 2, "comes twice"),
    (("deadline", "--level", "A", "--received", "2026-03-29T02:30"), 2, "does not exist"),
    (("deadline", "--level", "A", "--received", "soon"), 2, "is not a time"),
    (("deadline", "--level", "A"), 2, "--received"),
    (("deadline", "--level", "E", *RECEIVED), 2, "there is no level 'E'"),
    (("deadline", "--level", "A", *RECEIVED, "--calendar", "se-public"), 2, "dk-public, dk-company, always-open"),
    (("deadline", "--level", "A", "--received", "2033-01-03T09:00+01:00"), 3, "no table of closing days for 2033"),
    (("deadline", "--level", "A", "--received", "2022-06-01T09:00+02:00"), 3, "no table of closing days for 2022"),
    (("deadline", "--level", "A", *RECEIVED, "--pause", "2026-11-17T08:00Z"), 2, "is not FROM/TO"),
    (("deadline", "--level", "A", *RECEIVED, "--pause", "2026-11-17T12:00Z/2026-11-17T11:00Z"), 2, "before it begins"),
    (("deadline", "--level", "A", *RECEIVED, "--pause", "2026-11-17T10:00Z/"), 2, "has no end"),
    (("deadline", "--level", "A", *RECEIVED, "--pause", "2026-11-17T10:00Z/.."), 2, "has no end"),
    (("deadline", "--level", "B", *RECEIVED, "--level-change", "A@2026-11-16T10:00Z"), 2, "before receipt"),
    (("deadline", "--level", "B", *RECEIVED, "--level-change", "A"), 2, "is not LEVEL@TIME"),
    (("verdict", "--level", "A", *RECEIVED, "--handled", "2026-11-17T07:00Z"), 2, "before the request was received"),
    (("verdict", "--level", "A", *RECEIVED, "--handled", "2098-11-17T07:00Z"), 3, "no table of closing days"),
    (("verdict", "--level", "A", *RECEIVED, "--handled", "2026-11-17T10:00Z", "--at", "2026-11-17T09:59Z"), 2,
     "lies in the future"),
])
def test_bad_input(arguments: tuple[str, ...], code: int, words: str, opsctl: Run) -> None:
    answer = opsctl("support", *arguments, "--json")
    assert answer.code == code, answer
    (error,) = answer.envelope["errors"]
    assert words in f"{error['message']} {error['resolution']}"
    assert error["resolution"]


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Auckland", "America/New_York"])
def test_the_process_s_zone_changes_nothing(zone: str, opsctl: Run) -> None:
    answer = opsctl("support", "deadline", "--level", "C", "--received", "2026-10-23T10:00Z", "--json", TZ=zone)
    assert answer.envelope["data"]["deadline"] == "2026-10-27T13:30:00+01:00"


def test_starting_opsctl_does_not_load_the_room() -> None:
    check = "import sys, opsctl.cli.main; print([m for m in sys.modules if 'support' in m or 'calendar' in m])"
    done = subprocess.run([sys.executable, "-c", check], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = done.stdout
    assert "opsctl." not in loaded


def test_a_start_that_lies_ahead_is_judged_as_planned(opsctl: Run) -> None:
    asked = ("support", "verdict", "--level", "A", "--received", "2032-11-22T09:00+01:00", "--handled",
             "2032-11-22T13:00+01:00", "--json")
    answer = opsctl(*asked)
    data = answer.envelope["data"]
    assert (answer.code, data["in_time"], data["used_seconds"]) == (0, True, 14400)
    assert "lies ahead" in answer.envelope["warnings"][0]
    assert opsctl(*asked, "--at", "2032-11-22T12:00:00+01:00").code == 2
