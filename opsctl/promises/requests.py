"""P39-P42: the start of handling of each request received in the month, within its level's working hours. Pure.

A request belongs to the month in which it was received; its lateness may fall into the next. The clock itself is the
support room's.
"""

from __future__ import annotations

from collections.abc import Iterator

from opsctl.promises.model import Item, Word
from opsctl.promises.view import View


def requests(view: View) -> Iterator[Item]:
    """One item per request; without one, a row that says so."""
    yield Item("P37", "requests", Word.NO_EVENT, "no request is on record")
