"""How requests are shown: rows of tables, the envelope's data, and one request in full."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from opsctl.cli.support_times import both, local, seconds
from opsctl.contract.levels import LEVELS
from opsctl.core.clock import iso
from opsctl.core.text import printable
from opsctl.support.inputs import ZONE

if TYPE_CHECKING:
    from opsctl.support.people import Person
    from opsctl.support.request import Clock, Request

SUBJECT = 40


def data(request: Request, person: Person | None, now: datetime) -> dict[str, Any]:
    """One request as it stands in the envelope; without `person` no text that may name people."""
    clock, start = request.clock, request.start
    row: dict[str, Any] = {
        "id": request.id, "customer": request.customer, "state": request.state.value, "level": request.level,
        "promise": LEVELS[request.level].promise, "verdict": request.word(now).value,
        "urgency": request.urgency(now).value if start is None and request.closed_at is None else None,
        "received": iso(request.received), "received_local": _iso(request.received), "recorded_at":
        iso(request.recorded_at), "recorded_by": request.by, "late_reason": request.late_reason,
        "channel": request.channel.value, "origin": request.origin.value, "about": request.about,
        "not_covered": request.not_covered, "system": request.system, "reference": request.reference,
        "duplicate_of": request.duplicate_of, "answers": dict(request.answers), "proposed_level": request.proposed,
        **clock_data(clock), "waiting_for": request.waiting.cause if request.waiting else None,
        "started": iso(start.at) if start else None, "used_seconds": start.used_seconds if start else None,
        "in_time": start.in_time if start else None, "closed": iso(request.closed_at) if request.closed_at else None,
        "minutes": request.minutes, "cause": request.cause.code if request.cause else "",
        "errors": list(request.errors)}
    if person is not None:
        row |= {"reporter": person.reporter, "subject": person.subject}
    return row


def clock_data(clock: Clock) -> dict[str, Any]:
    """The recorded clock, with the names that `support deadline` uses."""
    return {"calendar": clock.calendar, "calendar_version": clock.version, "calendar_digest": clock.digest,
            "budget_seconds": clock.budget_seconds, "deadline": _iso(clock.deadline), "deadline_utc":
            iso(clock.deadline), "last_in_time_instant": _iso(clock.last_in_time), "deadline_without_pause":
            _iso(clock.without_pause), "deadline_from_change": _iso(clock.from_change) if clock.from_change else None,
            "late_at_change": clock.late_at_change}


def cells(request: Request, person: Person, now: datetime) -> tuple[str, ...]:
    """One row of `support list`."""
    subject = printable(person.subject)
    received = request.received.replace(microsecond=0)
    return (request.id, request.level, request.state.value, request.word(now).value, local(received, ZONE),
            local(request.clock.target, ZONE), subject if len(subject) <= SUBJECT else f"{subject[:SUBJECT - 1]}…")


HEADINGS = ("id", "level", "state", "verdict", "received", "start until", "subject")


def full(request: Request, person: Person, names: dict[str, str], now: datetime) -> str:
    """One request with everything on record. names: texts by their references."""
    clock = request.clock
    lines = [f"{request.id}: {request.state.value}, verdict {request.word(now).value}",
             f"  subject      {printable(person.subject)}", f"  reporter     {printable(person.reporter)}",
             f"  received     {both(request.received, ZONE)} by {request.channel.value}, from {request.origin.value}",
             f"  recorded     {both(request.recorded_at, ZONE)} by {request.by}"
             + (f": {request.late_reason}" if request.late_reason else ""),
             f"  level        {request.level}, {LEVELS[request.level].title} ({LEVELS[request.level].promise})",
             f"  deadline     {both(clock.deadline, ZONE)}, calendar {clock.calendar} version {clock.version}"]
    if request.not_covered:
        lines.append(f"  not covered  {request.not_covered}")
    if clock.last_in_time != clock.deadline:
        lines.append(f"  last in time {both(clock.last_in_time, ZONE)}")
    if clock.late_at_change and clock.from_change:
        lines.append(f"  target       {both(clock.from_change, ZONE)}, from the change of level, which came late")
    for name, value in (("about", request.about), ("system", request.system), ("reference", request.reference),
                        ("duplicate of", request.duplicate_of), ("error", ", ".join(request.errors)),
                        ("answers", ", ".join(f"{key} {value}" for key, value in request.answers.items()))):
        lines += [f"  {name:12} {value}"] if value else []
    lines += [f"  attachment   {printable(one['name'])} ({one['type']}, {one['bytes']} bytes)"
              for one in person.attachments]
    lines += ["", *history(request, names)]
    if person.text:
        lines += ["", *(f"  | {printable(one)}" for one in person.text.splitlines())]
    return "\n".join(lines)


def history(request: Request, names: dict[str, str]) -> list[str]:
    """What happened, in the order in which it happened."""
    events = [(grade.at, f"level {grade.level} by {grade.by}: {grade.reason}; deadline "
                         f"{both(grade.clock.deadline, ZONE)}") for grade in request.grades]
    if request.start:
        start = request.start
        judged = "in time" if start.in_time else "late"
        noted = f"; noted {both(start.recorded_at, ZONE)}: {start.late_reason}" if start.late_reason else ""
        used = f"{seconds(start.used_seconds)} of {seconds(request.clock.budget_seconds)} used"
        name = names.get(start.handler, "(erased)")
        events.append((start.at, f"handling started by {name}, {judged}: {used}{noted}"))
    for wait in request.waits:
        events.append((wait.since, f"waiting for {wait.cause}; the clock {'stops' if wait.pauses else 'runs on'}"
                                   + (f"; noted later: {wait.late_reason}" if wait.late_reason else "")))
        events += [(wait.until, "waiting ended")] if wait.until else []
    for note in request.notes:
        if note.kind not in {"waiting", "resumed"}:
            words = ": ".join(part for part in (note.what, printable(names.get(note.text, "(erased)"))
                                                if note.text else "") if part)
            events.append((note.at, f"{note.kind} by {note.by}{': ' if words else ''}{words}"))
    events += [(request.cause.at, f"cause {request.cause.code} by {request.cause.by}: "
                                  f"{request.cause.evidence or 'no evidence'}")] if request.cause else []
    return [f"  {local(at.replace(microsecond=0), ZONE)}  {printable(words)}"
            for at, words in sorted(events, key=lambda one: one[0])]


def _iso(moment: datetime) -> str:
    from zoneinfo import ZoneInfo

    return moment.astimezone(ZoneInfo(ZONE)).isoformat()
