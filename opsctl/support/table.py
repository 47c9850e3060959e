"""Requests as CSV or JSON: the columns, and the rows with the line of each. Pure: text in, rows out.

No cell that is written is taken for a formula by a spreadsheet.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from json import JSONDecodeError, JSONDecoder
from typing import Any, NamedTuple

from opsctl.core.errors import UsageError
from opsctl.core.spreadsheet import plain, safe

COLUMNS = ("reference", "received", "level", "level_reason", "reporter", "subject", "text", "channel", "origin",
           "about", "system", "duplicate_of", "started", "handler", "closed", "result")
"""What an import reads; times are ISO 8601 with zone."""
NEEDED = ("reference", "received", "level", "reporter", "subject")
TOLD = ("id", "customer", "state", "verdict", "deadline", "used_seconds", "budget_seconds", "not_covered", "cause",
        "minutes")
"""What an export adds. An import passes over it, but for whose request it is (`id`, `customer`)."""


class Row(NamedTuple):
    """One request of a file, and the line on which it begins."""

    line: int
    cells: Mapping[str, str]


def from_csv(text: str) -> tuple[Row, ...]:
    """The rows of a CSV file with a heading; the separator is a comma, a semicolon or a tab."""
    first = text.partition("\n")[0]
    separator = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    rows, begins = [], 1
    try:
        headings = [name.strip() for name in next(reader, [])]
        _check(headings)
        begins = reader.line_num + 1
        for cells in reader:
            if any(cell.strip() for cell in cells):
                if len(cells) != len(headings):
                    raise UsageError(f"line {begins} has {len(cells)} cells, and the heading has {len(headings)}",
                                     "put text with separators or line ends in quotation marks")
                rows.append(Row(begins, {name: plain(cell) for name, cell in zip(headings, cells, strict=True)}))
            begins = reader.line_num + 1
    except csv.Error as error:
        raise UsageError(f"line {begins}: {error}", "write the file as CSV, see docs/support.md") from None
    return tuple(rows)


def from_json(text: str) -> tuple[Row, ...]:
    """The rows of a JSON file: a list of objects."""
    try:
        rows = tuple(_objects(text))
    except JSONDecodeError as error:
        raise UsageError(f"line {error.lineno}: {error.msg}",
                         "write a JSON list of objects, see docs/support.md") from None
    for row in rows:
        _check(list(row.cells), row.line)
    return rows


def to_csv(rows: Iterable[Mapping[str, Any]]) -> str:
    """CSV with a heading, in the columns of COLUMNS and TOLD."""
    return written((*COLUMNS, *TOLD), rows)


def written(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """CSV with these columns as its heading; None is an empty cell."""
    made = io.StringIO(newline="")
    writer = csv.writer(made)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([safe("" if row.get(name) is None else str(row[name])) for name in columns])
    return made.getvalue()


def to_json(rows: Iterable[Mapping[str, Any]]) -> str:
    """A JSON list of objects, one on each line."""
    lines = (json.dumps({name: row.get(name) for name in (*COLUMNS, *TOLD)}, ensure_ascii=False) for row in rows)
    return "[" + ",\n ".join(lines) + "]\n"


def _objects(text: str) -> Iterator[Row]:
    decoder, at = JSONDecoder(), _after(text, 0)
    if text[at:at + 1] != "[":
        raise JSONDecodeError("this is no list of objects", text, at)
    at = _after(text, at + 1)
    while text[at:at + 1] != "]":
        found, end = decoder.raw_decode(text, at)
        if not isinstance(found, dict):
            raise JSONDecodeError("this is no object", text, at)
        yield Row(text.count("\n", 0, at) + 1, {name: "" if value is None else str(value)
                                                for name, value in found.items()})
        at = _after(text, end)
        if text[at:at + 1] == ",":
            at = _after(text, at + 1)
        elif text[at:at + 1] != "]":
            raise JSONDecodeError("a comma or the end of the list is missing", text, at)


def _after(text: str, at: int) -> int:
    while text[at:at + 1].isspace():
        at += 1
    return at


def _check(headings: list[str], line: int = 1) -> None:
    """UsageError for a column that is missing, there twice, or not known."""
    missing = [name for name in NEEDED if name not in headings]
    unknown = [name for name in headings if name not in {*COLUMNS, *TOLD}]
    twice = sorted({name for name in headings if headings.count(name) > 1})
    for what, names in (("lacks", missing), ("has the unknown", unknown), ("has twice", twice)):
        if names:
            raise UsageError(f"line {line} {what} {', '.join(names)}",
                             f"the columns are {', '.join(COLUMNS)}; {', '.join(NEEDED)} must be there")
