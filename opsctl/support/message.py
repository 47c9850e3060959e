"""The four messages of a request: received, level changed, handling started, closed (P37, P44, P45). Pure.

The customer is informed, not asked: no message wants an approval. No time to a solution is named: none is promised.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from opsctl.contract.levels import LEVELS
from opsctl.contract.services import PRODUCT
from opsctl.support.inputs import ZONE
from opsctl.support.request import Request


class Occasion(StrEnum):
    """What the customer is told of."""

    RECEIVED = "received"
    LEVEL = "level"
    STARTED = "started"
    CLOSED = "closed"


@dataclass(frozen=True)
class Channels:
    """How the customer reaches help; all three are named each time (P03)."""

    vendor: str
    website: str
    phone: str
    email: str


def occasion(request: Request) -> Occasion:
    """What the customer is to be told of now: the last thing that happened."""
    if request.closed_at is not None:
        return Occasion.CLOSED
    if request.start is not None and request.start.at >= request.grades[-1].at:
        return Occasion.STARTED
    return Occasion.LEVEL if len(request.grades) > 1 else Occasion.RECEIVED


def message(request: Request, subject: str, result: str, about: Occasion, channels: Channels) -> str:
    """The text, subject line first. result: what came of it, for a closed request."""
    level = LEVELS[request.level]
    lines = [f"Subject: {PRODUCT} request {request.id}: {_TITLES[about]}", "",
             f"Your request {request.id}" + (f" (your reference {request.reference})" if request.reference else "")
             + f": {subject}", f"Received: {_danish(request.received)}"]
    grade = f"Level {level.letter}, {level.title}: {level.definition}"
    if about is Occasion.LEVEL:
        lines.append(f"The level was changed from {request.grades[-2].level} to {level.letter}: "
                     f"{request.grades[-1].reason}")
    if about in {Occasion.RECEIVED, Occasion.LEVEL}:
        lines += [grade, *_until(request)]
    if about is Occasion.STARTED and request.start is not None:
        lines.append(f"We started handling it: {_danish(request.start.at)}")
    if about is Occasion.CLOSED and request.closed_at is not None:
        lines += [f"Closed: {_danish(request.closed_at)}", f"What came of it: {result}"]
    return "\n".join([*lines, "", f"{channels.vendor} service desk, reachable at any hour:", f"  {channels.website}",
                      f"  {channels.phone}", f"  {channels.email}",
                      "Support hours: Monday to Thursday 8-16, Friday 8-14.30, Danish time (CET/CEST)."])


_TITLES = {Occasion.RECEIVED: "received", Occasion.LEVEL: "level changed", Occasion.STARTED: "being handled",
           Occasion.CLOSED: "closed"}


def _until(request: Request) -> list[str]:
    if request.not_covered:
        return [f"Your contract does not cover it: {request.not_covered}."]
    if request.start is not None:
        return ["Handling has started already."]
    hours = LEVELS[request.level].working_hours
    late = request.clock.late_at_change
    return [f"We start handling it within {hours} working hours, at the latest {_danish(request.clock.target)}"
            + (", counted from the change of level." if late else ".")]


def _danish(moment: datetime) -> str:
    there = moment.astimezone(ZoneInfo(ZONE))
    return f"{there:%A %Y-%m-%d %H:%M} Danish time ({there:%Z})"
