"""`opsctl contract`: the data sheet as data, and the gate's answer with its reasons."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from opsctl.cli.command import Kind, command, group
from opsctl.cli.result import Result, table
from opsctl.cli.workplace import At, Customer, instant, profile, workplace
from opsctl.contract.gate import Decision, Delivery, Purpose, Request
from opsctl.contract.readings import READINGS, Reading, readings_for
from opsctl.contract.services import CELLS, Cell, Hosting, Mode, Service
from opsctl.core.errors import ExitCode, OpsctlError

if TYPE_CHECKING:
    from opsctl.ledger import Ledger

app = group("The data sheet as data: cells, promises, and why something is allowed or not.")
_QUESTION = "it answers what the contract says and delivers nothing"


@command(app, "contract", "show", kind=Kind.ASKS, without=_QUESTION)
def show() -> Result:
    """Show the 16 cells (8 services, 2 hostings), the RASCI rows, the service levels and the promises."""
    from opsctl.contract.levels import LEVELS
    from opsctl.contract.promises import PROMISES
    from opsctl.contract.rasci import ROWS

    cells = [_cell_data(cell) for cell in CELLS.values()]
    rows = [{"id": row.id, "title": row.title, "customer": "/".join(sorted(row.customer)),
             "kamstrup": "/".join(sorted(row.kamstrup)), "promise": row.promise, "note": row.note} for row in ROWS]
    levels = [{"level": level.letter, "title": level.title, "working_hours": level.working_hours,
               "promise": level.promise} for level in LEVELS.values()]
    text = "\n\n".join([
        table(("service", "hosted by", "coverage", "how", "promise"),
              [(c["service"], c["hosting"], c["coverage"], c["mode"], c["promise"]) for c in cells]),
        table(("row", "customer", "Kamstrup", "promise"),
              [(r["title"], r["customer"], r["kamstrup"], r["promise"]) for r in rows]),
        table(("level", "title", "start of handling within", "promise"),
              [(v["level"], v["title"], f"{v['working_hours']} working hours", v["promise"]) for v in levels]),
    ])
    return Result({"cells": cells, "rasci": rows, "levels": levels, "promises": dict(PROMISES)}, text)


@command(app, "contract", "explain", kind=Kind.ASKS, without=_QUESTION)
def explain(customer: Customer,
            service: Annotated[Service | None, typer.Argument(
                metavar="[SERVICE]", help="One service, see `opsctl contract show`; all by default.")] = None,
            at: At = None,
            enforce: Annotated[bool, typer.Option("--enforce", help="Exit code 4 when it is refused.")] = False,
            work: Annotated[bool, typer.Option("--work", help="Ask about work on hosts, also where the service is "
                                                              "delivered by notice.")] = False,
            ) -> Result:
    """Explain the gate's decision: the row, the promise, who does what, what to do instead, the reading chosen."""
    when = instant(at)
    found = profile(customer)
    services = [service] if service else list(Service)
    warnings: tuple[str, ...] = ()
    try:
        with workplace(acts=False) as place:
            entries = [_explained(place.ledger, found, one, when, work) for one in services]
    except OpsctlError as error:
        entries = [_explained(None, found, one, when, work) for one in services]
        warnings = (f"records of the ledger are left out of this answer: {error.message}",)
    refused = [entry for entry in entries if entry["decision"] == "refused"]
    general = [_reading(reading) for reading in READINGS if not reading.services] if service is None else []
    lines = [line for entry in entries for line in _lines(entry)]
    lines += ["the contract as a whole", *map(_reading_line, general)] if general else []
    code = ExitCode.NOT_COVERED if enforce and refused else ExitCode.OK
    errors = tuple({"message": f"{customer}: {entry['reason']}", "resolution": entry["instead"], "exit_code": int(code)}
                   for entry in refused) if code else ()
    return Result({"customer": customer, "at": when.isoformat(), "services": entries, "readings": general},
                  "\n".join(lines), code, warnings, errors)


def _cell_data(cell: Cell) -> dict[str, str]:
    return {"service": cell.service.value, "hosting": cell.hosting.value, "coverage": cell.coverage.value,
            "mode": cell.mode.value, "promise": cell.promise, "row": cell.row, "comment": cell.comment,
            "instead": cell.instead}


def natural_request(service: Service, hosting: Hosting) -> Request:
    """What one usually means by asking for `service`: by the way the sheet delivers it under `hosting`."""
    delivery = Delivery.NOTICE if CELLS[service, hosting].mode in {Mode.NOTICE, Mode.ON_AGREEMENT} else Delivery.WORK
    updates = {Service.SOFTWARE_UPDATE_MINOR, Service.SOFTWARE_UPDATE_MAJOR, Service.SYSTEM_INTEGRATION}
    return Request(service, Purpose.NEW_VALUE if service in updates else Purpose.PROTECT, delivery)


def _explained(ledger: Ledger | None, found: Any, service: Service, when: datetime, work: bool) -> dict[str, Any]:
    from opsctl.profiles.model import terms_at
    from opsctl.runs.service import gate

    request = natural_request(service, terms_at(found, when).hosting)
    decision = gate(found, replace(request, delivery=Delivery.WORK) if work else request, when, ledger)
    return {**_cell_data(decision.cell), "decision": "allowed" if decision.allowed else "refused",
            "reason": decision.reason, "instead": decision.instead if not decision.allowed else "",
            "warnings": list(decision.warnings), "rasci": _rasci(decision),
            "readings": [_reading(reading) for reading in readings_for(service)]}


def _rasci(decision: Decision) -> dict[str, str]:
    """Who is what for a service row: the sheet gives letters only to other rows, so a covered service is
    Kamstrup's and one left blank is the customer's, the other party being informed."""
    ours, theirs = ("A/R", "I") if decision.cell.mode is not Mode.NONE else ("I", "A/R")
    return {"kamstrup": ours, "customer": theirs}


def _reading(reading: Reading) -> dict[str, str]:
    return {"promise": reading.promise, "question": reading.question, "reading": reading.reading,
            "reason": reading.reason}


def _lines(entry: dict[str, Any]) -> list[str]:
    lines = [f"{entry['service']}: {entry['decision']}", f"  why         {entry['reason']}"]
    lines += [f'  sheet       "{entry["comment"]}"'] if entry["comment"] else ["  sheet       (left blank)"]
    lines.append(f"  who         Kamstrup {entry['rasci']['kamstrup']}, customer {entry['rasci']['customer']}")
    lines += [f"  instead     {entry['instead']}"] if entry["instead"] else []
    lines += [f"  warning     {warning}" for warning in entry["warnings"]]
    return [*lines, *map(_reading_line, entry["readings"]), ""]


def _reading_line(reading: dict[str, str]) -> str:
    return (f"  reading     {reading['promise']} {reading['question']} -> {reading['reading']}, "
            f"because {reading['reason']}")
