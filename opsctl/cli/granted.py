"""What agreements, access, permissions and orders have in common on the command line: list, show, revoke."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from opsctl.cli.command import Kind, command
from opsctl.cli.result import Result, outcomes_result, table
from opsctl.cli.workplace import At, Customer, Customers, profile, workplace
from opsctl.cli.workplace import instant as as_of
from opsctl.contract.records import Record, RecordKind
from opsctl.core.clock import iso
from opsctl.core.errors import UsageError
from opsctl.core.text import printable

if TYPE_CHECKING:
    from opsctl.profiles.model import Profile
    from opsctl.records.register import Grant
    from opsctl.runs.workplace import Workplace

NOTED = "it records what was granted or bought; the work itself passes the gate"
_READS = "it reads the records and delivers nothing"

Reference = Annotated[str, typer.Argument(metavar="REFERENCE", help="What both sides call it, such as AG-2026-07.")]
By = Annotated[str, typer.Option("--by", metavar="PERSON", help="Who at the customer agreed or granted it.")]
From = Annotated[str | None, typer.Option("--from", metavar="TIME", help="ISO 8601 with zone; now by default.")]
To = Annotated[str | None, typer.Option("--to", metavar="TIME", help="ISO 8601 with zone; exclusive.")]


def time(text: str | None, option: str, found: Profile) -> datetime | None:
    """An option's time; UsageError without a zone, or at an hour that does not exist or comes twice."""
    from opsctl.support.inputs import instant

    return None if text is None else instant(text, found.zone, option)


def defaulted(**options: str | None) -> frozenset[str]:
    """The fields whose option was left out."""
    return frozenset(name for name, given in options.items() if given is None)


def added(customer: str, make: Callable[[Profile, datetime], tuple[Grant, tuple[str, ...]]]) -> Result:
    """Record what `make` gives for the profile and now; its warnings are told."""
    from dataclasses import replace

    from opsctl.records.register import add

    found = profile(customer)
    with workplace(acts=True) as place:
        grant, warnings = make(found, place.clock.now().replace(microsecond=0))
        outcome = add(place, customer, grant)
    return outcomes_result([replace(outcome, warnings=warnings)])


def register_reading(app: typer.Typer, kind: RecordKind, plural: str) -> None:
    """Add list, show and revoke of `kind` to its group."""

    def list_records(customers: Customers = None, at: At = None) -> Result:
        from opsctl.profiles.loader import customer_names
        from opsctl.records.register import records

        when = as_of(at)
        with workplace(acts=False) as place:
            names = [profile(name).customer for name in dict.fromkeys(customers or ())]
            rows = [_data(place, name, record, when)
                    for name in names or customer_names(place.settings.inventories)
                    for record in records(place, name, kind)]
        text = table(("customer", "reference", "about", "by", "from", "to", "state"),
                     [(row["customer"], row["reference"], ", ".join(row["covers"]) or "everything", row["by"],
                       row["valid_from"], row["valid_to"] or "-", row["state"]) for row in rows])
        return Result({plural: rows}, text if rows else f"no {plural} on record")

    def show(customer: Customer, reference: Reference, at: At = None) -> Result:
        from opsctl.records.register import find

        found = profile(customer)
        with workplace(acts=False) as place:
            row = _data(place, found.customer, find(place, found.customer, kind, reference), as_of(at))
        return Result(row, "\n".join([f"{kind} {reference} of {customer}: {row['state']}", *_lines(row)]))

    def revoke(customer: Customer, reference: Reference, reason: Annotated[str, typer.Option(
            "--reason", metavar="TEXT", help="Why; it stays on record.")]) -> Result:
        from opsctl.records.register import revoke as revoke_record

        found = profile(customer)
        with workplace(acts=True) as place:
            return outcomes_result([revoke_record(place, found.customer, kind, reference, reason)])

    list_records.__doc__ = f"List the {plural} on record, with what each is worth now; of all customers by default."
    show.__doc__ = f"Show one of the {plural} with everything that is on record."
    revoke.__doc__ = f"Revoke one of the {plural} from now on, with a reason; the record stays."
    command(app, kind.value, "list", kind=Kind.ASKS, without=_READS)(list_records)
    command(app, kind.value, "show", kind=Kind.ASKS, without=_READS)(show)
    command(app, kind.value, "revoke", kind=Kind.ACTS, without=NOTED)(revoke)


def known_module(name: str, given_by: str = "--module ") -> str:
    """A module's name, `platform` or `releases`; UsageError for what cannot be one, by what it was given."""
    import re

    from opsctl.profiles.parts import IDENTIFIER

    if not re.fullmatch(IDENTIFIER, name):
        raise UsageError(f"{given_by}{name[:60]!r} cannot be a module's name", "write it as in the profile, such as "
                         "leak-alarm; `platform` for work on OS and middleware, "
                         "`releases` for READY's releases on a customer's hosts")
    return name


def _lines(row: Mapping[str, Any]) -> Iterator[str]:
    names = {"by": "by", "covers": "about", "valid_from": "from", "valid_to": "to", "recorded_at": "recorded",
             "revoked_at": "revoked", "reason": "reason"}
    for key, name in names.items():
        value = row[key]
        shown = ", ".join(value) or "everything" if isinstance(value, list) else value
        if shown:
            yield f"  {name:12} {printable(shown)}"
    for name, value in row["details"].items():
        yield f"  {name:12} {printable(value)}"


def _data(place: Workplace, customer: str, record: Record, when: datetime) -> dict[str, Any]:
    from opsctl.records.register import person

    return {"customer": customer, "reference": record.reference, "state": record.state(when).value,
            "by": person(place, record), "covers": list(record.covers), "valid_from": iso(record.valid_from),
            "valid_to": iso(record.valid_to) if record.valid_to else None, "recorded_at": iso(record.recorded_at),
            "revoked_at": iso(record.revoked_at) if record.revoked_at else None, "reason": record.reason,
            "details": dict(record.details)}
