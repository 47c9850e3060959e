"""The register's values: the verdict words, one due event with its verdict, and a promise's sum. Pure.

Verdict words: kept, broken, not due, no event, not covered, unknown. Missing data is unknown, never kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from opsctl.contract.promises import PROMISES


class Word(StrEnum):
    """The verdict words."""

    KEPT = "kept"
    BROKEN = "broken"
    NOT_DUE = "not due"
    NO_EVENT = "no event"
    NOT_COVERED = "not covered"
    UNKNOWN = "unknown"


GRAVITY = (Word.BROKEN, Word.UNKNOWN, Word.KEPT, Word.NOT_DUE, Word.NO_EVENT, Word.NOT_COVERED)
"""Which word speaks for many: one unknown among kept ones is unknown, and one broken is broken."""


@dataclass(frozen=True)
class Item:
    """One event that was due, or the reason why none was.

    promise: P01-P60. what: in a few words. day: the local day on which it was due, None when it has none of its own.
    evidence: references of ledger entries, such as `sample-aalund:17`.
    """

    promise: str
    what: str
    word: Word
    detail: str = ""
    day: date | None = None
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True)
class Kept:
    """One promise over a month: the gravest word, and how many events have which."""

    promise: str
    word: Word
    counts: Mapping[Word, int]
    items: tuple[Item, ...]

    @property
    def title(self) -> str:
        """The promise in a few words."""
        return PROMISES[self.promise]

    @property
    def figures(self) -> str:
        """The raw numbers, such as `28 kept, 1 broken, 1 unknown`: never a percentage of so few."""
        events = [f"{self.counts[word]} {word.value}" for word in GRAVITY if word in self.counts
                  and word not in {Word.NO_EVENT, Word.NOT_COVERED}]
        return ", ".join(events)

    @property
    def detail(self) -> str:
        """The reason of the first event that has the gravest word."""
        first = next(item for item in self.items if item.word is self.word)
        return f"{first.day}: {first.detail}" if first.day and first.detail else first.detail


def gravest(words: Iterable[Word]) -> Word:
    """The word that speaks for all; no event when there are none."""
    found = set(words)
    return next((word for word in GRAVITY if word in found), Word.NO_EVENT)


def by_promise(items: Iterable[Item]) -> tuple[Kept, ...]:
    """The items by promise number, each with its sum."""
    sorted_out: dict[str, list[Item]] = {}
    for item in items:
        sorted_out.setdefault(item.promise, []).append(item)
    return tuple(Kept(promise, gravest(item.word for item in own), Counter(item.word for item in own), tuple(own))
                 for promise, own in sorted(sorted_out.items()))
