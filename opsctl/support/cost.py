"""Cause and cost (P54): what caused a request, the time spent, and when it may be invoiced.

Invoicing is a right, not a duty: nothing is billable by default, nor while the cause is unknown. It takes evidence that
a third party or the customer caused it, the customer told first, and the signature of a second person.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from opsctl.adapters import signatures
from opsctl.core.clock import iso, local_day
from opsctl.core.errors import ApprovalMissing, ConfigurationError, UsageError
from opsctl.runs.approval import allowed_signers, same_person
from opsctl.runs.workplace import Workplace
from opsctl.support import fold
from opsctl.support.inputs import ZONE
from opsctl.support.log import Log, line, moment
from opsctl.support.request import Request

NAMESPACE = "opsctl-support"
CAUSES: Mapping[str, bool] = {"unknown": False, "kamstrup": False, "ready": False, "customer": True,
                              "third-party": True, "waiting-for-access": False}
"""The causes, and whether P54 lets Kamstrup invoice for one."""
MOST = 24 * 60


def spend(log: Log, id: str, minutes: int, what: str, day: date | None = None) -> Request:
    """Note time spent. UsageError for a day to come or before receipt, and for more than a day has."""
    request = log.find(id)
    today, first = local_day(log.place.clock.now(), ZONE), local_day(request.received, ZONE)
    day = day or today
    if not first <= day <= today:
        raise UsageError(f"--day {day} lies outside {first}, the day of receipt, and {today}, today", "correct --day")
    there = sum(one.minutes for one in request.spent if one.day == day and one.by == log.place.actor)
    if minutes == 0 or there + minutes > MOST or there + minutes < 0:
        raise UsageError(f"{there} minutes of {log.place.actor} on {day} and {minutes} more cannot be",
                         "give minutes of work; a negative number takes back what was noted wrongly")
    log.append(fold.SPENT, {"id": id, "minutes": minutes, "day": day.isoformat(),
                            "what": line(what, "what was done")})
    return log.find(id)


def set_cause(log: Log, id: str, code: str, evidence: str = "") -> Request:
    """Record what caused it and what shows that; an approval that was given for another cause is void."""
    log.find(id)
    if code not in CAUSES:
        raise UsageError(f"there is no cause {code!r}", "the causes are " + ", ".join(CAUSES))
    log.append(fold.CAUSE, {"id": id, "code": code, "evidence": line(evidence, "the evidence", needed=False)})
    return log.find(id)


def tell(log: Log, id: str, how: str, *, at: datetime | None = None, late_reason: str = "") -> Request:
    """Record that the customer was told of the cost, before the invoice. UsageError while there is nothing to tell."""
    request = log.find(id)
    open_points = _unfounded(request)
    if open_points:
        raise UsageError(f"{id}: there is no cost to tell of yet: {'; '.join(open_points)}",
                         f"see `opsctl support show {id}`")
    when = moment(log.place, at, "--when", late_reason, earliest=request.received)
    log.append(fold.TOLD, {"id": id, "at": iso(when), "how": line(how, "how (--how)"), "late_reason": late_reason,
                           "sha256": digest(request)})
    return log.find(id)


def approve(log: Log, id: str, key: Path) -> Request:
    """Sign that the time may be invoiced. ApprovalMissing while something is open, or for who noted it down."""
    request = log.find(id)
    open_points = [*_unfounded(request), *_untold(request)]
    if open_points:
        raise ApprovalMissing(f"{id} may not be invoiced: {'; '.join(open_points)}",
                              f"see `opsctl support show {id}`; nothing was signed")
    allowed = allowed_signers(log.place)
    signatures.require_readable(allowed)
    signature = signatures.sign(statement(request), key, NAMESPACE)
    names = _signers(request, signature, allowed)
    _require_another(request, names)
    log.append(fold.APPROVED, {"id": id, "sha256": digest(request), "signer": names[0], "signature": signature})
    return log.find(id)


def missing(request: Request) -> list[str]:
    """What keeps the time from being invoiced, by what is on record; empty when nothing does."""
    points = [*_unfounded(request), *_untold(request)]
    if request.approval is None:
        points.append("no second person has signed")
    elif request.approval.sha256 != digest(request):
        points.append("time or cause changed since a second person signed")
    return points


def _unfounded(request: Request) -> list[str]:
    cause = request.cause
    points = []
    if cause is None or not CAUSES.get(cause.code, False):
        points.append(f"the cause is {cause.code if cause else 'unknown'} (P54: a third party or the customer)")
    elif not cause.evidence:
        points.append("there is no evidence of the cause")
    return points if request.minutes > 0 else [*points, "no time is noted"]


def _untold(request: Request) -> list[str]:
    if request.told is None:
        return ["the customer was not told"]
    return [] if request.told.sha256 == digest(request) else ["time or cause changed since the customer was told"]


def billable(place: Workplace, request: Request) -> tuple[bool, str]:
    """Whether the time may be invoiced, and why not; the signature is verified against today's allowed signers."""
    points = missing(request)
    if points or request.approval is None:
        return False, "; ".join(points)
    try:
        _require_another(request, _signers(request, request.approval.signature, allowed_signers(place)))
    except (ApprovalMissing, ConfigurationError) as error:
        return False, error.message
    return True, ""


def statement(request: Request) -> bytes:
    """What is signed: the hash of cause, evidence and every time entry, and a line feed."""
    return f"{digest(request)}\n".encode("ascii")


def digest(request: Request) -> str:
    """SHA-256, hexadecimal, of what an invoice would rest on."""
    cause = request.cause
    content = {"id": request.id, "cause": cause.code if cause else "", "evidence": cause.evidence if cause else "",
               "spent": [[one.day.isoformat(), one.minutes, one.by, one.what] for one in request.spent]}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _signers(request: Request, signature: str, allowed: Path) -> tuple[str, ...]:
    with TemporaryDirectory(prefix="opsctl-") as folder:
        return signatures.signers(statement(request), signature, allowed, NAMESPACE, Path(folder))


def _require_another(request: Request, names: tuple[str, ...]) -> None:
    noted = {one.by for one in request.spent} | ({request.cause.by} if request.cause else set())
    own = [person for person in sorted(noted) if same_person(names, person)]
    if own:
        raise ApprovalMissing(f"{request.id}: {own[0]} noted the time or the cause, and signed; a second person is "
                              "asked for (P54)", "let somebody else approve with their own key")
