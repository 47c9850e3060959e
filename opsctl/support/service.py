"""Logging requests: open, level, note, close, correct, reopen. Each is one entry of the ledger (P34-P37, P44)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from opsctl.contract.levels import LEVELS
from opsctl.contract.records import facts
from opsctl.core.clock import iso
from opsctl.core.errors import UsageError
from opsctl.profiles.model import Profile
from opsctl.runs.service import events_of, terms_known
from opsctl.runs.workplace import Workplace
from opsctl.support import coverage, fold, timing
from opsctl.support.inputs import level as known_level
from opsctl.support.intake import UNASKED, Answers, propose
from opsctl.support.log import Log, block, line, moment
from opsctl.support.model import LevelChange
from opsctl.support.people import Person
from opsctl.support.request import Channel, Clock, Origin, Request

Contract = Callable[[str, datetime], str]
"""From what a request is about and when it was received to why the contract does not cover it; empty when it does."""


@dataclass(frozen=True)
class Report:
    """What somebody reports. level: set by hand; then level_reason says why, where the answers give another one."""

    person: Person
    received: datetime | None = None
    channel: Channel = Channel.OTHER
    origin: Origin = Origin.CUSTOMER
    about: str = coverage.READY
    system: str = ""
    reference: str = ""
    answers: Answers = UNASKED
    level: str = ""
    level_reason: str = ""
    duplicate_of: str = ""
    late_reason: str = ""


def contract_of(place: Workplace, profile: Profile) -> Contract:
    """The customer's contract as the log asks it; records of the ledger are read once."""
    known = facts(events_of(place.ledger, profile.customer))
    return lambda about, at: coverage.not_covered(terms_known(profile, at, known), about, at)


def open_request(log: Log, contract: Contract, report: Report) -> Request:
    """Log a request and set its level and deadline. UsageError for what cannot be meant; nothing is recorded then."""
    received = moment(log.place, report.received, "--received", report.late_reason)
    letter, proposed, why = graded(report)
    if report.duplicate_of:
        log.find(report.duplicate_of)
    reference = line(report.reference, "the reference", needed=False)
    same = next((one.id for one in log.requests.values() if reference and one.reference == reference), "")
    if same:
        raise UsageError(f"the reference {reference!r} is on record as {same}", f"see `opsctl support show {same}`")
    person = Person(line(report.person.reporter, "the reporter (--reporter)"),
                    line(report.person.subject, "the subject (--subject)"), block(report.person.text, "the text"),
                    report.person.attachments)
    system = line(report.system, "the system", needed=False)
    id = f"{log.customer}-{len(log.requests) + 1}"
    payload = {
        "id": id, "received": iso(received), "channel": report.channel, "origin": report.origin, "system": system,
        "reference": reference, "about": report.about, "not_covered": contract(report.about, received),
        "answers": report.answers.data(), "proposed": proposed, "level": letter, "level_reason": why,
        "duplicate_of": report.duplicate_of, "late_reason": report.late_reason,
        "clock": timing.first_clock(letter, received, log.versions()).payload()}
    # The names are kept last: what is refused leaves no personal data behind.
    log.append(fold.OPENED, payload | {"person": log.keep(person.stored())})
    return log.find(id)


def graded(report: Report) -> tuple[str, str, str]:
    """The level, the one that the answers propose, and why; UsageError when it is neither answered nor set."""
    complete = report.answers.next_question() is None
    proposed, why = propose(report.answers) if complete or not report.level else ("", "")
    if not report.level or report.level == proposed:
        return proposed, proposed, why
    return known_level(report.level).letter, proposed, line(
        report.level_reason, f"why it is level {report.level} (--level-reason)")


def set_level(log: Log, id: str, letter: str, reason: str, *, at: datetime | None = None, answers: Answers = UNASKED,
              late_reason: str = "") -> Request:
    """Set another level: the deadline is counted anew from receipt, and the history is kept (P44)."""
    request = _open_one(log, id)
    level = known_level(letter)
    if level.letter == request.level:
        raise UsageError(f"{id} has level {letter} already", f"see `opsctl support show {id}`")
    when = moment(log.place, at, "--when", late_reason, earliest=request.received)
    versions = log.versions(request.clock.calendar)
    found = timing.computed(request, versions, change=LevelChange(level, when))
    clock = timing.clock_of(found, timing.pauses_of(request, when))
    payload: dict[str, Any] = {"id": id, "level": letter, "at": iso(when), "answers": answers.data(),
                               "reason": line(reason, "the reason (--reason)"), "late_reason": late_reason}
    if request.start is not None:
        # Handling has begun: the change gives no new target, it changes what the start is measured by.
        clock = replace(clock, late_at_change=False, from_change=None)
        payload |= judgement(log, request, request.start.at, level=letter)
    log.append(fold.LEVEL, payload | {"clock": clock.payload()})
    return log.find(id)


def judgement(log: Log, request: Request, handled: datetime, *, level: str = "",
              received: datetime | None = None) -> dict[str, Any]:
    """The verdict as an entry holds it, with the calendar's version and hash."""
    now = max(log.place.clock.now(), handled)
    found = timing.judged(request, handled, log.versions(request.clock.calendar), now, level=level, received=received)
    version = found.deadline.calendar
    return {"used_seconds": found.used.total_seconds(), "in_time": found.in_time, "calendar": version.working.name,
            "version": version.number, "digest": version.digest}


def note(log: Log, id: str, text: str, *, kind: str = "note", what: str = "") -> Request:
    """Add a note, an answer to the customer (P36), or that the customer was informed (P45)."""
    log.find(id)
    log.append(fold.NOTED, {"id": id, "kind": kind, "what": line(what, "what it was", needed=False),
                            "text": log.keep(block(text, "the text", needed=not what))})
    return log.find(id)


def close(log: Log, id: str, text: str, *, at: datetime | None = None, late_reason: str = "") -> Request:
    """Close a request whose handling has started, with what came of it."""
    request = _open_one(log, id)
    if request.start is None:
        raise UsageError(f"{id} cannot be closed: nobody has started handling it",
                         f"record who started and when with `opsctl support start {id}`, then close it")
    when = moment(log.place, at, "--when", late_reason, earliest=request.start.at)
    wait = request.waiting
    last = max(request.start.at, wait.since) if wait else request.start.at
    if when < last:
        raise UsageError(f"{id} cannot be closed at {iso(when)}, before {iso(last)}, when handling or waiting began",
                         "correct --when")
    log.append(fold.CLOSED, {"id": id, "at": iso(when), "late_reason": late_reason,
                             "text": log.keep(block(text, "what came of it", needed=True))})
    return log.find(id)


def reopen(log: Log, id: str, reason: str) -> Request:
    """Open a closed request again; its first start of handling stands."""
    if log.find(id).closed_at is None:
        raise UsageError(f"{id} is not closed", f"see `opsctl support show {id}`")
    log.append(fold.REOPENED, {"id": id, "reason": line(reason, "the reason (--reason)")})
    return log.find(id)


@dataclass(frozen=True)
class Correction:
    """What was wrong; None for what stays. Times in UTC."""

    received: datetime | None = None
    started: datetime | None = None
    channel: Channel | None = None
    about: str | None = None
    system: str | None = None
    duplicate_of: str | None = None
    person: Person | None = None


def correct(log: Log, contract: Contract, id: str, correction: Correction, reason: str) -> Request:
    """A correction as a new entry; deadline and verdict are counted anew where a time was wrong."""
    request = log.find(id)
    changes = _changes(log, contract, request, correction)
    if not changes:
        raise UsageError("there is nothing to correct", "name what was wrong, for example --received TIME")
    payload: dict[str, Any] = {"id": id, "reason": line(reason, "the reason (--reason)")}
    if correction.received:
        payload["clock"] = _clock_from(log, request, correction.received).payload()
    handled = correction.started or (request.start.at if request.start else None)
    if handled and (correction.received or correction.started):
        payload |= judgement(log, request, handled, received=correction.received)
    if correction.person:
        changes["person"] = log.keep(correction.person.stored())
    log.append(fold.CORRECTED, payload | {"changes": changes})
    return log.find(id)


def _clock_from(log: Log, request: Request, received: datetime) -> Clock:
    versions = log.versions(request.clock.calendar)
    clock = timing.clock_of(timing.computed(request, versions, received=received), timing.pauses_of(request))
    return clock if request.start is None else replace(clock, late_at_change=False, from_change=None)


def _changes(log: Log, contract: Contract, request: Request, correction: Correction) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    for name, option in (("received", "--received"), ("started", "--started")):
        at = getattr(correction, name)
        if at is not None:
            changes[name] = iso(moment(log.place, at, option, "a correction"))
    if correction.started and request.start is None:
        raise UsageError(f"{request.id}: handling has not started, so its time cannot be corrected",
                         f"use `opsctl support start {request.id}`")
    if correction.channel:
        changes["channel"] = correction.channel.value
    if correction.system is not None:
        changes["system"] = line(correction.system, "the system", needed=False)
    if correction.duplicate_of is not None:
        changes["duplicate_of"] = _original(log, request.id, correction.duplicate_of)
    if correction.about or correction.received:
        about = correction.about or request.about
        changes |= {"about": about, "not_covered": contract(about, correction.received or request.received)}
    if correction.person:
        changes["person"] = ""
    return changes


def _original(log: Log, id: str, other: str) -> str:
    if other:
        first = log.find(other)
        if id in {other, first.duplicate_of}:
            raise UsageError(f"{id} cannot be a duplicate of {other}", "name the request that came first")
    return other


def _open_one(log: Log, id: str) -> Request:
    request = log.find(id)
    if request.closed_at is not None:
        raise UsageError(f"{id} was closed at {iso(request.closed_at)}",
                         f"reopen it first: `opsctl support reopen {id} --reason TEXT`")
    return request


def level_title(letter: str) -> str:
    """`A, Critical error`."""
    return f"{letter}, {LEVELS[letter].title}"
