"""The 16 cells against the data sheet, read here by hand."""

import pytest

from opsctl.contract.promises import PROMISES
from opsctl.contract.services import CELLS, Coverage, Hosting, Mode, Service

SHEET = [
    # service, hosted by Kamstrup: coverage, mode, promise; hosted by the customer: the same
    ("it-system-maintenance", "included", "automatic", "P10", "included", "notice; work on agreement", "P21"),
    ("software-update-minor", "included", "automatic", "P11", "included", "notice; work on agreement", "P22"),
    ("software-update-major", "included", "automatic", "P12", "included", "notice; work on agreement", "P23"),
    ("licence-management", "included", "automatic", "P14", "included", "notice", "P24"),
    ("network-management", "included", "automatic", "P15", "not in the contract", "none", "P25"),
    ("backup", "included", "automatic", "P16", "not in the contract", "none", "P26"),
    ("system-integration", "included, purchase required", "automatic", "P18", "not in the contract", "none", "P27"),
    ("storage-management", "included", "automatic", "P19", "not in the contract", "none", "P28"),
]


@pytest.mark.parametrize("row", SHEET, ids=[row[0] for row in SHEET])
def test_each_row_says_what_the_sheet_says(row: tuple[str, ...]) -> None:
    service = Service(row[0])
    ours, theirs = CELLS[service, Hosting.KAMSTRUP], CELLS[service, Hosting.CUSTOMER]
    assert (ours.coverage, ours.mode, ours.promise) == (Coverage(row[1]), Mode(row[2]), row[3])
    assert (theirs.coverage, theirs.mode, theirs.promise) == (Coverage(row[4]), Mode(row[5]), row[6])


def test_there_are_sixteen_cells_and_no_more() -> None:
    assert len(CELLS) == 16
    assert {service for service, _ in CELLS} == set(Service)


def test_what_is_refused_says_what_to_do_instead() -> None:
    assert all(cell.instead for cell in CELLS.values() if cell.coverage is not Coverage.INCLUDED)


def test_promises_are_numbered_without_a_gap() -> None:
    assert list(PROMISES) == [f"P{number:02d}" for number in range(1, 61)]
