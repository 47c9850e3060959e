"""Reading the error log under `opsctl support`: list, show, due, remind, explain."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from opsctl.cli.command import Format, Formatted
from opsctl.cli.result import Result, nagios_result, table
from opsctl.cli.support_log import Id
from opsctl.cli.workplace import At, Customers, workplace
from opsctl.cli.workplace import instant as as_of
from opsctl.core.errors import ExitCode
from opsctl.core.outcome import Outcome, Status
from opsctl.support.inputs import ZONE

if TYPE_CHECKING:
    from datetime import datetime

    from opsctl.runs.workplace import Workplace
    from opsctl.support.due import Due
    from opsctl.support.request import Request

Limit = Annotated[int, typer.Option("--limit", metavar="N", min=0, help="Show so many at most; 0 for all.")]
SERVICE = "support"


def list_requests(customers: Customers = None,
                  everything: Annotated[bool, typer.Option("--closed", help="Closed ones too.")] = False,
                  levels: Annotated[str, typer.Option("--level", metavar="LETTERS", help="Only these, such as AB.")]
                  = "", limit: Limit = 50, at: At = None) -> Result:
    """List the requests that are open, the ones to start soonest first."""
    from opsctl.cli.support_page import listed
    from opsctl.cli.support_view import HEADINGS, cells, data

    when = as_of(at)
    shown, names, total = listed(list(dict.fromkeys(customers or ())), levels, limit, at, everything=everything)
    lines = [table(HEADINGS, (cells(request, names[request.id], when) for request in shown))] if shown else [
        "no request is on record" if everything else "no request is open"]
    lines += [f"{len(shown)} of {total}; see the rest with --limit 0"] if len(shown) < total else []
    return Result({"requests": [data(request, names[request.id], when) for request in shown], "total": total},
                  "\n".join(lines))


def show(id: Id, at: At = None) -> Result:
    """Show one request with everything on record, in the order in which it happened."""
    from opsctl.cli.support_view import data, full, history
    from opsctl.support.log import persons

    when = as_of(at)
    with workplace(acts=False) as place:
        request = one(place, id, at)
        person = persons(place, [request])[id]
        wanted = [note.text for note in request.notes if note.text]
        names = place.ledger.personals([*wanted, *([request.start.handler] if request.start else [])])
    row = data(request, person, when) | {
        "text": person.text, "attachments": [dict(item) for item in person.attachments],
        "handler": names.get(request.start.handler, "(erased)") if request.start else None,
        "history": [line.strip() for line in history(request, names)]}
    return Result(row, full(request, person, names, when))


def due(customers: Customers = None, output: Formatted = Format.TABLE,
        everything: Annotated[bool, typer.Option("--all-open", help="Also those with most hours left.")] = False,
        limit: Limit = 50, at: At = None) -> Result:
    """Tell what nobody has started and is late or near, from half of the hours on; exit code 8 when something is late.

    What the contract does not cover is listed and never late.
    """
    from opsctl.support.due import due as find
    from opsctl.support.request import Urgency

    when = as_of(at)
    with workplace(acts=False) as place:
        found = find(requests_of(place, customers, at), when, everything=everything)
        if output is Format.NAGIOS:
            return nagios_result("SUPPORT", _outcomes(found, place, customers))
        rows = _rows(place, found[:limit] if limit else found, when)
    late = sum(1 for item in found if item.urgency is Urgency.LATE and not item.request.not_covered)
    lines = [table(("id", "level", "used", "", "start until", "next reminder", "subject"),
                   [(row["id"], row["level"], row["used"], row["urgency"], row["target_local"],
                     row["next_reminder_local"], row["subject"]) for row in rows])] if rows else ["nothing is due"]
    lines += [f"{len(rows)} of {len(found)}; see the rest with --limit 0"] if len(rows) < len(found) else []
    errors = tuple({"message": f"{row['id']} is late", "resolution": f"start it: opsctl support start {row['id']} --by "
                    "NAME"} for row in rows if row["urgency"] == "late" and not row["not_covered"])
    return Result({"due": rows, "total": len(found), "late": late}, "\n".join(lines),
                  ExitCode.CHECK_FAILED if late else ExitCode.OK, errors=errors)


def remind(customers: Customers = None) -> Result:
    """Tell which requests have newly used 50, 75 or 100 % of their hours, each once and only inside support hours."""
    from opsctl.support import fold
    from opsctl.support.due import PERCENT, reminders
    from opsctl.support.log import writing

    told: list[Due] = []
    with workplace(acts=True) as place:
        versions, now = _versions(place), place.clock.now()
        first = reminders(requests_of(place, customers), now, versions)
        for customer in sorted({item.request.customer for item in first}):
            with writing(place, customer) as log:
                for item in reminders(log.requests.values(), now, versions):
                    log.append(fold.REMINDED, fold.reminder(item.request.id, PERCENT[item.urgency]))
                    told.append(item)
        rows = _rows(place, told, now)
    lines = [f"{row['id']}: level {row['level']}, {row['urgency']}, {row['used']} used; start until "
             f"{row['target_local']}: {row['subject']}" for row in rows]
    return Result({"reminders": rows}, "\n".join(lines))


def explain(id: Id) -> Result:
    """Show every interval that the clock of a request counts, and whether it gives what is on record."""
    from opsctl.cli.support_explain import explained

    with workplace(acts=False) as place:
        return explained(place, one(place, id))


def one(place: Workplace, id: str, at: str | None = None) -> Request:
    """The request called `id`; UsageError when there is none."""
    from opsctl.support.log import customer_of, found, read

    return found(read(place, [customer_of(id)], as_of(at) if at else None), id)


def requests_of(place: Workplace, customers: list[str] | None, at: str | None = None) -> Iterable[Request]:
    """The requests of the customers named, or of all that have a log: also of those whose profile is gone.

    at: as they stood then, by what had been recorded.
    """
    from opsctl.cli.workplace import profile
    from opsctl.support.log import read

    chains = place.ledger.chains()
    names = [name if name in chains else profile(name).customer for name in dict.fromkeys(customers or chains)]
    return read(place, names, as_of(at) if at else None).values()


def _versions(place: Workplace) -> Any:
    from opsctl.support.calendars import load

    return load(place.settings.policy.support.calendar)


def _rows(place: Workplace, found: Iterable[Due], now: datetime) -> list[dict[str, Any]]:
    from functools import cache

    from opsctl.cli.support_times import hours, local
    from opsctl.cli.support_view import data
    from opsctl.support.calendars import load
    from opsctl.support.due import used
    from opsctl.support.log import persons

    shown, rows = list(found), []
    names, calendar = persons(place, [item.request for item in shown]), cache(load)
    for item in shown:
        request = item.request
        spent = used(request, calendar(request.clock.calendar), now)
        rows.append(data(request, names[request.id], now) | {
            "urgency": item.urgency.value, "used": hours(spent), "used_seconds": spent.total_seconds(),
            "target_local": local(request.clock.target, ZONE),
            "next_reminder": item.next_reminder.isoformat() if item.next_reminder else None,
            "next_reminder_local": local(item.next_reminder, ZONE) if item.next_reminder else "-"})
    return rows


def _outcomes(found: Iterable[Due], place: Workplace, customers: list[str] | None) -> list[Outcome]:
    from opsctl.support.request import Urgency

    states = {Urgency.LATE: Status.CHECK_FAILED, Urgency.DUE: Status.WARNING, Urgency.NEAR: Status.WARNING}
    by_customer: dict[str, list[Due]] = {name: [] for name in customers or place.ledger.chains()}
    for item in found:
        by_customer[item.request.customer].append(item)
    outcomes = []
    for customer, items in by_customer.items():
        covered = [item for item in items if not item.request.not_covered]
        worst = next((states[item.urgency] for item in covered if item.urgency in states), Status.DONE)
        words = ", ".join(f"{item.request.id} level {item.request.level} {item.urgency.value}" for item in covered[:5])
        late = sum(item.urgency is Urgency.LATE for item in covered)
        words += f" and {len(covered) - 5} more" if len(covered) > 5 else ""
        figure = {"label": "late", "value": late, "unit": "", "warn": None, "crit": 0}
        outcomes.append(Outcome(customer, SERVICE, worst, words, "see `opsctl support due`",
                                data={"figures": [figure]}))
    return outcomes
