"""Cause and cost under `opsctl support`: cause, time, told, approve, costs (P54)."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from opsctl.cli.files import require_writable, write
from opsctl.cli.result import Result, table
from opsctl.cli.support_intake import LateReason, given_time
from opsctl.cli.support_log import Id, When, changed
from opsctl.cli.support_read import requests_of
from opsctl.cli.workplace import Customers, workplace
from opsctl.core.errors import UsageError
from opsctl.support.inputs import ZONE

if TYPE_CHECKING:
    from opsctl.runs.workplace import Workplace
    from opsctl.support.request import Request

COLUMNS = ("id", "customer", "level", "received", "cause", "evidence", "minutes", "told", "signer", "billable", "open")


def cause(id: Id, code: Annotated[str, typer.Option("--cause", metavar="CODE", help="unknown, kamstrup, ready, "
                                                    "customer, third-party or waiting-for-access.")],
          evidence: Annotated[str, typer.Option("--evidence", metavar="TEXT", help="What shows it, and where it "
                                                                                   "lies.")] = "") -> Result:
    """Record what caused it, with the evidence; without evidence nothing is billable."""
    from opsctl.support.cost import set_cause

    return changed(id, lambda log: set_cause(log, id, code, evidence), f"has the cause {code}")


def time(id: Id, minutes: Annotated[int, typer.Option("--minutes", metavar="N", help="Minutes of work; a "
                                                     "negative number takes back.")],
         what: Annotated[str, typer.Option("--what", metavar="TEXT", help="What was done; names no person.")],
         day: Annotated[str | None, typer.Option("--day", metavar="DATE", help="YYYY-MM-DD; today by default.")] = None,
         ) -> Result:
    """Note time that you spent on a request."""
    from opsctl.support.cost import spend

    try:
        when = date.fromisoformat(day) if day else None
    except ValueError:
        raise UsageError(f"--day {day!r} is not a date", "write it as 2026-11-23") from None
    return changed(id, lambda log: spend(log, id, minutes, what, when), f"has {minutes} minutes more")


def told(id: Id, how: Annotated[str, typer.Option("--how", metavar="TEXT", help="How the customer was told, such as "
                                                                                "email.")],
         when: When = None, late_reason: LateReason = "") -> Result:
    """Record that the customer was told of the cost, which comes before the invoice."""
    from opsctl.support.cost import tell

    return changed(id, lambda log: tell(log, id, how, at=given_time(when, "--when"), late_reason=late_reason),
                   "noted: the customer was told of the cost")


def approve(id: Id, key: Annotated[Path, typer.Option("--key", metavar="FILE", help="Your SSH key: the private one, or "
                                                      "a public one your agent holds.")]) -> Result:
    """Sign, as a second person, that the time may be invoiced; exit code 6 when it may not."""
    from opsctl.support.cost import approve as sign

    return changed(id, lambda log: sign(log, id, key), "may be invoiced")


def costs(customers: Customers = None,
          month: Annotated[str | None, typer.Option("--month", metavar="YYYY-MM", help="Received in this month "
                                                                                       "(Danish time).")] = None,
          everything: Annotated[bool, typer.Option("--every", help="Also what has no time and no cause.")] = False,
          to: Annotated[Path | None, typer.Option("--output", metavar="FILE.csv", help="Write CSV here as well.")]
          = None) -> Result:
    """List cause, time and what may be invoiced; nothing may without evidence, telling and a second signature."""
    from opsctl.support.table import written

    first = _month(month)
    if to is not None:
        require_writable(to)
    with workplace(acts=False) as place:
        rows = [_row(place, request) for request in requests_of(place, customers)
                if (everything or request.spent or request.cause) and _in(first, request)]
    total = sum(row["minutes"] for row in rows if row["billable"])
    lines = [table(("id", "cause", "minutes", "billable", "open"),
                   [(row["id"], row["cause"], row["minutes"], "yes" if row["billable"] else "no", row["open"] or "-")
                    for row in rows]), "", f"{total} minutes may be invoiced"] if rows else ["nothing is noted"]
    if to is not None:
        write(to, written(COLUMNS, rows).encode(), mode=0o600)
        lines.append(f"{len(rows)} rows written to {to}")
    return Result({"costs": rows, "billable_minutes": total}, "\n".join(lines))


def _month(text: str | None) -> date | None:
    try:
        return date.fromisoformat(f"{text}-01") if text is not None else None
    except ValueError:
        raise UsageError(f"--month {text!r} is not a month", "write it as 2026-11") from None


def _in(first: date | None, request: Request) -> bool:
    from opsctl.core.clock import local_day

    day = local_day(request.received, ZONE)
    return first is None or (day.year, day.month) == (first.year, first.month)


def _row(place: Workplace, request: Request) -> dict[str, Any]:
    from opsctl.core.clock import iso
    from opsctl.support.cost import billable

    may, why = billable(place, request)
    return {"id": request.id, "customer": request.customer, "level": request.level, "received": iso(request.received),
            "cause": request.cause.code if request.cause else "unknown",
            "evidence": request.cause.evidence if request.cause else "", "minutes": request.minutes,
            "told": iso(request.told.at) if request.told else None,
            "signer": request.approval.signer if request.approval else None, "billable": may, "open": why}
