"""The error log of one customer, opened for writing: one writer at a time, and what every entry has to keep to (P35).

Append-only: a correction is a new entry. Times may lie in the past, with the reason, never in the future.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from opsctl.core.clock import iso
from opsctl.core.errors import Locked, UsageError
from opsctl.core.text import unprintable
from opsctl.ledger import held
from opsctl.runs.workplace import Workplace
from opsctl.support import calendars, index
from opsctl.support.fold import KINDS, apply, requests
from opsctl.support.model import CalendarVersion
from opsctl.support.people import Person, person_of
from opsctl.support.request import Request

if TYPE_CHECKING:
    from opsctl.ledger import Entry, HeldLease, Subject

LEASE_SECONDS = 15
PATIENCE_SECONDS = 20
"""How long a second person's entry waits for the first one's; an entry takes milliseconds."""
LATE = timedelta(minutes=5)
"""What was noted down later than this after it happened needs a reason."""
LONGEST = 20_000
LINE = 300


@dataclass
class Log:
    """A customer's requests as they stand, and the right to add to them."""

    place: Workplace
    customer: str
    requests: dict[str, Request]
    lease: HeldLease
    places: dict[str, list[int]] = field(default_factory=dict)
    """Of each request the places of its entries in the chain."""
    loaded: dict[str, tuple[CalendarVersion, ...]] = field(default_factory=dict)

    def append(self, kind: str, payload: Mapping[str, Any]) -> Entry:
        """Record one entry and bring `requests` up to date; Locked when another writer took over."""
        return self.place.ledger.append(self.customer, kind, payload, actor=self.place.actor, lease=self.lease,
                                        subject=self._taken)

    def _taken(self, entry: Entry) -> Subject:
        apply(self.requests, entry)
        id = str(entry.payload["id"])
        self.places.setdefault(id, []).append(entry.sequence)
        return index.subject(self.requests[id], self.places[id])

    def keep(self, text: str) -> str:
        """Text that may name persons, stored beside the chain; returns its reference, empty for no text."""
        return self.place.ledger.put_personal(self.customer, text) if text else ""

    def find(self, id: str) -> Request:
        """The request; UsageError when there is none."""
        return found(self.requests, id)

    def versions(self, name: str = "") -> tuple[CalendarVersion, ...]:
        """The versions of a calendar, by default the policy's."""
        name = name or self.place.settings.policy.support.calendar
        if name not in self.loaded:
            self.loaded[name] = calendars.load(name)
        return self.loaded[name]


@contextmanager
def writing(place: Workplace, customer: str, patience: float = PATIENCE_SECONDS) -> Iterator[Log]:
    """The customer's log for writing. A second writer waits its turn; Locked after `patience` seconds."""
    with ExitStack() as stack:
        lease = stack.enter_context(_turn(place, customer, time.monotonic() + patience))
        requests, places = index.folded(place.ledger.entries(customer, kinds=KINDS))
        index.mend(place.ledger, customer, requests, places)
        yield Log(place, customer, requests, lease, places)


@contextmanager
def _turn(place: Workplace, customer: str, until: float) -> Iterator[HeldLease]:
    with ExitStack() as stack:
        while True:
            try:
                lease = stack.enter_context(held(place.ledger, f"{customer}/support", f"support by {place.actor}",
                                                 LEASE_SECONDS))
                break
            except Locked:
                if time.monotonic() >= until:
                    raise
                time.sleep(0.05)
        yield lease


def read(place: Workplace, customers: Iterable[str], until: datetime | None = None) -> dict[str, Request]:
    """The requests of `customers` by id, one query for each; EvidenceDamaged for an entry that cannot be read.

    until: as they stood at that instant, by what had been recorded before it.
    """
    return {id: request for customer in customers
            for id, request in requests(place.ledger.entries(customer, kinds=KINDS, until=until)).items()}


def found(known: Mapping[str, Request], id: str) -> Request:
    """The request called `id`; UsageError when there is none."""
    if id not in known:
        raise UsageError(f"there is no request {id!r}", "see `opsctl support list`; an id reads CUSTOMER-NUMBER, such "
                         "as sample-aalund-7")
    return known[id]


def customer_of(id: str) -> str:
    """The customer's name in a request's id; UsageError when it is no id."""
    customer, dash, number = id.rpartition("-")
    if not dash or not customer or not (number.isascii() and number.isdigit()):
        raise UsageError(f"{id!r} is not a request's id", "an id reads CUSTOMER-NUMBER, such as sample-aalund-7; see "
                         "`opsctl support list`")
    return customer


def persons(place: Workplace, wanted: Sequence[Request]) -> dict[str, Person]:
    """Reporter, subject and text by request id, in one query; `(erased)` where they were erased."""
    texts = place.ledger.personals([request.person for request in wanted])
    return {request.id: person_of(texts.get(request.person)) for request in wanted}


def moment(place: Workplace, given: datetime | None, what: str, late_reason: str, *,
           earliest: datetime | None = None) -> datetime:
    """When it happened: as given, or now. UsageError in the future, or in the past without a reason.

    earliest: what it may not come before; now is never earlier than it by the tolerance alone.
    """
    now = place.clock.now()
    if given is None:
        return max(now, earliest) if earliest else now
    tolerance = timedelta(seconds=place.settings.policy.support.tolerance_seconds)
    if given > now + tolerance:
        raise UsageError(f"{what} {iso(given)} lies in the future: it is {iso(now)} now",
                         "note it down once it has happened, or correct the time")
    if given < now - LATE and not late_reason:
        raise UsageError(f"{what} {iso(given)} lies {_ago(now - given)} in the past",
                         "say why it is noted down only now, with --late-reason TEXT")
    return given


def line(text: str, what: str, *, needed: bool = True) -> str:
    """One line of text; UsageError otherwise."""
    if not text and not needed:
        return ""
    if not text.strip() or unprintable(text) or len(text.splitlines()) != 1:
        raise UsageError(f"{what} must be one line of text", f"write {what} out, on one line")
    if len(text) > LINE:
        raise UsageError(f"{what} has {len(text)} characters, more than {LINE}", "shorten it; the text takes more")
    return text.strip()


def block(text: str, what: str, *, needed: bool = False) -> str:
    """Text of several lines; UsageError when it is too long, has control characters, or is missing."""
    if needed and not text.strip():
        raise UsageError(f"{what} is empty", f"write {what} out")
    if unprintable(text):
        raise UsageError(f"{what} has characters that do not print", "remove control characters")
    if len(text) > LONGEST:
        raise UsageError(f"{what} has {len(text)} characters, more than {LONGEST}",
                         "shorten it, and say where the rest is")
    return text.strip()


def _ago(length: timedelta) -> str:
    minutes = length // timedelta(minutes=1)
    if minutes < 120:
        return f"{minutes} minutes"
    return f"{minutes // 60} hours" if minutes < 2880 else f"{minutes // 1440} days"
