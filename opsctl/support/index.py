"""The error log's index: which entries make up a request, and its place in the list of what to start soonest.

Written with every entry, checked against the chain before it is used, and made anew from the entries where it differs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from opsctl.ledger import Subject
from opsctl.support.fold import KINDS, apply, requests
from opsctl.support.people import Person, person_of
from opsctl.support.request import Request

if TYPE_CHECKING:
    from opsctl.ledger import Entry, Ledger
    from opsctl.ledger.quick import QuickLedger

ROOM = "support"
CLOSED = "1"
"""With this the rank of every closed request begins; that of an open one is less."""


class Page(NamedTuple):
    """The first requests of a list with their persons by id, and how many there are in all."""

    requests: tuple[Request, ...]
    persons: Mapping[str, Person]
    total: int


def rank(request: Request) -> str:
    """Open before closed, not started before started, then by target."""
    return f"{request.closed_at is not None:d}{request.start is not None:d}{request.clock.target:%Y-%m-%dT%H:%M:%S.%f}"


def subject(request: Request, entries: Sequence[int]) -> Subject:
    """The request as the index keeps it."""
    return Subject(ROOM, request.id, rank(request), request.level, tuple(entries))


def folded(entries: Iterable[Entry]) -> tuple[dict[str, Request], dict[str, list[int]]]:
    """The requests of one chain, and of each the places of its entries."""
    found: dict[str, Request] = {}
    places: dict[str, list[int]] = {}
    for entry in entries:
        apply(found, entry)
        places.setdefault(str(entry.payload["id"]), []).append(entry.sequence)
    return found, places


def mend(ledger: Ledger, chain: str, found: Mapping[str, Request], places: Mapping[str, Sequence[int]]) -> bool:
    """Make the chain's index anew where it is not what its entries give; returns whether it had to be."""
    right = [subject(request, places[id]) for id, request in sorted(found.items())]
    try:
        if sorted(ledger.subjects(ROOM, chain), key=lambda one: one.name) == right:
            return False
    except ValueError:
        pass
    ledger.index(ROOM, chain, right)
    return True


def mend_all(ledger: Ledger) -> tuple[str, ...]:
    """Mend the index of every chain; returns the chains where it had to be."""
    return tuple(chain for chain in ledger.chains()
                 if mend(ledger, chain, *folded(ledger.entries(chain, kinds=KINDS))))


def differing(ledger: Ledger, chains: Iterable[str]) -> tuple[str, ...]:
    """The chains whose index is not what their entries give."""
    wrong = []
    for chain in chains:
        found, places = folded(ledger.entries(chain, kinds=KINDS))
        try:
            known = {one.name: one for one in ledger.subjects(ROOM, chain)}
        except ValueError:
            known = {"": Subject(ROOM, "", "", "", ())}
        if known != {id: subject(request, places[id]) for id, request in found.items()}:
            wrong.append(chain)
    return tuple(wrong)


def page(ledger: QuickLedger, customers: Sequence[str], levels: str, limit: int, *, everything: bool) -> Page | None:
    """The first requests by rank; None where the index does not cover the entries or a customer has no log."""
    if ledger.indexed(ROOM) != ledger.recorded(KINDS) or not set(customers) <= ledger.chains():
        return None
    rows, total = ledger.page(ROOM, customers, tuple(levels), "2" if everything else CLOSED, limit)
    shown = []
    for chain, row in rows:
        request = requests(ledger.entries(chain, row.entries)).get(row.name)
        # A row that is not what its entries say was changed by somebody: then all entries are read.
        if request is None or subject(request, row.entries) != row:
            return None
        shown.append(request)
    texts = ledger.personals([request.person for request in shown])
    return Page(tuple(shown), {request.id: person_of(texts.get(request.person)) for request in shown}, total)
