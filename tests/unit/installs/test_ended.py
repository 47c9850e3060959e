"""From the evidence of installations to how each ended: what a customer is told afterwards."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from opsctl.installs.ended import Ended, ended

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)


def entries(*steps: tuple[str, str, dict[str, str]]) -> list[Any]:
    """(kind, run, payload), a minute apart."""
    return [SimpleNamespace(kind=f"release.{kind}", run=run, payload=payload, recorded_at=at(number))
            for number, (kind, run, payload) in enumerate(steps)]


def hop(before: str, to: str) -> dict[str, str]:
    return {"from": before, "to": to}


def at(minute: int) -> datetime:
    return NOW + timedelta(minutes=minute)


def test_releases_of_one_run_that_follow_each_other_are_one_installation() -> None:
    found = ended(entries(("started", "a", hop("5.4.0", "5.5.0")), ("installed", "a", hop("5.4.0", "5.5.0")),
                          ("started", "a", hop("5.5.0", "6.0.0")), ("installed", "a", hop("5.5.0", "6.0.0"))))
    assert found == (Ended("5.4.0", "6.0.0", at(0), at(3), False, "a"),)


def test_two_runs_are_two() -> None:
    found = ended(entries(("started", "a", hop("5.4.0", "5.5.0")), ("installed", "a", hop("5.4.0", "5.5.0")),
                          ("started", "b", hop("5.5.0", "6.0.0")), ("installed", "b", hop("5.5.0", "6.0.0"))))
    assert [(one.before, one.release, one.run) for one in found] == [("5.4.0", "5.5.0", "a"), ("5.5.0", "6.0.0", "b")]


def test_a_second_step_that_fails_is_told_apart_from_the_first_that_did_not() -> None:
    found = ended(entries(("started", "a", hop("5.4.0", "5.5.0")), ("installed", "a", hop("5.4.0", "5.5.0")),
                          ("started", "a", hop("5.5.0", "6.0.0")),
                          ("taken_back", "a", {"version": "5.5.0", "tried": "6.0.0"})))
    assert [(one.before, one.release, one.taken_back) for one in found] == [
        ("5.4.0", "5.5.0", False), ("5.5.0", "6.0.0", True)]


def test_what_is_stuck_ends_when_another_run_takes_it_back() -> None:
    stuck = entries(("started", "a", hop("5.4.0", "5.5.0")), ("stuck", "a", {"version": "5.4.0", "tried": "5.5.0"}))
    assert ended(stuck) == ()
    later = entries(("started", "a", hop("5.4.0", "5.5.0")), ("stuck", "a", {"version": "5.4.0", "tried": "5.5.0"}),
                    ("taken_back", "b", {"version": "5.4.0", "tried": "5.5.0"}))
    assert ended(later) == (Ended("5.4.0", "5.5.0", at(0), at(2), True, "b"),)


def test_what_was_refused_untouched_or_lacks_its_beginning_tells_nothing() -> None:
    assert ended(entries(("started", "a", hop("5.4.0", "5.5.0")), ("refused", "a", hop("5.4.0", "5.5.0")))) == ()
    assert ended(entries(("installed", "a", hop("5.4.0", "5.5.0")))) == ()
    assert ended(entries(("started", "a", hop("5.4.0", "5.5.0")))) == (), "still under way"
