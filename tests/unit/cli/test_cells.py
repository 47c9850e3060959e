"""The 16 cells through the real commands: what the contract leaves blank ends with exit code 4."""

import pytest

from opsctl.contract.readings import READINGS
from opsctl.contract.services import CELLS, Hosting, Service
from tests.unit.cli.conftest import Run

CUSTOMERS = {Hosting.KAMSTRUP: "sample-aalund", Hosting.CUSTOMER: "sample-dalmose"}
REFUSED = {(Service.NETWORK_MANAGEMENT, Hosting.CUSTOMER), (Service.BACKUP, Hosting.CUSTOMER),
           (Service.SYSTEM_INTEGRATION, Hosting.CUSTOMER), (Service.STORAGE_MANAGEMENT, Hosting.CUSTOMER)}


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: f"{cell[0]}-{cell[1]}")
def test_cell(cell: tuple[Service, Hosting], opsctl: Run) -> None:
    service, hosting = cell
    answer = opsctl("contract", "explain", CUSTOMERS[hosting], service, "--enforce", "--json")
    (entry,) = answer.envelope["data"]["services"]
    assert entry["decision"] == ("refused" if cell in REFUSED else "allowed")
    assert answer.code == (4 if cell in REFUSED else 0)
    assert entry["promise"] == CELLS[cell].promise
    assert set(entry["rasci"]) == {"kamstrup", "customer"}
    if cell in REFUSED:
        assert "the customer is responsible" in entry["reason"]
        assert entry["instead"]


def test_integration_that_was_not_bought_is_refused(opsctl: Run) -> None:
    answer = opsctl("contract", "explain", "sample-birkeby", "system-integration", "--enforce", "--json")
    assert answer.code == 4
    assert "not been bought" in answer.envelope["errors"][0]["message"]


@pytest.mark.parametrize("command", [("backup", "run"), ("backup", "list"), ("backup", "prune"), ("backup", "verify"),
                                     ("storage", "check"), ("patch", "plan"), ("patch", "apply")],
                         ids=" ".join)
def test_work_on_a_customer_hosted_system_ends_with_4_and_names_the_row(command: tuple[str, str], opsctl: Run) -> None:
    answer = opsctl(*command, "sample-dalmose", "--json")
    assert answer.code == 4, answer
    (error,) = answer.envelope["errors"]
    promise, row = {"backup": ("P26", "Backup"), "storage": ("P28", "Storage management"),
                    "patch": ("P21", "IT system maintenance")}[command[0]]
    assert f'{promise}, row "{row}"' in error["message"]
    assert error["resolution"]


def test_a_release_notice_for_a_hosted_customer_ends_with_4(opsctl: Run) -> None:
    answer = opsctl("notice", "draft", "sample-aalund", "--kind", "major", "--json")
    assert answer.code == 4
    assert "P30" in answer.envelope["errors"][0]["resolution"]


def test_all_skips_what_is_not_covered_with_exit_0(opsctl: Run) -> None:
    answer = opsctl("notice", "draft", "--all", "--kind", "major", "--json")
    assert answer.code == 0, answer
    rows = answer.envelope["data"]["outcomes"]
    hosted = {"sample-aalund", "sample-birkeby", "sample-cedervig"}
    assert {row["customer"] for row in rows if row["status"] == "not covered"} == hosted
    assert {row["status"] for row in rows if row["customer"] not in hosted} == {"done"}


def test_all_tells_hosted_customers_of_the_work_without_a_refusal_beside_it(opsctl: Run) -> None:
    answer = opsctl("notice", "draft", "--all", "--json")
    assert answer.code == 0, answer
    rows = answer.envelope["data"]["outcomes"]
    hosted = {"sample-aalund", "sample-birkeby", "sample-cedervig"}
    assert {row["data"]["kind"] for row in rows if row["customer"] in hosted} == {"planned"}
    assert {row["status"] for row in rows} == {"done"}


def test_explaining_a_whole_contract_tells_every_reading(opsctl: Run) -> None:
    data = opsctl("contract", "explain", "sample-aalund", "--json").envelope["data"]
    told = {reading["promise"] for entry in data["services"] for reading in entry["readings"]}
    assert told | {reading["promise"] for reading in data["readings"]} == {reading.promise for reading in READINGS}
    text = opsctl("contract", "explain", "sample-aalund").stdout
    assert all(f"{reading.promise} {reading.question}" in text for reading in READINGS)
