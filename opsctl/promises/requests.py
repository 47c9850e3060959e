"""P39-P42: the start of handling of each request received in the month, within its level's working hours. Pure.

A request belongs to the month in which it was received; its lateness may fall into the next. Deadlines and verdicts
are read as the error log recorded them: no later calendar changes them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from opsctl.contract.levels import LEVELS
from opsctl.core.clock import iso, local_day
from opsctl.core.errors import EvidenceDamaged
from opsctl.promises.model import Item, Word
from opsctl.promises.view import View
from opsctl.support.fold import KINDS, apply
from opsctl.support.request import Request


def requests(view: View) -> Iterator[Item]:
    """One item per request under its level's promise; without any, a row that says so."""
    known, evidence, lost = _read(view)
    found = _within(view, known)
    if not found and not lost:
        yield Item("P37", "requests", Word.NO_EVENT, "no request is on record")
    for one in found:
        yield _item(view, one, evidence[one.id])
    for reference in lost:
        yield Item("P37", "request", Word.UNKNOWN, "an entry about it cannot be read", evidence=(reference,))


def received(view: View) -> tuple[Request, ...]:
    """The requests received in the month, by the time of receipt."""
    return _within(view, _read(view)[0])


def _within(view: View, known: Mapping[str, Request]) -> tuple[Request, ...]:
    since, until = view.bounds
    found = [one for one in known.values() if since <= one.received < min(until, view.now)]
    return tuple(sorted(found, key=lambda request: (request.received, request.id)))


def _read(view: View) -> tuple[dict[str, Request], dict[str, tuple[str, ...]], list[str]]:
    """The requests, the entries of each, and entries within the month that fit to none."""
    known: dict[str, Request] = {}
    evidence: dict[str, tuple[str, ...]] = {}
    lost: list[str] = []
    since, until = view.bounds
    for entry in view.evidence.of(*KINDS):
        try:
            apply(known, entry)
        except EvidenceDamaged:
            if since <= entry.recorded_at < until:
                lost.append(entry.reference)
            continue
        id = str(entry.payload["id"])
        evidence[id] = (*evidence.get(id, ()), entry.reference)
    return known, evidence, lost


def _item(view: View, request: Request, evidence: tuple[str, ...]) -> Item:
    level = LEVELS[request.level]
    word = Word(request.word(view.now).value)
    detail = _detail(request)
    if word is Word.BROKEN and request.start is None and view.evidence.gap_in(request.received, view.now):
        word, detail = Word.UNKNOWN, "no start is on record, and entries since its receipt are damaged or gone"
    return Item(level.promise, f"{request.id}, level {level.letter}", word, detail,
                local_day(request.received, view.profile.zone), evidence)


def _detail(request: Request) -> str:
    if request.not_covered:
        return request.not_covered
    budget = request.clock.budget_seconds / 3600
    if request.start is None:
        return f"not started; due {iso(request.clock.deadline)}, {budget:g} working hours"
    used = f"{request.start.used_seconds / 3600:.2f} of {budget:g} working hours used"
    late = f"; {request.start.late_reason}" if request.start.late_reason else ""
    cause = f"; cause {request.cause.code}" if request.cause and not request.start.in_time else ""
    return f"{used}{late}{cause}"
