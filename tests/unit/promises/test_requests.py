"""Requests in the register: by the month of receipt, judged as the error log recorded them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from opsctl.core.clock import iso
from opsctl.promises.evidence import Evidence
from opsctl.promises.model import Word
from opsctl.promises.month import Month
from opsctl.report.service.build import build
from opsctl.support.calendars import load
from opsctl.support.timing import first_clock
from tests.unit.promises.register_values import LATER, OCTOBER, evidence, kept, view

RECEIVED = datetime(2026, 10, 30, 12, tzinfo=UTC)  # a Friday; the office closes at 14:30 Danish time
Told = tuple[str, datetime, dict[str, Any]]


def opened(level: str = "A", id: str = "sample-aalund-1", received: datetime = RECEIVED) -> Told:
    clock = first_clock(level, received, load("dk-public")).payload()
    return ("support.opened", received, {
        "id": id, "received": iso(received), "level": level, "level_reason": "", "clock": clock, "channel": "email",
        "origin": "customer", "person": "", "system": "", "reference": "", "about": "ready", "not_covered": "",
        "answers": {}, "proposed": level, "late_reason": "", "duplicate_of": ""})


def started(after: timedelta, in_time: bool, used: float, id: str = "sample-aalund-1") -> Told:
    at = RECEIVED + after
    return ("support.started", at, {"id": id, "at": iso(at), "handler": "", "used_seconds": used, "in_time": in_time,
                                    "late_reason": ""})


def found(*told: Told, now: datetime = LATER, month: Month = OCTOBER) -> Any:
    return kept(view(evidence(*told), month, now)).get("P39")


def test_started_in_time_and_late() -> None:
    good = found(opened(), started(timedelta(hours=1), True, 3600))
    assert (good.word, good.figures) == (Word.KEPT, "1 kept")
    assert "1.00 of 4 working hours" in good.items[0].detail
    assert len(good.items[0].evidence) == 2
    assert found(opened(), started(timedelta(days=4), False, 20_000)).word is Word.BROKEN


def test_not_started_is_not_due_until_its_hours_are_used() -> None:
    assert found(opened(), now=RECEIVED + timedelta(hours=20)).word is Word.NOT_DUE
    assert found(opened()).word is Word.BROKEN


def test_a_request_belongs_to_the_month_of_its_receipt() -> None:
    late = started(timedelta(days=4), False, 20_000)
    assert found(opened(), late).word is Word.BROKEN
    assert found(opened(), late, month=Month(2026, 11)) is None


def test_a_start_that_may_be_lost_is_unknown() -> None:
    damaged = replace(evidence(opened()), gaps=((RECEIVED, RECEIVED + timedelta(hours=3)),))
    assert kept(view(damaged))["P39"].word is Word.UNKNOWN


def test_an_entry_about_a_request_that_is_gone_is_unknown_and_stops_nothing() -> None:
    orphan = started(timedelta(hours=1), True, 1, id="sample-aalund-9")
    both = kept(view(evidence(opened(), orphan)))
    assert both["P37"].word is Word.UNKNOWN
    assert both["P39"].word is Word.BROKEN


@pytest.mark.parametrize("told", [(), (opened("C"),), (opened(), started(timedelta(hours=1), True, 3600))])
def test_the_report_tells_each_level_by_itself(told: tuple[Told, ...]) -> None:
    proof: Evidence = evidence(*told)
    report = build(view(proof), lambda _: None)
    section = next(one for one in report.sections if one.key == "requests")
    assert len(section.notes) == 5
    assert len(section.rows) == (1 if told else 0)
    assert not [note for note in section.notes if "%" in note]
