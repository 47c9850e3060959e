"""What is late or near, and which reminders are due. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from opsctl.core.calendar import total, used_between
from opsctl.support.clock import version_at
from opsctl.support.model import CalendarVersion
from opsctl.support.request import Clock, Request, State, Urgency
from opsctl.support.timing import pauses_of

ORDER = (Urgency.LATE, Urgency.DUE, Urgency.NEAR, Urgency.HALF, Urgency.OPEN)
PERCENT = {Urgency.HALF: 50, Urgency.NEAR: 75, Urgency.DUE: 100, Urgency.LATE: 100}


@dataclass(frozen=True)
class Due:
    """One request that nobody has started. next_reminder: when the next share of the budget is used; None after all."""

    request: Request
    urgency: Urgency
    next_reminder: datetime | None


def due(requests: Iterable[Request], now: datetime, *, everything: bool = False) -> tuple[Due, ...]:
    """Requests that nobody has started, the gravest first, then by target; from half the budget on, or all of them."""
    found = [Due(request, request.urgency(now), _next(request.clock, now)) for request in requests
             if request.start is None and request.closed_at is None]
    wanted = [one for one in found if everything or one.urgency is not Urgency.OPEN]
    return tuple(sorted(wanted, key=lambda one: (ORDER.index(one.urgency), one.request.clock.target, one.request.id)))


def reminders(requests: Iterable[Request], now: datetime, versions: Sequence[CalendarVersion]) -> tuple[Due, ...]:
    """Those that reached a share of which nobody was reminded yet; none outside support hours, nor while they wait."""
    if not open_at(versions, now):
        return ()
    return tuple(one for one in due(requests, now) if one.request.state is not State.WAITING
                 and not any(percent >= PERCENT[one.urgency] for percent in one.request.reminded))


def open_at(versions: Sequence[CalendarVersion], now: datetime) -> bool:
    """Whether `now` lies in support hours."""
    working = version_at(versions, now).working
    return bool(used_between(working, now, now + timedelta(microseconds=1)))


def used(request: Request, versions: Sequence[CalendarVersion], now: datetime) -> timedelta:
    """The working time used from receipt to `now`, without the waits that stop the clock."""
    working = version_at(versions, request.received).working
    return total(used_between(working, request.received, max(now, request.received), pauses_of(request, now)))


def _next(clock: Clock, now: datetime) -> datetime | None:
    return next((at for at in (clock.half, clock.near, clock.last_in_time) if at > now), None)
