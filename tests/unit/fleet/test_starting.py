"""What keeps work from starting: a failure whose cause is open, or too little time by what it needed before."""

from datetime import timedelta
from typing import Any

import pytest

from opsctl.fleet.estimates import needed
from opsctl.fleet.starting import FINISHED, RESOLVED, unresolved

THIRTY = timedelta(minutes=30)


def ended(exit_code: int, status: str = "failed", operation: str = "patch apply",
          run: str = "r1") -> tuple[str, str, Any]:
    return (FINISHED, run, {"operation": operation, "status": status, "exit_code": exit_code, "summary": "x"})


@pytest.mark.parametrize(("entries", "open_"), [
    ([ended(1)], True), ([ended(7, "partly done")], True), ([ended(1), (RESOLVED, "", {})], False),
    ([(RESOLVED, "", {}), ended(1, operation="release install")], True), ([ended(0, "done")], False),
    ([ended(1), ended(0, "unchanged")], True), ([ended(6)], False), ([ended(5)], False), ([ended(75, "locked")], False),
    ([ended(1, "interrupted")], False), ([ended(1, operation="backup run")], False), ([], False)])
def test_a_failure_is_open_until_its_cause_is_resolved(entries: list[Any], open_: bool) -> None:
    assert (unresolved(entries) is not None) is open_


def test_the_newest_failure_is_named() -> None:
    found = unresolved([ended(1, run="old"), ended(1, run="new")])
    assert found is not None and found[0] == "new"


def ran(seconds: float, status: str = "done", operation: str = "patch apply") -> dict[str, Any]:
    return {"operation": operation, "status": status, "seconds": seconds}


def test_the_longest_of_the_last_five_and_a_quarter_more() -> None:
    assert needed([ran(60), ran(400), ran(9999, "unchanged"), ran(9999, operation="backup run")], "patch apply",
                  THIRTY) == timedelta(seconds=500)
    assert needed([ran(60)] * 5 + [ran(9999)], "patch apply", THIRTY) == timedelta(seconds=75)
    assert needed([], "patch apply", THIRTY) == THIRTY
