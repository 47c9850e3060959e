"""The start of handling, and waiting for the customer: what the levels' clock depends on (P43, P48)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from opsctl.core.clock import iso
from opsctl.core.errors import UsageError
from opsctl.support import fold, timing
from opsctl.support.log import Log, line, moment
from opsctl.support.request import Request
from opsctl.support.service import judgement

WAITS: Mapping[str, bool] = {"customer": True, "access": True, "third-party": False}
"""What is waited for, and whether the customer causes it (P48: access is the customer's): only that stops a clock."""


def start(log: Log, id: str, handler: str, *, at: datetime | None = None, late_reason: str = "") -> Request:
    """A person, by name, started handling: the clock stops and the verdict is recorded (P43).

    UsageError when somebody had started already, or at a time that cannot be.
    """
    request = log.find(id)
    if request.start is not None:
        raise UsageError(f"handling of {id} was started at {iso(request.start.at)} already",
                         f"see `opsctl support show {id}`; a wrong time is mended with `opsctl support correct {id}`")
    when = moment(log.place, at, "--when", late_reason, earliest=request.received)
    wait = request.waiting
    if wait is not None and when < wait.since:
        raise UsageError(f"{id} waits since {iso(wait.since)}, after {iso(when)}", "correct --when")
    # The name is kept last: what is refused leaves no personal data behind.
    payload = {"id": id, "at": iso(when), "late_reason": late_reason, **judgement(log, request, when)}
    log.append(fold.STARTED, payload | {"handler": log.keep(line(handler, "the handler's name (--by)"))})
    return log.find(id)


def wait(log: Log, id: str, cause: str, *, at: datetime | None = None, late_reason: str = "") -> Request:
    """Waiting begins. It stops the clock only where the policy says so, the customer causes it, and nobody started."""
    request = log.find(id)
    if cause not in WAITS:
        raise UsageError(f"--for {cause!r} is not known", "one waits for " + ", ".join(WAITS))
    if request.closed_at is not None or request.waiting is not None:
        what = "is closed" if request.closed_at else "waits already"
        raise UsageError(f"{id} {what}", f"see `opsctl support show {id}`")
    before = [one.until for one in request.waits if one.until]
    earliest = max([request.received, *before])
    since = moment(log.place, at, "--when", late_reason, earliest=earliest)
    if since < earliest:
        raise UsageError(f"{id}: waiting cannot begin at {iso(since)}, before {iso(earliest)}, when it was received or "
                         "an earlier wait ended", "correct --when")
    pauses = log.place.settings.policy.support.pause and WAITS[cause] and request.start is None
    log.append(fold.WAITING, {"id": id, "since": iso(since), "cause": cause, "pauses": pauses,
                              "late_reason": late_reason})
    return log.find(id)


def resume(log: Log, id: str, *, at: datetime | None = None, late_reason: str = "") -> Request:
    """Waiting ends; a clock that it had stopped runs on with a new deadline."""
    request = log.find(id)
    waiting = request.waiting
    if waiting is None:
        raise UsageError(f"{id} does not wait", f"see `opsctl support show {id}`")
    until = moment(log.place, at, "--when", late_reason, earliest=waiting.since)
    if until < waiting.since:
        raise UsageError(f"{id} waits since {iso(waiting.since)}, so it cannot go on at {iso(until)}", "correct --when")
    payload: dict[str, Any] = {"id": id, "at": iso(until), "late_reason": late_reason}
    if waiting.pauses and request.start is None:
        ended = fold.ended(request, until)
        versions = log.versions(request.clock.calendar)
        payload["clock"] = timing.clock_of(timing.computed(ended, versions), timing.pauses_of(ended)).payload()
    log.append(fold.RESUMED, payload)
    return log.find(id)
