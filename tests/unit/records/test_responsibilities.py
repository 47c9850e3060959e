"""The RASCI matrix with names: every informed party is told something, and the validator finds what P55-P59 forbid."""

import importlib
from pathlib import Path

import pytest

from opsctl.cli.command import DECLARED
from opsctl.cli.main import COMMANDS, GROUPS
from opsctl.contract.rasci import ROWS, RasciRow, problems
from opsctl.profiles.loader import load_profile
from opsctl.profiles.settings import KamstrupRole
from opsctl.records.responsibilities import How, duties, messages_of, uninformed
from tests.unit.records.conftest import ROOT, Run


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_every_party_that_is_informed_gets_a_message(row: RasciRow) -> None:
    assert uninformed([row]) == ()
    assert {message.to for message in messages_of(row)} == set(row.who().get("I", ()))


def test_a_row_without_messages_is_found() -> None:
    row = RasciRow("new", "New row", frozenset("I"), frozenset("AR"), "P00")
    assert uninformed([row]) == ("New row: customer is informed, and no message does it",)


def test_messages_name_commands_that_exist() -> None:
    for name in (*GROUPS, *COMMANDS):
        importlib.import_module(f"opsctl.cli.{name}")
    known = {f"{group} {name}".strip() for group, name in DECLARED}
    messages = [message for row in ROWS for message in messages_of(row)]
    assert {message.by for message in messages if message.by} <= known
    assert all(bool(message.by) is (message.how is not How.HAND) for message in messages)


def test_all_rows_of_the_sheet_are_sound() -> None:
    assert problems(ROWS) == ()
    assert len(ROWS) == 13


@pytest.mark.parametrize("customer", ["sample-aalund", "sample-elmegaard"])
def test_exactly_one_person_is_accountable_in_each_row(customer: str) -> None:
    people = {role: f"Somebody of {role}" for role in KamstrupRole}
    for duty in duties(load_profile(ROOT / "inventories", customer), people):
        assert len([name for _, letter, _, names in duty.persons if letter == "A" for name in names]) == 1, duty.row.id


def test_the_matrix_with_the_customer_s_contacts(opsctl: Run, config: Path) -> None:
    config.write_text(config.read_text() + "people: {service-desk: S. Desk, operations: O. Perations}\n")
    answer = opsctl("rasci", "sample-elmegaard")
    assert answer.code == 0
    assert "A  customer, accountable: IT Elmegaard (sample)" in answer.stdout
    assert "A  Kamstrup, service-desk: S. Desk" in answer.stdout
    assert "(sent by opsctl notice send)" in answer.stdout
    assert "names nobody under `people` for: contracts" in answer.stderr
    assert len(opsctl("rasci", "--json").data["rows"]) == 13


def test_two_accountable_contacts_are_found(opsctl: Run, config: Path) -> None:
    profile = config.parent / "inventories" / "sample-aalund" / "profile.yml"
    profile.write_text(profile.read_text().replace("roles: [contract]", "roles: [contract, accountable]"))
    answer = opsctl("rasci", "sample-aalund")
    assert (answer.code, "2 contacts have the role accountable" in answer.stdout) == (8, True)


@pytest.mark.parametrize(("lines", "said"), [
    ("Log,A/R,A", "line 2: Log: both customer and kamstrup are accountable"),
    ("Log,I,R", "line 2: Log: nobody is accountable"),
    ("Log,I,A", "line 2: Log: nobody is responsible"),
    ("Log,I,A/R\nWork,S,R/a", "line 3, kamstrup: letter 2 of the cell"),
    ("Log,I/I,A/R", "line 2, customer: letter 2 of the cell repeats I"),
    ("Log,I,A/R,C", "line 2: a row has a name and two cells"),
    (",I,A/R", "line 2: a row has a name and two cells"),
])
def test_a_matrix_of_ones_own_is_validated_by_line(lines: str, said: str, opsctl: Run, tmp_path: Path) -> None:
    file = tmp_path / "matrix.csv"
    file.write_text(f"row,customer,kamstrup\n{lines}\n", encoding="utf-8")
    answer = opsctl("rasci", "--check", str(file))
    assert (answer.code, said in answer.stderr) == (3, True), answer


def test_a_sound_matrix_and_one_that_is_none(opsctl: Run, tmp_path: Path) -> None:
    file = tmp_path / "matrix.csv"
    file.write_text("row,customer,kamstrup\nLog,,R/A\nAccess,A/R,C\n", encoding="utf-8")
    assert opsctl("rasci", "--check", str(file)).code == 0
    file.write_text("a,b\n1,2\n", encoding="utf-8")
    assert opsctl("rasci", "--check", str(file)).code == 3
    assert opsctl("rasci", "--check", str(tmp_path / "none.csv")).code == 2
    assert opsctl("rasci", "sample-aalund", "--check", str(file)).code == 2
