"""Surveillance of delivered components on the lab's hosts: up, down, and back."""

import pytest

from opsctl.core.errors import ExitCode
from opsctl.core.outcome import Outcome, Status
from opsctl.lab import fault
from opsctl.network.service import check
from opsctl.runs.workplace import Workplace
from tests.lab.surroundings import hosted

pytestmark = pytest.mark.lab


def checked(workplace: Workplace) -> Outcome:
    return check(workplace, [hosted(workplace, "sample-aalund")])[0]


def test_a_component_that_goes_and_comes_back(workplace: Workplace) -> None:
    first = checked(workplace)
    assert (first.status, first.code) == (Status.DONE, ExitCode.OK), first
    facts = {one["name"]: one["facts"] for one in first.data["components"]}
    assert facts["aalund-api"]["certificate_ends"]
    assert facts["aalund-ssh"]["host_key"].startswith("ssh-ed25519")
    assert [one["name"] for one in first.data["skipped"]] == ["aalund-office-switch"]
    fault.set_fault("aalund-1", "link-down", on=True)
    try:
        down = checked(workplace)
    finally:
        fault.set_fault("aalund-1", "link-down", on=False)
    assert (down.status, down.code) == (Status.CHECK_FAILED, ExitCode.CHECK_FAILED)
    assert {(one["name"], one["after"]) for one in down.data["changes"]} == {("aalund-api", "down"),
                                                                              ("aalund-ssh", "down")}
    assert checked(workplace).status is Status.DONE
    entry = workplace.ledger.last("sample-aalund", "network.checked")
    assert entry is not None
    assert {one["of"] for one in entry.payload["changes"]} == {"state"}
