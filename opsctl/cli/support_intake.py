"""`opsctl support open`: a request is logged and its level found by the questions of P39-P42."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from opsctl.cli.result import Result
from opsctl.cli.workplace import Customer, profile, workplace
from opsctl.core.errors import UsageError
from opsctl.support.inputs import ZONE

if TYPE_CHECKING:
    from datetime import datetime

    from opsctl.support.intake import Answers
    from opsctl.support.mail import Mail
    from opsctl.support.people import Person



class ChannelOption(StrEnum):
    """By which way it came."""

    WEBSITE = "website"
    EMAIL = "email"
    CALL_CENTER = "call-center"
    MONITORING = "monitoring"
    OTHER = "other"


class OriginOption(StrEnum):
    """Who found it."""

    CUSTOMER = "customer"
    INTERNAL = "internal"


class AnswerOption(StrEnum):
    """To a question at intake."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


Error = Annotated[AnswerOption | None, typer.Option("--error", help="Is it an error, not a request for guidance?")]
Stops = Annotated[AnswerOption | None, typer.Option("--stops", help="Does it cause the system to stop?")]
DataLoss = Annotated[AnswerOption | None, typer.Option("--data-loss", help="Does it lead to a risk of data loss?")]
Important = Annotated[AnswerOption | None, typer.Option("--important", help="Do important functions not work?")]
Costly = Annotated[AnswerOption | None, typer.Option("--costly", help="Is it costly to bypass?")]
LateReason = Annotated[str, typer.Option("--late-reason", metavar="TEXT", help="Why it is noted down only now; needed "
                                         "for a time in the past.")]
About = Annotated[str | None, typer.Option("--about", metavar="WHAT", help="ready, a service of the contract, meters, "
                                           "communication or third-party.")]
System = Annotated[str | None, typer.Option("--system", metavar="NAME", help="Which system or module.")]
DuplicateOf = Annotated[str | None, typer.Option("--duplicate-of", metavar="ID", help="The request that came first.")]


def given_time(text: str | None, option: str) -> datetime | None:
    """An option's time; UsageError without a zone, or at an hour that does not exist or comes twice."""
    from opsctl.support.inputs import instant

    return None if text is None else instant(text, ZONE, option)


def answers_of(error: AnswerOption | None, stops: AnswerOption | None, data_loss: AnswerOption | None,
               important: AnswerOption | None, costly: AnswerOption | None) -> Answers:
    """The answers that options gave."""
    from opsctl.support.intake import Answer, Answers

    return Answers(*(Answer(one.value) if one else None for one in (error, stops, data_loss, important, costly)))


def open_request(
        customer: Customer,
        subject: Annotated[str | None, typer.Option("--subject", metavar="TEXT", help="One line: what it is.")] = None,
        reporter: Annotated[str | None, typer.Option("--reporter", metavar="NAME", help="Who reported it.")] = None,
        text: Annotated[str, typer.Option("--text", metavar="TEXT", help="What was said.")] = "",
        received: Annotated[str | None, typer.Option("--received", metavar="TIME", help="When it came, ISO 8601 with "
                                                     "zone; now by default.")] = None,
        channel: Annotated[ChannelOption | None, typer.Option("--channel", help="By which way it came.")] = None,
        origin: Annotated[OriginOption, typer.Option("--origin", help="internal: found by Kamstrup itself.")]
        = OriginOption.CUSTOMER,
        about: About = None, system: System = None,
        reference: Annotated[str, typer.Option("--reference", metavar="TEXT", help="The customer's own number.")] = "",
        error: Error = None, stops: Stops = None, data_loss: DataLoss = None, important: Important = None,
        costly: Costly = None,
        level: Annotated[str, typer.Option("--level", metavar="LEVEL", help="Set the level by hand, with its "
                                                                            "reason.")] = "",
        level_reason: Annotated[str, typer.Option("--level-reason", metavar="TEXT", help="Why that level.")] = "",
        duplicate_of: DuplicateOf = None, late_reason: LateReason = "",
        email: Annotated[Path | None, typer.Option("--email", metavar="FILE", help="Take reporter, subject, text and "
                                                   "receipt from an .eml file.")] = None) -> Result:
    """Log a request at any hour; asks at a terminal what the options leave open."""
    from opsctl.cli.support_log import shown
    from opsctl.support.log import writing
    from opsctl.support.request import Channel, Origin
    from opsctl.support.service import Report, contract_of
    from opsctl.support.service import open_request as record

    found = profile(customer)
    found_by_customer = origin is OriginOption.CUSTOMER
    mail = _mail(email)
    answers = answers_of(error, stops, data_loss, important, costly)
    report = Report(
        _person(reporter, subject, text, mail), given_time(received, "--received") or (mail.received if mail else None),
        Channel(channel.value if channel else "email" if mail else "other"), Origin(origin.value), about or "ready",
        system or "", reference or (mail.message_id if mail else ""), answers if level else _asked(answers), level,
        level_reason, duplicate_of or "", late_reason or (f"taken from the e-mail file {email.name}" if email else ""))
    with workplace(acts=True) as place:
        with writing(place, found.customer) as log:
            request = record(log, contract_of(place, found), report)
        return shown(place, request, "logged", "received" if found_by_customer else "")


def _mail(path: Path | None) -> Mail | None:
    from opsctl.support.mail import read

    return None if path is None else read(path)


def _person(reporter: str | None, subject: str | None, text: str, mail: Mail | None) -> Person:
    from opsctl.support.people import Person

    if mail is not None:
        reporter, subject, text = reporter or mail.sender, subject or mail.subject, text or mail.text
    return Person(reporter if reporter is not None else _line("Who reported it?", "--reporter"),
                  subject if subject is not None else _line("What is it, in one line?", "--subject"), text,
                  mail.attachments if mail else ())


def _asked(answers: Answers) -> Answers:
    """The answers with what is still open asked at the terminal; without one they stay as they are."""
    from dataclasses import replace

    from opsctl.support.intake import QUESTIONS, Answer

    while sys.stdin.isatty() and (name := answers.next_question()) is not None:
        said = typer.prompt(f"{QUESTIONS[name]} [yes/no/unknown]", err=True).strip().lower()
        full = next((answer for answer in Answer if said and answer.value.startswith(said)), None)
        if full is None:
            typer.echo("answer yes, no or unknown", err=True)
            continue
        answers = replace(answers, **{name: full})
    return answers


def _line(question: str, option: str) -> str:
    if not sys.stdin.isatty():
        raise UsageError(f"{option} is missing, and there is no terminal to ask on", f"give {option} TEXT")
    return str(typer.prompt(question, err=True))
