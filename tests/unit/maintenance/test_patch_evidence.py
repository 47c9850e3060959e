"""Each planned host has its entry, whatever happens to the ledger on the way."""

from collections.abc import Mapping
from typing import Any, cast

import pytest

from opsctl.core.errors import Locked, OperationFailed, OpsctlError
from opsctl.maintenance.evidence import Evidence
from opsctl.maintenance.model import HostPlan, PatchPlan
from opsctl.runs.service import Run

PLAN = PatchPlan("sample-aalund", False, (HostPlan("a"), HostPlan("b")), "terms", "inventory", "revision", 1.0)
DONE = {"platform_patch": {"sound": True, "before": {}, "after": {}, "reboot": {
    "needed": False, "by": [], "boot_before": "", "boot_after": ""}}}


class Ledger:
    """Stands for a run whose ledger refuses the first `refusals` entries."""

    def __init__(self, refusals: int, error: OpsctlError) -> None:
        self.left, self.error = refusals, error
        self.recorded: list[tuple[str, str]] = []

    def record(self, kind: str, payload: Mapping[str, Any]) -> None:
        if self.left:
            self.left -= 1
            raise self.error
        self.recorded.append((payload["host"], payload["result"]))

    def say(self, message: str) -> None:
        """Progress is of no interest here."""


def test_what_a_locked_ledger_refused_is_recorded_at_the_end_as_it_was() -> None:
    ledger = Ledger(1, OperationFailed("database is locked"))
    evidence = Evidence(cast(Run, ledger), PLAN, ["a", "b"])
    with pytest.raises(OperationFailed):
        evidence.take("a", DONE)
    evidence.close()
    assert ledger.recorded == [("a", "patched"), ("b", "failed")]


def test_every_host_is_tried_before_the_first_error_is_raised() -> None:
    ledger = Ledger(1, Locked("taken over"))
    evidence = Evidence(cast(Run, ledger), PLAN, ["a", "b"])
    with pytest.raises(Locked):
        evidence.close()
    assert ledger.recorded == [("b", "failed")]
