"""Each planned host has its entry, whatever happens to the ledger on the way."""

from collections.abc import Mapping
from dataclasses import replace
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
        self.recorded.append((payload["host"], payload.get("result", "begun")))

    def say(self, message: str) -> None:
        """Progress is of no interest here."""


def test_what_a_locked_ledger_refused_is_recorded_at_the_end_as_it_was() -> None:
    ledger = Ledger(1, OperationFailed("database is locked"))
    evidence = Evidence(cast(Run, ledger), PLAN, ["a", "b"])
    with pytest.raises(OperationFailed):
        evidence.take("a", DONE)
    evidence.close()
    assert ledger.recorded == [("a", "patched"), ("b", "not reached")]


def test_every_host_is_tried_before_the_first_error_is_raised() -> None:
    ledger = Ledger(1, Locked("taken over"))
    evidence = Evidence(cast(Run, ledger), PLAN, ["a", "b"])
    with pytest.raises(Locked):
        evidence.close()
    assert ledger.recorded == [("b", "not reached")]


def test_a_run_that_is_ended_early_tells_the_host_it_was_at_from_those_it_never_came_to() -> None:
    ledger = Ledger(0, Locked("taken over"))
    evidence = Evidence(cast(Run, ledger), PLAN, ["a", "b"])
    evidence.begin("a")
    evidence.close()
    assert ledger.recorded == [("a", "begun"), ("a", "failed"), ("b", "not reached")]
    assert "before this host did" in evidence.entries["a"]["message"]
    assert "before it came to this host" in evidence.entries["b"]["message"]


def test_a_host_whose_start_could_not_be_recorded_was_not_begun() -> None:
    ledger = Ledger(1, Locked("taken over"))
    evidence = Evidence(cast(Run, ledger), PLAN, ["a", "b"])
    with pytest.raises(Locked):
        evidence.begin("a")
    evidence.close()
    assert ledger.recorded == [("a", "not reached"), ("b", "not reached")]


@pytest.mark.parametrize(("planned", "message"), [
    ((), "the plan named no reboot; the next one names it, because of dbus.service"), (("dbus.service",), "")])
def test_a_reboot_that_was_left_is_told_with_its_reason(planned: tuple[str, ...], message: str) -> None:
    plan = replace(PLAN, hosts=(HostPlan("a", reboot_by=planned),))
    evidence = Evidence(cast(Run, Ledger(0, Locked(""))), plan, ["a"])
    evidence.take("a", {"platform_patch": {**DONE["platform_patch"], "reboot": {
        "needed": True, "by": ["dbus.service"], "boot_before": "1", "boot_after": "1"}}})
    assert (evidence.entries["a"]["result"], evidence.entries["a"]["message"]) == (
        "patched, reboot left undone", message)
