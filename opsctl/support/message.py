"""The four messages of a request: received, level changed, handling started, closed (P37, P44, P45). Pure.

The customer is informed, not asked: no message wants an approval. No time to a solution is named: none is promised.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from opsctl.contract.levels import LEVELS
from opsctl.support.request import Request


class Words(Protocol):
    """One language: the words of a key, with plurals, and an instant in Danish time."""

    def say(self, key: str, **values: object) -> str: ...

    def count(self, key: str, number: int, **values: object) -> str: ...

    def moment(self, instant: datetime) -> str: ...


class Occasion(StrEnum):
    """What the customer is told of."""

    RECEIVED = "received"
    LEVEL = "level"
    STARTED = "started"
    CLOSED = "closed"


@dataclass(frozen=True)
class Channels:
    """How the customer reaches help; all three are named each time (P03). hours: of support, in words."""

    vendor: str
    website: str
    phone: str
    email: str
    hours: str


@dataclass(frozen=True)
class Told:
    """What a message is about. subject: of the request. result: what came of it, for a closed one."""

    request: Request
    subject: str
    result: str
    about: Occasion


@dataclass(frozen=True)
class Message:
    """A message to the customer, in its language."""

    subject: str
    body: str

    @property
    def text(self) -> str:
        """Subject line first, as it is printed."""
        return f"Subject: {self.subject}\n\n{self.body}"


def occasion(request: Request) -> Occasion:
    """What the customer is to be told of now: the last thing that happened."""
    if request.closed_at is not None:
        return Occasion.CLOSED
    if request.start is not None and request.start.at >= request.grades[-1].at:
        return Occasion.STARTED
    return Occasion.LEVEL if len(request.grades) > 1 else Occasion.RECEIVED


def message(told: Told, words: Words, channels: Channels) -> Message:
    """The message in the language of `words`."""
    request, say = told.request, words.say
    key = "request.yours_reference" if request.reference else "request.yours"
    lines = [say(key, id=request.id, reference=request.reference, subject=told.subject),
             say("request.received", moment=words.moment(request.received)), *_news(told, words), "",
             say("request.desk", vendor=channels.vendor), f"  {channels.website}", f"  {channels.phone}",
             f"  {channels.email}", f"{say('help.hours')}: {channels.hours}"]
    return Message(say(f"request.subject.{told.about.value}", id=request.id), "\n".join(lines) + "\n")


def _news(told: Told, words: Words) -> Iterator[str]:
    request, about, say = told.request, told.about, words.say
    letter = request.level
    if about is Occasion.LEVEL:
        yield say("request.changed", before=request.grades[-2].level, letter=letter, reason=request.grades[-1].reason)
    if about in {Occasion.RECEIVED, Occasion.LEVEL}:
        yield say("request.level", letter=letter, title=say(f"levels.{letter}.title"),
                  definition=say(f"levels.{letter}.definition"))
        yield _until(request, words)
    if about is Occasion.STARTED and request.start is not None:
        yield say("request.started", moment=words.moment(request.start.at))
    if about is Occasion.CLOSED and request.closed_at is not None:
        yield say("request.closed", moment=words.moment(request.closed_at))
        yield say("request.result", result=told.result)


def _until(request: Request, words: Words) -> str:
    if request.not_covered:
        return words.say("request.not_covered", reason=request.not_covered)
    if request.start is not None:
        return words.say("request.handling")
    return words.say("request.until_change" if request.clock.late_at_change else "request.until",
                     hours=words.count("hours", LEVELS[request.level].working_hours),
                     moment=words.moment(request.clock.target))
