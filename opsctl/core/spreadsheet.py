"""Cells of tables that people open in a spreadsheet: none that is written is taken for a formula."""

from __future__ import annotations

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def safe(cell: str) -> str:
    """The cell with an apostrophe before what a spreadsheet would take for a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def plain(cell: str) -> str:
    """The cell without the apostrophe of `safe`."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA) else cell
