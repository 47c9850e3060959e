"""`opsctl support explain`: a request's clock, computed before the reader's eyes and compared with the record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsctl.cli.result import Result
from opsctl.cli.support import verdict_lines
from opsctl.cli.support_view import clock_data, data
from opsctl.contract.levels import LEVELS

if TYPE_CHECKING:
    from opsctl.runs.workplace import Workplace
    from opsctl.support.request import Request


def explained(place: Workplace, request: Request) -> Result:
    """Every counted interval; a warning when the calendar of today gives something else than was recorded."""
    from opsctl.support import calendars, timing
    from opsctl.support.log import persons

    now = place.clock.now()
    versions = calendars.load(request.clock.calendar)
    found = timing.computed(request, versions)
    handled = request.start.at if request.start else None
    judged = timing.judged(request, handled, versions, max(now, handled)) if handled else None
    lines, extra = verdict_lines(found, judged)
    warnings = []
    recorded = (request.clock.deadline, request.clock.version, request.clock.digest)
    if recorded != (found.deadline, found.calendar.number, found.calendar.digest):
        warnings.append(f"on record is the deadline {request.clock.deadline.isoformat()} by version "
                        f"{request.clock.version} of {request.clock.calendar}, and that stands; today's calendar gives "
                        "what is shown here")
    if judged and request.start and judged.in_time is not request.start.in_time:
        warnings.append("on record is another verdict, and that stands")
    title = LEVELS[request.level].title
    head = [f"{request.id}: level {request.level}, {title}; verdict {request.word(now).value}", ""]
    row = data(request, persons(place, [request])[request.id], now) | extra | {"recorded": clock_data(request.clock)}
    return Result(row, "\n".join([*head, *lines]), warnings=tuple(warnings))
