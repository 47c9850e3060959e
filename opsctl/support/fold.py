"""From the ledger's entries to requests with their verdicts: the one place that reads the error log (P35). Pure.

Every command and every report gets its requests here. Nothing is computed from calendars: deadlines and verdicts are
read as they were recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from opsctl.core.errors import EvidenceDamaged
from opsctl.ledger import Entry
from opsctl.runs.reported import LINKED
from opsctl.support.request import (
    Approval,
    Cause,
    Channel,
    Clock,
    Grade,
    Note,
    Origin,
    Request,
    Spent,
    Start,
    Told,
    Wait,
)

OPENED, LEVEL, STARTED, WAITING, RESUMED, NOTED, CLOSED, CORRECTED, REOPENED, REMINDED = (
    f"support.{word}" for word in ("opened", "level", "started", "waiting", "resumed", "noted", "closed", "corrected",
                                   "reopened", "reminded"))
SPENT, CAUSE, TOLD, APPROVED = (f"support.{word}" for word in ("spent", "cause", "told", "approved"))


_CHANNELS = {one.value: one for one in Channel}
_ORIGINS = {one.value: one for one in Origin}


def requests(entries: Iterable[Entry]) -> dict[str, Request]:
    """The requests by id, in the order in which they were opened; entries of other kinds are passed over.

    EvidenceDamaged when an entry cannot be read, or is about a request that was never opened.
    """
    found: dict[str, Request] = {}
    for entry in entries:
        apply(found, entry)
    return found


def apply(found: dict[str, Request], entry: Entry) -> None:
    """Bring `found` up to date with one more entry."""
    if entry.kind not in KINDS:
        return
    try:
        id = entry.payload["id"]
        found[id] = _opened(entry) if entry.kind == OPENED else _STEPS[entry.kind](found[id], entry, entry.payload)
    except (KeyError, TypeError, ValueError) as error:
        raise EvidenceDamaged(f"the entry {entry.reference} ({entry.kind}) cannot be read: {type(error).__name__} "
                              f"{error}", "run `opsctl ledger verify`") from error


def _opened(entry: Entry) -> Request:
    payload = entry.payload
    received = _time(payload["received"])
    first = Grade(payload["level"], received, entry.actor, payload["level_reason"], Clock.of(payload["clock"]))
    return Request(
        payload["id"], entry.chain, received, entry.recorded_at, entry.actor, _CHANNELS[payload["channel"]],
        _ORIGINS[payload["origin"]], payload["person"], payload["system"], payload["reference"], payload["about"],
        payload["not_covered"], payload["answers"], payload["proposed"], (first,), payload["late_reason"],
        payload["duplicate_of"])


def _level(request: Request, entry: Entry, payload: Mapping[str, Any]) -> Request:
    reason = payload["reason"] + (f" (noted later: {payload['late_reason']})" if payload["late_reason"] else "")
    grade = Grade(payload["level"], _time(payload["at"]), entry.actor, reason, Clock.of(payload["clock"]))
    return _judged(request, payload).having(grades=(*request.grades, grade),
                   answers=payload.get("answers") or request.answers)


def _started(request: Request, entry: Entry, payload: Mapping[str, Any]) -> Request:
    at = _time(payload["at"])
    start = Start(at, payload["handler"], entry.recorded_at, payload["used_seconds"], payload["in_time"],
                  payload["late_reason"])
    return ended(request, at).having(start=start)


def _waiting(request: Request, entry: Entry, payload: Mapping[str, Any]) -> Request:
    wait = Wait(_time(payload["since"]), None, payload["cause"], entry.actor, payload["pauses"],
                payload["late_reason"])
    return _noted_as(request.having(waits=(*request.waits, wait)), entry, "waiting", payload["cause"])


def _resumed(request: Request, entry: Entry, payload: Mapping[str, Any]) -> Request:
    return _clocked(_noted_as(ended(request, _time(payload["at"])), entry, "resumed", ""), payload)


def _noted(request: Request, entry: Entry, payload: Mapping[str, Any]) -> Request:
    return _noted_as(request, entry, payload["kind"], payload["what"], payload["text"])


def _closed(request: Request, entry: Entry, payload: Mapping[str, Any]) -> Request:
    at = _time(payload["at"])
    return _noted_as(ended(request, at).having(closed_at=at), entry, "closed", "", payload["text"])


def _reopened(request: Request, entry: Entry, payload: Mapping[str, Any]) -> Request:
    return _noted_as(request.having(closed_at=None), entry, "reopened", payload["reason"])


def _corrected(request: Request, entry: Entry, payload: Mapping[str, Any]) -> Request:
    changes = dict(payload["changes"])
    if not changes.keys() <= {*vars(request), "started"}:
        raise KeyError("changes")
    if "received" in changes:
        received = changes["received"] = _time(changes["received"])
        request = request.having(grades=(replace(request.grades[0], at=received), *request.grades[1:]))
    if "channel" in changes:
        changes["channel"] = Channel(changes["channel"])
    started = changes.pop("started", None)
    if started and request.start:
        request = request.having(start=replace(request.start, at=_time(started)))
    request = _clocked(_judged(request.having(**changes), payload), payload)
    return _noted_as(request, entry, "correction", f"{', '.join(payload['changes'])}: {payload['reason']}")


def _reminded(request: Request, entry: Entry, payload: Mapping[str, Any]) -> Request:
    return request.having(reminded=request.reminded | {payload["percent"]})


def _spent(request: Request, entry: Entry, payload: Mapping[str, Any]) -> Request:
    one = Spent(payload["minutes"], date.fromisoformat(payload["day"]), entry.actor, payload["what"])
    return request.having(spent=(*request.spent, one))


def _cause(request: Request, entry: Entry, payload: Mapping[str, Any]) -> Request:
    return request.having(cause=Cause(payload["code"], payload["evidence"], entry.actor, entry.recorded_at))


def _told(request: Request, entry: Entry, payload: Mapping[str, Any]) -> Request:
    at = _time(payload["at"])
    told = request.having(told=Told(at, payload["sha256"]))
    return _noted_as(told, entry, "informed", f"of the cost, by {payload['how']}")


def _approved(request: Request, entry: Entry, payload: Mapping[str, Any]) -> Request:
    return request.having(approval=Approval(payload["sha256"], payload["signer"], payload["signature"],
                                              entry.recorded_at))


def _linked(request: Request, entry: Entry, payload: Mapping[str, Any]) -> Request:
    error = payload["error"]
    errors = tuple(one for one in request.errors if one != error) + ((error,) if payload["linked"] else ())
    what = error if payload["linked"] else f"not {error} after all"
    return _noted_as(request.having(errors=errors), entry, "error", what)


def reminder(id: str, percent: int) -> dict[str, Any]:
    """The payload of REMINDED: so much of the budget was used when somebody was told."""
    return {"id": id, "percent": percent}


def ended(request: Request, at: datetime) -> Request:
    """The request with the wait that lasts, if one does, ended at `at`."""
    wait = request.waiting
    return request if wait is None else request.having(waits=(*request.waits[:-1], replace(wait, until=at)))


def _clocked(request: Request, payload: Mapping[str, Any]) -> Request:
    """The clock of an entry that changed it without changing the level."""
    if not payload.get("clock"):
        return request
    last = replace(request.grades[-1], clock=Clock.of(payload["clock"]))
    return request.having(grades=(*request.grades[:-1], last))


def _judged(request: Request, payload: Mapping[str, Any]) -> Request:
    """The verdict of an entry that changed it after handling had started."""
    if request.start is None or "used_seconds" not in payload:
        return request
    return request.having(start=replace(request.start, used_seconds=payload["used_seconds"],
                                          in_time=payload["in_time"]))


def _noted_as(request: Request, entry: Entry, kind: str, what: str, text: str = "") -> Request:
    return request.having(notes=(*request.notes, Note(entry.recorded_at, entry.actor, kind, what, text)))


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


_STEPS: Mapping[str, Callable[[Request, Entry, Mapping[str, Any]], Request]] = {
    LEVEL: _level, STARTED: _started, WAITING: _waiting, RESUMED: _resumed, NOTED: _noted, CLOSED: _closed,
    CORRECTED: _corrected, REOPENED: _reopened, REMINDED: _reminded, SPENT: _spent, CAUSE: _cause, TOLD: _told,
    APPROVED: _approved, LINKED: _linked}
KINDS = frozenset({OPENED, *_STEPS})
"""The kinds of entries that make up the error log."""
