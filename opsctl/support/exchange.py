"""Requests from and to other systems: an import that can be given again, and an export that can be imported.

Every row is checked before the first is recorded, and every bad one is named by its line.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from opsctl.core.clock import iso
from opsctl.core.errors import OpsctlError, UsageError
from opsctl.runs.workplace import Workplace
from opsctl.support import inputs, timing
from opsctl.support.coverage import ABOUT
from opsctl.support.handling import start
from opsctl.support.log import Log, block, line, moment, persons
from opsctl.support.people import Person
from opsctl.support.request import Channel, Origin, Request
from opsctl.support.service import Contract, Report, close, open_request
from opsctl.support.table import Row

WordT = TypeVar("WordT", Channel, Origin)


@dataclass(frozen=True)
class Item:
    """One row, read: what was reported, and what has happened since. known: the request that it is already."""

    line: int
    report: Report
    started: datetime | None
    handler: str
    closed: datetime | None
    result: str
    known: Request | None


@dataclass(frozen=True)
class Checked:
    """items: the good rows. problems: of each bad one, with its line."""

    items: tuple[Item, ...]
    problems: tuple[str, ...]


def checked(log: Log, rows: Iterable[Row], name: str) -> Checked:
    """Read all rows against the log. name: of the file, for the reason that stays on record."""
    items, problems = [], []
    seen: dict[str, int] = {}
    by_reference = {one.reference: one for one in log.requests.values() if one.reference} | dict(log.requests)
    names = persons(log.place, list(log.requests.values()))
    for row in rows:
        try:
            _require_own(row, log.customer)
            reference = row.cells.get("reference", "")
            if reference in seen:
                raise UsageError(f"reference {reference!r} stands on line {seen[reference]} already")
            seen[reference] = row.line
            item = _item(log, row, name, by_reference.get(reference))
            if item.known:
                _require_same(item, item.known, names[item.known.id])
            items.append(item)
        except OpsctlError as error:
            problems.append(f"line {row.line}: {error.message}")
    return Checked(tuple(items), tuple(problems))


def record(log: Log, contract: Contract, items: Iterable[Item]) -> Iterator[tuple[str, bool]]:
    """Record what is not on record yet; of each the id, and whether anything was added."""
    for item in items:
        before = len(log.requests), item.known
        request = item.known or open_request(log, contract, item.report)
        added = len(log.requests) > before[0]
        if item.started and request.start is None:
            request = start(log, request.id, item.handler, at=item.started, late_reason=item.report.late_reason)
            added = True
        if item.closed and request.closed_at is None:
            close(log, request.id, item.result, at=item.closed, late_reason=item.report.late_reason)
            added = True
        yield request.id, added


def exported(place: Workplace, requests: list[Request], now: datetime) -> Iterator[dict[str, Any]]:
    """Each request as a row; what has no reference of its own gets its id as one."""
    names = persons(place, requests)
    results = {one.id: [note.text for note in one.notes if note.kind == "closed"] for one in requests}
    texts = place.ledger.personals([*(one.start.handler for one in requests if one.start),
                                    *(text for found in results.values() for text in found)])
    for one in requests:
        person, begun = names[one.id], one.start
        yield {"reference": one.reference or one.id, "received": iso(one.received), "level": one.level,
               "level_reason": one.grades[-1].reason, "reporter": person.reporter, "subject": person.subject,
               "text": person.text, "channel": one.channel.value, "origin": one.origin.value, "about": one.about,
               "system": one.system, "duplicate_of": one.duplicate_of, "started": iso(begun.at) if begun else "",
               "handler": texts.get(begun.handler, "(erased)") if begun else "",
               "closed": iso(one.closed_at) if one.closed_at else "",
               "result": texts.get(results[one.id][-1], "(erased)") if one.closed_at else "",
               "id": one.id, "customer": one.customer, "state": one.state.value, "verdict": one.word(now).value,
               "deadline": iso(one.clock.deadline), "used_seconds": begun.used_seconds if begun else "",
               "budget_seconds": one.clock.budget_seconds, "not_covered": one.not_covered,
               "cause": one.cause.code if one.cause else "", "minutes": one.minutes}


def _require_own(row: Row, customer: str) -> None:
    """An export's row goes back only to its customer: it holds names of persons, and another's errors (P08)."""
    owners = (row.cells.get("customer", "").strip(), row.cells.get("id", "").strip().rpartition("-")[0])
    for owner in owners:
        if owner not in {"", customer}:
            raise UsageError(f"this is a request of {owner}, not of {customer}")


def _item(log: Log, row: Row, name: str, known: Request | None) -> Item:
    cells = {key: value.strip() for key, value in row.cells.items()}
    why = f"imported from {name}"
    person = Person(line(cells["reporter"], "reporter"), line(cells["subject"], "subject"),
                    block(cells.get("text", ""), "text"))
    about = cells.get("about") or ABOUT[0]
    if about not in ABOUT:
        raise UsageError(f"about {about!r} is not one of {', '.join(ABOUT)}")
    received = _time(log, cells, "received")
    if received is None:
        raise UsageError("received is empty")
    started, closed = _time(log, cells, "started"), _time(log, cells, "closed")
    _require_order(received, started, closed, cells)
    if cells.get("duplicate_of"):
        log.find(cells["duplicate_of"])
    level = inputs.level(cells["level"]).letter
    timing.first_clock(level, received, log.versions())
    report = Report(
        person, received, _word(Channel, cells.get("channel") or "other", "channel"),
        _word(Origin, cells.get("origin") or "customer", "origin"), about, line(cells.get("system", ""), "system",
                                                                                needed=False),
        line(cells["reference"], "reference"), level=level,
        level_reason=line(cells.get("level_reason") or why, "level_reason"),
        duplicate_of=cells.get("duplicate_of", ""), late_reason=why)
    handler = line(cells.get("handler", ""), "handler", needed=False)
    return Item(row.line, report, started, handler, closed, block(cells.get("result", ""), "result"), known)


def _time(log: Log, cells: Mapping[str, str], name: str) -> datetime | None:
    text = cells.get(name, "")
    return moment(log.place, inputs.instant(text, inputs.ZONE, name), name, "imported") if text else None


def _require_order(received: datetime, started: datetime | None, closed: datetime | None,
                   cells: Mapping[str, str]) -> None:
    if started and started < received:
        raise UsageError(f"started {iso(started)} lies before received {iso(received)}")
    if started and not cells.get("handler"):
        raise UsageError("handler is empty: name who started handling")
    if closed and (started is None or closed < started):
        raise UsageError("closed without having been started, or before")
    if closed and not cells.get("result"):
        raise UsageError("result is empty: say what came of it")


def _require_same(item: Item, known: Request, person: Person) -> None:
    """The same request again may only bring what has happened since."""
    report = item.report
    differing = [name for name, ours, theirs in (
        ("received", known.received, report.received), ("level", known.level, report.level),
        ("started", known.start.at if known.start else item.started, item.started or (known.start and known.start.at)),
        ("reporter", person.reporter, report.person.reporter), ("subject", person.subject, report.person.subject),
    ) if ours not in {theirs, "(erased)"}]
    if differing:
        raise UsageError(f"reference {report.reference!r} is on record as {known.id} with another "
                         f"{' and '.join(differing)}")


def _word(kind: type[WordT], text: str, name: str) -> WordT:
    try:
        return kind(text)
    except ValueError:
        raise UsageError(f"{name} {text!r} is not one of {', '.join(kind)}") from None
