"""The main job: one command for all customers, its second run, one that fails among them, and an interruption."""

import signal
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from opsctl.lab import fault
from tests.lab.patch_support import offered
from tests.lab.surroundings import Opsctl

pytestmark = pytest.mark.lab


@pytest.fixture
def update() -> Iterator[str]:
    """A further version of an ordinary package waits in the repository."""
    with offered("metertools") as versions:
        yield versions["metertools"]


def rows(envelope: dict[str, object]) -> dict[tuple[str, str], dict[str, object]]:
    outcomes = envelope["data"]["outcomes"]  # type: ignore[index]
    return {(row["customer"], row["service"]): row for row in outcomes}


def test_a_night_for_all_customers_and_a_second_one_that_finds_it_done(opsctl: Opsctl, update: str,
                                                                       tmp_path: Path) -> None:
    junit = tmp_path / "night.xml"
    first = opsctl("nightly", "--all", "--json", "--junit", str(junit))
    assert first.code == 0, first
    found = rows(first.envelope)
    for customer in ("sample-aalund", "sample-birkeby", "sample-cedervig"):
        assert found[customer, "storage-management"]["status"] == "done"
        assert found[customer, "backup"]["status"] == "done"
        assert found[customer, "it-system-maintenance"]["status"] == "done"
    for customer in ("sample-dalmose", "sample-elmegaard"):
        assert found[customer, "backup"]["status"] == "not covered"
        assert found[customer, "software-update-major"]["status"] == "done"
    suite = ElementTree.parse(junit).getroot().find("testsuite")  # noqa: S314 - our own file
    assert suite is not None
    assert (suite.get("tests"), suite.get("failures")) == (str(len(first.envelope["data"]["outcomes"])), "0")

    second = opsctl("nightly", "--all", "--json")
    assert second.code == 0, second
    assert {row["status"] for row in rows(second.envelope).values()} == {"skipped", "not covered", "unchanged"}

    status = opsctl("status", "--json").envelope["data"]["customers"]
    assert {row["backup"]["verdict"] for row in status} == {"kept", "not covered"}
    assert opsctl("ledger", "verify", "--json").envelope["data"]["integrity"] == "sound"


def test_one_customer_that_fails_stops_no_other(opsctl: Opsctl) -> None:
    fault.set_fault("aalund-1", "link-down", True)
    try:
        answer = opsctl("nightly", "--all", "--json")
    finally:
        fault.set_fault("aalund-1", "link-down", False)
    assert answer.code == 1, answer
    found = rows(answer.envelope)
    assert found["sample-aalund", "backup"]["status"] == "failed"
    assert found["sample-aalund", "backup"]["resolution"]
    assert found["sample-aalund", "it-system-maintenance"]["status"] == "skipped"
    assert found["sample-birkeby", "backup"]["status"] == "done"
    assert found["sample-cedervig", "backup"]["status"] == "done"
    assert {error["customer"] for error in answer.envelope["errors"]} == {"sample-aalund"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_an_interrupted_night_is_recorded_and_leaves_no_lease(number: signal.Signals, opsctl: Opsctl,
                                                              update: str) -> None:
    child = opsctl.start("nightly", "sample-birkeby", "--json")
    assert child.stderr is not None
    for line in child.stderr:
        if "Install the planned versions" in line:
            break
    child.send_signal(number)
    out, _ = child.communicate(timeout=120)
    assert child.returncode == 1
    assert '"message": "interrupted"' in out
    status = opsctl("status", "sample-birkeby", "--json").envelope["data"]["customers"]
    assert status[0]["running"] == []
    entries = opsctl("ledger", "export", "sample-birkeby").stdout
    assert '"status":"interrupted"' in entries
    # The next run repairs what was left half done, and ends well.
    again = opsctl("nightly", "sample-birkeby", "--json")
    assert again.code == 0, again
    assert rows(again.envelope)["sample-birkeby", "it-system-maintenance"]["status"] in {"done", "unchanged"}
