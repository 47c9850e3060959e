"""What a report is made of: sections with rows, each row with its evidence. Nothing here knows a format."""

from __future__ import annotations

from dataclasses import dataclass, field

from opsctl.promises.model import Word

SYMBOLS = {Word.KEPT: "✓", Word.BROKEN: "✗", Word.UNKNOWN: "?", Word.NOT_DUE: "…", Word.NO_EVENT: "-",
           Word.NOT_COVERED: "○"}
"""Beside each verdict, so that no meaning rests on colour alone."""


@dataclass(frozen=True)
class Row:
    """Cells of text. word: the verdict the row stands for, if any. evidence: references of ledger entries."""

    cells: tuple[str, ...]
    evidence: tuple[str, ...] = ()
    word: Word | None = None


@dataclass(frozen=True)
class Day:
    """One square of a calendar: the day's number, its verdict, and why."""

    number: int
    word: Word
    detail: str = ""
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True)
class Section:
    """number: its place in the agreed order. notes: sentences. days: a calendar, after `blank` empty squares."""

    number: int
    key: str
    title: str
    notes: tuple[str, ...] = ()
    headings: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()
    days: tuple[Day, ...] = ()
    blank: int = 0
    by_person: tuple[Row, ...] = ()


@dataclass(frozen=True)
class Report:
    """One customer's month. as_of: up to which entry the evidence goes. provisional: why it will change.

    revision: what was issued, such as `revision 2`, or that this is a draft. corrections: the revisions before it.
    """

    customer: str
    name: str
    month: str
    hosting: str
    zone: str
    as_of: str
    headline: str
    sections: tuple[Section, ...]
    provisional: str = ""
    revision: str = "draft"
    corrections: tuple[str, ...] = ()
    sample: bool = False
    language: str = "en"
    counts: dict[str, int] = field(default_factory=dict)
