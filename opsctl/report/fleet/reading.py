"""What the fleet page needs, read over all customers at once: entries of a month by kind, open requests, windows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter

from opsctl.core.clock import local_day
from opsctl.core.errors import OpsctlError
from opsctl.fleet.windows import upcoming
from opsctl.ledger import Entry
from opsctl.ledger.quick import QuickFailed, quick
from opsctl.profiles.model import KamstrupProfile, Profile
from opsctl.promises.backups import KINDS
from opsctl.promises.databases import FAILED
from opsctl.promises.model import Word
from opsctl.releases.catalogue import Catalogue
from opsctl.releases.version import Version
from opsctl.report.fleet import build
from opsctl.report.fleet.model import Page, Row
from opsctl.report.fleet_status import fleet_status
from opsctl.report.outline import outline_of
from opsctl.report.status import CustomerStatus
from opsctl.runs.workplace import Workplace
from opsctl.storage.history import MEASURED
from opsctl.support.index import page as index_page
from opsctl.support.log import read as read_log
from opsctl.support.request import Request

MONTH = timedelta(days=build.DAYS + 1)
SHOWN = 100
"""Requests on the page; of more the first to start."""
WEEK = timedelta(days=7)


def fleet_page(workplace: Workplace, profiles: Sequence[Profile], broken: Mapping[str, OpsctlError],
               releases: Catalogue | OpsctlError, now: datetime, url: str) -> Page:
    """The page at `now`. url: of the ledger, for the error log's index."""
    statuses = fleet_status(workplace, profiles, releases, now)
    begins = workplace.ledger.beginnings()
    requests = _open_requests(workplace, [one.customer for one in profiles], url)
    asked: dict[str, list[Request]] = {}
    for one in requests:
        asked.setdefault(one.customer, []).append(one)
    known = {status.customer: (status, outline_of(profile))
             for profile, status in zip(profiles, statuses, strict=True)}

    def row(customer: str, entries: Sequence[Entry]) -> Row:
        return build.row(*known[customer], entries, begins.get(customer), asked.get(customer, ()), now)

    # One customer's month at a time: they come by customer.
    month = workplace.ledger.across((*KINDS, FAILED, MEASURED), now - MONTH, now)
    found = {customer: row(customer, list(entries)) for customer, entries in groupby(month, attrgetter("chain"))
             if customer in known}
    rows = [found.get(customer) or row(customer, ()) for customer in known]
    catalogue = None if isinstance(releases, OpsctlError) else releases
    today = local_day(now, "Europe/Copenhagen")
    problems = [f"{name}: the profile cannot be read" for name in broken]
    problems += [releases.message] if isinstance(releases, OpsctlError) else []
    return Page(now, today, build.in_order(rows), build.asks(requests[:SHOWN], now), len(requests),
                build.releases(rows, catalogue, today),
                build.windows(_windows(profiles, statuses, catalogue, now)), tuple(problems),
                workplace.ledger.generated)


def _open_requests(workplace: Workplace, customers: Sequence[str], url: str) -> Sequence[Request]:
    """By the index where it covers the log, else from every entry."""
    try:
        with quick(url) as ledger:
            found = index_page(ledger, (), "ABCD", 100_000, everything=False)
    except QuickFailed:
        found = None
    if found is not None:
        return found.requests
    known = [one for one in read_log(workplace, customers).values() if one.closed_at is None]
    return sorted(known, key=lambda one: (one.start is not None, one.clock.target, one.id))


def _windows(profiles: Sequence[Profile], statuses: Sequence[CustomerStatus], catalogue: Catalogue | None,
             now: datetime) -> Iterator[tuple[str, datetime, datetime, str, str]]:
    newest = catalogue.newest(None) if catalogue else None
    for profile, status in zip(profiles, statuses, strict=True):
        if not isinstance(profile, KamstrupProfile) or not profile.windows:
            continue
        due = _due(status, newest.version if newest else None)
        for occurrence, frozen in upcoming(profile.windows, profile.freezes, profile.zone, now, 3):
            if occurrence.opens < now + WEEK and not frozen:
                yield (profile.customer, occurrence.opens, occurrence.closes, occurrence.zone, due)
                due = ""


def _due(status: CustomerStatus, newest: Version | None) -> str:
    """What the next window is for."""
    found = ["patch"] if status.platform.word in {Word.BROKEN, Word.UNKNOWN} else []
    behind = newest is not None and status.ready != "unknown" and Version.parse(status.ready) < newest
    return ", ".join([*found, *([f"READY {newest}"] if behind else [])])


