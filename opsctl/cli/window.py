"""`opsctl window`: when work may be done."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from opsctl.cli.command import Kind, command, group
from opsctl.cli.result import Result, table
from opsctl.cli.workplace import At, Customer, instant, profile
from opsctl.core.clock import iso

app = group("Maintenance windows and freezes.")


@command(app, "window", "list", kind=Kind.ASKS, without="it tells dates and delivers nothing")
def list_windows(customer: Customer, count: Annotated[int, typer.Option("--next", min=1, max=100,
                                                                        help="So many occurrences.")] = 5,
                 at: At = None) -> Result:
    """List the next maintenance windows in local time and UTC, and the freezes that close them."""
    from opsctl.fleet.windows import opening, upcoming

    found = profile(customer)
    when = instant(at)
    state = opening(found.windows, found.freezes, found.zone, when)
    coming = upcoming(found.windows, found.freezes, found.zone, when, count)
    rows = []
    data = []
    for occurrence, frozen in coming:
        zone = ZoneInfo(occurrence.zone)
        opens, closes = occurrence.opens.astimezone(zone), occurrence.closes.astimezone(zone)
        local = f"{opens:%a %Y-%m-%d %H:%M %Z} to {_end(opens, closes)} {closes:%Z}"
        rows.append((occurrence.name, f"{local} ({occurrence.zone})",
                     f"{occurrence.opens:%Y-%m-%d %H:%M} to {_end(occurrence.opens, occurrence.closes)}",
                     f"{occurrence.latest_start.astimezone(zone):%a %H:%M %Z}",
                     f"frozen: {frozen}" if frozen else "open to work"))
        data.append({"name": occurrence.name, "zone": occurrence.zone, "opens": iso(occurrence.opens),
                     "closes": iso(occurrence.closes), "latest_start": iso(occurrence.latest_start),
                     "frozen": frozen})
    now = f"now: {'open' if state.open else 'closed'}, {state.reason}"
    heads = ("window", "local time", "UTC", "latest start", "state")
    text = table(heads, rows) if rows else "no windows in the profile"
    return Result({"customer": customer, "open_now": state.open, "reason": state.reason, "windows": data},
                  f"{text}\n\n{now}")


def _end(begin: datetime, end: datetime) -> str:
    """The end's time of day, with its day where that is another than the begin's."""
    return f"{end:%H:%M}" if end.date() == begin.date() else f"{end:%a %Y-%m-%d %H:%M}"
