"""Writing to the error log under `opsctl support`: level, start, wait, resume, note, error, close,
reopen, correct."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from opsctl.cli.result import Result
from opsctl.cli.support_intake import (
    About,
    ChannelOption,
    Costly,
    DataLoss,
    DuplicateOf,
    Error,
    Important,
    LateReason,
    Stops,
    System,
    answers_of,
    given_time,
)
from opsctl.cli.workplace import workplace
from opsctl.core.errors import UsageError
from opsctl.support.inputs import ZONE

if TYPE_CHECKING:
    from opsctl.runs.workplace import Workplace
    from opsctl.support.log import Log
    from opsctl.support.people import Person
    from opsctl.support.request import Request

Id = Annotated[str, typer.Argument(metavar="ID", help="A request's id, see `opsctl support list`.")]
When = Annotated[str | None, typer.Option("--when", metavar="TIME", help="When it was, ISO 8601 with zone; now by "
                                                                         "default.")]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it stays on record.")]


def changed(id: str, act: Callable[[Log], Request], verb: str, tell: str = "") -> Result:
    """Change one request within its customer's log, and show where it stands then.

    tell: what the customer is to be told of; then its text follows.
    """
    from opsctl.support.log import customer_of, found, read, writing

    customer = customer_of(id)
    with workplace(acts=True) as place:
        # An id that does not exist must not make a log for a customer that does not exist.
        found(read(place, [customer]), id)
        with writing(place, customer) as log:
            request = act(log)
        return shown(place, request, verb, tell)


def shown(place: Workplace, request: Request, verb: str, tell: str = "") -> Result:
    """What a command says after it: the level, the deadline or verdict, and what the customer is told next."""
    from opsctl.cli.support_times import both
    from opsctl.cli.support_view import data
    from opsctl.support.log import persons

    now = place.clock.now()
    row = data(request, persons(place, [request])[request.id], now)
    lines = [f"{request.id} {verb}", f"level     {request.level}: {request.grades[-1].reason}"]
    if request.start is None:
        lines.append(f"deadline  {both(request.clock.deadline, ZONE)}: a person must have started by then")
        if request.clock.last_in_time != request.clock.deadline:
            lines.append(f"          in time until {both(request.clock.last_in_time, ZONE)}, the next opening")
        if request.clock.late_at_change:
            lines.append(f"target    {both(request.clock.target, ZONE)}: late at reclassification")
    else:
        lines.append(f"started   {both(request.start.at, ZONE)}; verdict {request.word(now).value}")
    uncovered = f"{request.id} is logged, and not covered: {request.not_covered}"
    warnings: tuple[str, ...] = (uncovered,) if request.not_covered else ()
    if tell:
        words, problem = _message(place, request, tell)
        row["message"] = words
        quoted = [f"  {part}".rstrip() for part in words.splitlines()]
        lines += ["", "To tell the customer:", "", *quoted] if words else []
        warnings += (problem,) if problem else ()
    return Result(row, "\n".join(lines), warnings=warnings)


def _message(place: Workplace, request: Request, tell: str) -> tuple[str, str]:
    """The text for the customer, or why there is none: what was recorded stays recorded."""
    from opsctl.cli.support_message import text
    from opsctl.core.errors import OpsctlError
    from opsctl.support.message import Occasion

    try:
        return text(place, request, Occasion(tell)), ""
    except OpsctlError as error:
        return "", f"no text for the customer could be written: {error.message}"


def level(id: Id, letter: Annotated[str, typer.Option("--level", metavar="LEVEL", help="A, B, C or D.")],
          reason: Reason, when: When = None, error: Error = None, stops: Stops = None, data_loss: DataLoss = None,
          important: Important = None, costly: Costly = None, late_reason: LateReason = "") -> Result:
    """Set another level; the deadline is counted anew from receipt, and the history stays."""
    from opsctl.support.service import set_level

    answers = answers_of(error, stops, data_loss, important, costly)
    return changed(id, lambda log: set_level(log, id, letter, reason, at=given_time(when, "--when"), answers=answers,
                                             late_reason=late_reason), f"has level {letter} now", "level")


def start(id: Id, by: Annotated[str, typer.Option("--by", metavar="NAME", help="The person who handles it, by name.")],
          when: When = None, late_reason: LateReason = "") -> Result:
    """Record that a person has started handling; the clock stops, and the verdict is recorded."""
    from opsctl.support.handling import start as record

    return changed(id, lambda log: record(log, id, by, at=given_time(when, "--when"), late_reason=late_reason),
                   "is being handled", "started")


def wait(id: Id, cause: Annotated[str, typer.Option("--for", metavar="WHAT", help="customer, access or third-party.")],
         when: When = None, late_reason: LateReason = "") -> Result:
    """Record that it waits; the clock runs on, unless the policy lets a customer's cause stop it."""
    from opsctl.support.handling import wait as record

    return changed(id, lambda log: record(log, id, cause, at=given_time(when, "--when"), late_reason=late_reason),
                   f"waits for {cause}")


def resume(id: Id, when: When = None, late_reason: LateReason = "") -> Result:
    """Record that waiting has ended."""
    from opsctl.support.handling import resume as record

    return changed(id, lambda log: record(log, id, at=given_time(when, "--when"), late_reason=late_reason), "goes on")


def note(id: Id, text: Annotated[str, typer.Argument(metavar="TEXT", help="What to note.")],
         answer: Annotated[bool, typer.Option("--answer", help="It is an answer that was given to the customer.")]
         = False, informed: Annotated[bool, typer.Option("--informed", help="It says how the customer was informed.")]
         = False) -> Result:
    """Add a note; with --answer what the customer was answered, with --informed that it was told."""
    from opsctl.support.service import note as record

    if answer and informed:
        raise UsageError("a note is either an answer or word that the customer was informed", "give one of them")
    kind = "answer" if answer else "informed" if informed else "note"
    return changed(id, lambda log: record(log, id, text, kind=kind), "noted")


def close(id: Id, text: Annotated[str, typer.Argument(metavar="TEXT", help="What came of it.")], when: When = None,
          late_reason: LateReason = "") -> Result:
    """Close a request, with what came of it; handling must have started."""
    from opsctl.support.service import close as record

    return changed(id, lambda log: record(log, id, text, at=given_time(when, "--when"), late_reason=late_reason),
                   "closed", "closed")


def reopen(id: Id, reason: Reason) -> Result:
    """Open a closed request again; the verdict on its start stays."""
    from opsctl.support.service import reopen as record

    return changed(id, lambda log: record(log, id, reason), "reopened")


def link_error(id: Id, name: Annotated[str, typer.Argument(metavar="ERROR", help="The error's id in release files, "
                                                                               "such as ERR-1042.")],
               remove: Annotated[bool, typer.Option("--remove", help="It is not about this error after all.")] = False,
               ) -> Result:
    """Record which error a request is about; release notices then say "Reported by you" to this customer alone."""
    from opsctl.support.linking import link, unlink

    act, verb = (unlink, f"is not about {name} any more") if remove else (link, f"is about {name}")
    return changed(id, lambda log: act(log, id, name), verb)


def correct(id: Id, reason: Reason,
            received: Annotated[str | None, typer.Option("--received", metavar="TIME", help="The right time.")] = None,
            started: Annotated[str | None, typer.Option("--started", metavar="TIME", help="The right time.")] = None,
            channel: Annotated[ChannelOption | None, typer.Option("--channel", help="The right channel.")] = None,
            about: About = None, system: System = None, duplicate_of: DuplicateOf = None,
            subject: Annotated[str | None, typer.Option("--subject", metavar="TEXT", help="The right subject.")] = None,
            reporter: Annotated[str | None, typer.Option("--reporter", metavar="NAME", help="The right reporter.")]
            = None) -> Result:
    """Correct what was recorded, as a new entry; what stood before stays in the ledger."""
    from opsctl.cli.workplace import profile
    from opsctl.support.log import customer_of
    from opsctl.support.request import Channel
    from opsctl.support.service import Correction, contract_of
    from opsctl.support.service import correct as record

    found = profile(customer_of(id))

    def act(log: Log) -> Request:
        correction = Correction(given_time(received, "--received"), given_time(started, "--started"),
                                Channel(channel.value) if channel else None, about, system, duplicate_of,
                                _person(log, id, reporter, subject))
        return record(log, contract_of(log.place, found), id, correction, reason)

    return changed(id, act, "corrected")


def _person(log: Log, id: str, reporter: str | None, subject: str | None) -> Person | None:
    from opsctl.support.log import line, persons
    from opsctl.support.people import Person

    if reporter is None and subject is None:
        return None
    known = persons(log.place, [log.find(id)])[id]
    return Person(known.reporter if reporter is None else line(reporter, "--reporter"),
                  known.subject if subject is None else line(subject, "--subject"), known.text, known.attachments)
