"""One page of the error log: by the index where that covers it, else from every entry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsctl.core.errors import UsageError

if TYPE_CHECKING:
    from opsctl.support.index import Page

LEVELS = "ABCD"


def listed(customers: list[str], levels: str, limit: int, at: str | None, *, everything: bool) -> Page:
    """The requests to show, the ones to start soonest first. at: as they stood then. limit: 0 for all."""
    wanted = levels.upper() or LEVELS
    unknown = "".join(letter for letter in wanted if letter not in LEVELS)
    if unknown:
        raise UsageError(f"--level: there is no level {unknown!r}", "write the letters of A, B, C, D, such as AB")
    found = None if at or not limit else _quick(customers, wanted, limit, everything=everything)
    return found or _read(customers, wanted, limit, at, everything=everything)


def _quick(customers: list[str], levels: str, limit: int, *, everything: bool) -> Page | None:
    """By the index; None when that cannot be had, whatever the reason: every entry is read then."""
    from opsctl.core.errors import OpsctlError
    from opsctl.ledger.quick import QuickFailed, quick
    from opsctl.profiles.index import places
    from opsctl.profiles.places import state_folder
    from opsctl.support.index import page

    try:
        url = places().ledger or f"sqlite:///{state_folder() / 'ledger.db'}"
        with quick(url) as ledger:
            return page(ledger, customers, levels, limit, everything=everything)
    except (QuickFailed, OpsctlError):
        return None


def _read(customers: list[str], levels: str, limit: int, at: str | None, *, everything: bool) -> Page:
    from opsctl.cli.support_read import requests_of
    from opsctl.cli.workplace import workplace
    from opsctl.support.index import Page, rank
    from opsctl.support.log import persons

    with workplace(acts=False) as place:
        known = [request for request in requests_of(place, customers, at)
                 if request.level in levels and (everything or request.closed_at is None)]
        known.sort(key=lambda one: (rank(one), one.id))
        shown = tuple(known[:limit] if limit else known)
        return Page(shown, persons(place, shown), len(known))
