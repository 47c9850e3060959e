"""The RASCI rows and their validator (P55-P58)."""

import pytest

from opsctl.contract.rasci import ROWS, RasciRow, letters, problems


def test_all_thirteen_rows_of_the_sheet_are_sound() -> None:
    assert len(ROWS) == 13
    assert problems(ROWS) == ()


def test_two_accountable_parties_are_named() -> None:
    row = RasciRow("x", "A row", letters("A"), letters("A/R"), "P00")
    assert problems([row]) == ("A row: both customer and kamstrup are accountable; one must be",)


def test_nobody_accountable_and_nobody_responsible() -> None:
    assert len(problems([RasciRow("x", "A row", letters("I"), letters("S"), "P00")])) == 2


def test_order_of_letters_has_no_meaning() -> None:
    assert letters("A/R") == letters("R/A")
    assert letters("") == frozenset()


@pytest.mark.parametrize("cell", ["a/R", "A/A", "X", "A//R", "A/ R"])
def test_wrong_letters_are_refused_with_their_position(cell: str) -> None:
    with pytest.raises(ValueError, match=r"letter [123]"):
        letters(cell)
