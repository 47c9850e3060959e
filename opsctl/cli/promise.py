"""`opsctl promise`: what the contract made due in a month, and what the ledger shows of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from opsctl.cli.command import Kind, command, group
from opsctl.cli.result import Result, table
from opsctl.cli.workplace import At, Customer, instant, profile, workplace
from opsctl.core.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from opsctl.promises.model import Item, Kept
    from opsctl.promises.view import View

app = group("What the contract makes due, and whether it was kept.")

InMonth = Annotated[str | None, typer.Option("--month", metavar="YYYY-MM", help="Default: the month of now.")]
Number = Annotated[str | None, typer.Option("--promise", metavar="P16", help="This promise alone.")]

_WITHOUT = "it reads the ledger and delivers nothing"


@command(app, "promise", "list", kind=Kind.ASKS, without=_WITHOUT)
def promise_list(customer: Customer, month: InMonth = None, at: At = None) -> Result:
    """One line per promise of the month; exit code 8 when one is broken.

    kept, broken, not due, no event, not covered, unknown: what has no evidence is never kept.
    """
    view, found = _register(customer, month, at)
    rows = [(kept.promise, kept.word.value, kept.figures, kept.title, kept.detail) for kept in found]
    return _result(view, found, table(("promise", "verdict", "events", "what", "detail"), rows))


@command(app, "promise", "show", kind=Kind.ASKS, without=_WITHOUT)
def show(customer: Customer, month: InMonth = None, number: Number = None, at: At = None) -> Result:
    """Every event that was due, with its evidence; exit code 8 when one is broken."""
    from opsctl.contract.promises import PROMISES

    wanted = number.upper() if number else None
    if wanted is not None and wanted not in PROMISES:
        raise UsageError(f"there is no promise {number!r}", "see docs/contract.md for P01 to P60")
    view, found = _register(customer, month, at)
    found = tuple(kept for kept in found if wanted in {None, kept.promise})
    rows = [(item.promise, str(item.day or ""), item.word.value, item.what, item.detail, ", ".join(item.evidence))
            for kept in found for item in kept.items]
    text = table(("promise", "day", "verdict", "what", "detail", "evidence"), rows) if rows else \
        f"{wanted}: nothing is due by the calendar in {view.month}"
    return _result(view, found, text)


def _register(customer: str, month: str | None, at: str | None) -> tuple[View, tuple[Kept, ...]]:
    from opsctl.promises.month import month_of, parse
    from opsctl.promises.reading import view_of
    from opsctl.promises.register import register

    now, found = instant(at), profile(customer)
    wanted = parse(month) if month else month_of(now, found.zone)
    with workplace(acts=False) as place:
        view = view_of(place, found, wanted, now)
    return view, register(view)


def _result(view: View, found: tuple[Kept, ...], text: str) -> Result:
    from opsctl.core.clock import iso
    from opsctl.promises.model import Word

    warnings = [f"the ledger: {finding}" for finding in view.evidence.findings]
    if view.bounds[1] > view.now:
        warnings.insert(0, f"{view.month} is not over")
    broken = [item for kept in found for item in kept.items if item.word is Word.BROKEN]
    errors = tuple({"promise": item.promise, "day": str(item.day or ""), "message": f"{item.what}: {item.detail}"}
                   for item in broken)
    code = ExitCode.EVIDENCE_DAMAGED if view.evidence.findings else ExitCode.CHECK_FAILED if broken else ExitCode.OK
    data = {"customer": view.profile.customer, "month": str(view.month), "at": iso(view.now),
            "promises": [{"promise": kept.promise, "title": kept.title, "verdict": kept.word.value,
                          "counts": {word.value: count for word, count in kept.counts.items()},
                          "events": [_event(item) for item in kept.items]} for kept in found]}
    return Result(data, text, code, tuple(warnings), errors)


def _event(item: Item) -> dict[str, Any]:
    return {"day": item.day.isoformat() if item.day else None, "what": item.what, "verdict": item.word.value,
            "detail": item.detail, "evidence": list(item.evidence)}
