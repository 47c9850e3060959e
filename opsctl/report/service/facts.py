"""What all sections draw on: the view, its register, and what was recorded within the month. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from opsctl.ledger.model import Entry
from opsctl.promises.model import Item, Kept, Word
from opsctl.promises.requests import received
from opsctl.promises.view import View
from opsctl.support.request import Request


@dataclass(frozen=True)
class Facts:
    """view and register of the month. person: the personal data behind a reference, such as a contact's address."""

    view: View
    register: tuple[Kept, ...]
    person: Callable[[str], str | None]

    @property
    def requests(self) -> tuple[Request, ...]:
        """The requests received in the month."""
        return received(self.view)

    def in_month(self, *kinds: str) -> tuple[Entry, ...]:
        """The entries of these kinds that were recorded within the month."""
        since, until = self.view.bounds
        return tuple(entry for entry in self.view.evidence.of(*kinds) if since <= entry.recorded_at < until)

    def until_end(self, *kinds: str) -> tuple[Entry, ...]:
        """The entries of these kinds recorded before the month's end."""
        return tuple(entry for entry in self.view.evidence.of(*kinds) if entry.recorded_at < self.view.bounds[1])

    def items(self, *promises: str) -> tuple[Item, ...]:
        """The register's events of these promises."""
        return tuple(item for kept in self.register if kept.promise in promises for item in kept.items)

    def local(self, instant: datetime) -> str:
        """An instant as the customer's wall clock shows it, with its offset."""
        return f"{instant.astimezone(ZoneInfo(self.view.profile.zone)):%Y-%m-%d %H:%M %z}"

    def total(self, word: Word) -> int:
        """How many promises the month's register sums up to `word`."""
        return sum(kept.word is word for kept in self.register)


def megabytes(size: float) -> str:
    """Bytes for people."""
    for unit, factor in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if abs(size) >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size / 1e3:.1f} kB"
