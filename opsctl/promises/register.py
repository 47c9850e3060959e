"""The register of one customer's month: every event the contract makes due, each with its verdict. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from opsctl.core.clock import iso
from opsctl.core.errors import UsageError
from opsctl.promises import daily, monthly, updates
from opsctl.promises.model import Item, Kept, by_promise
from opsctl.promises.requests import requests
from opsctl.promises.view import View

GENERATORS: Sequence[Callable[[View], Iterator[Item]]] = (
    monthly.platform, updates.updates, monthly.licences, daily.network, daily.backups, daily.removals,
    monthly.integration, daily.storage, requests, monthly.not_covered)


def register(view: View) -> tuple[Kept, ...]:
    """All promises that the month's contract makes or leaves out, by number.

    UsageError for a month that has not begun, or that ended before the first contract did.
    """
    if view.bounds[0] > view.now:
        raise UsageError(f"{view.month} has not begun: it is {iso(view.now)}", "name a month that has begun")
    if view.month.following.first <= view.first_contract_day:
        raise UsageError(f"{view.profile.customer} has a contract since {view.first_contract_day}, which is after "
                         f"{view.month}", "name a later month, or write the earlier contract into the profile")
    return by_promise(item for generate in GENERATORS for item in generate(view))
