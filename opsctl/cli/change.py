"""`opsctl change`: the log of installed changes of a customer's system."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from opsctl.cli.command import Kind, command, group
from opsctl.cli.files import write
from opsctl.cli.result import Result, table
from opsctl.cli.workplace import Customer, profile, workplace
from opsctl.core.clock import iso
from opsctl.core.errors import UsageError
from opsctl.core.spreadsheet import safe

if TYPE_CHECKING:
    from opsctl.fleet.changelog import Change

app = group("The log of installed changes of a customer's system.")
WITHOUT = "it keeps the log of what other commands and people delivered (P46, P47)"


@command(app, "change", "list", kind=Kind.ASKS, without=WITHOUT)
def list_changes(customer: Customer, count: Annotated[int, typer.Option("--last", min=1, max=10_000,
                                                                        help="So many, the newest.")] = 50) -> Result:
    """List what was changed on a customer's system: from, to, when, who, in which run, with what result."""
    found = _changes(customer)[-count:]
    rows = [(one.id, f"{one.when:%Y-%m-%d %H:%M}", one.kind, one.system, _versions(one), one.result, one.who)
            for one in found]
    return Result({"customer": customer, "changes": [one.document() for one in found]},
                  table(("change", "when (UTC)", "kind", "system", "what", "result", "who"), rows) if rows
                  else f"{customer}: no change is on record")


@command(app, "change", "show", kind=Kind.ASKS, without=WITHOUT)
def show(customer: Customer, change: Annotated[str, typer.Argument(metavar="CHANGE", help="An id of `opsctl change "
                                                                                          "list`.")]) -> Result:
    """Show one change with every version and its evidence."""
    found = next((one for one in _changes(customer) if one.id == change.upper()), None)
    if found is None:
        raise UsageError(f"{customer} has no change {change[:20]}", f"see `opsctl change list {customer}`")
    names = dict.fromkeys([*found.before, *found.after])
    rows = [(name, found.before.get(name, "") or "-", found.after.get(name, "") or "-") for name in names]
    lines = [f"{found.id}, {iso(found.when)}, {found.kind}, {found.system}", found.description, "",
             table(("what", "from", "to"), rows) if rows else "no version changed", "", f"result    {found.result}",
             f"by        {found.who}", f"run       {found.run or '-'}", f"evidence  {found.evidence}"]
    return Result({"change": found.document()}, "\n".join(lines))


@command(app, "change", "export", kind=Kind.ASKS, without=WITHOUT)
def export(customer: Customer, output: Annotated[Path, typer.Option("--output", metavar="FILE", help="JSON, or CSV "
                                                                    "when its name ends in .csv.")]) -> Result:
    """Write the whole log to a file, for the customer."""
    found = [one.document() for one in _changes(customer)]
    if output.suffix == ".csv":
        text = _csv(found)
    else:
        text = json.dumps({"customer": customer, "changes": found}, indent=2, ensure_ascii=False) + "\n"
    write(output, text.encode())
    return Result({"customer": customer, "file": str(output), "changes": len(found)},
                  f"{len(found)} changes written to {output}")


@command(app, "change", "add", kind=Kind.ACTS, without=WITHOUT)
def add(customer: Customer, *,
        description: Annotated[str, typer.Option("--description", help="What was changed and why; mandatory (P46).")],
        system: Annotated[str, typer.Option("--system", help="What was changed, for example a host, or READY.")],
        before: Annotated[str, typer.Option("--from", help="The version before.")] = "",
        after: Annotated[str, typer.Option("--to", help="The version now.")] = "",
        outcome: Annotated[str, typer.Option("--result", help="How it ended.")] = "done",
        by_customer: Annotated[bool, typer.Option("--reported-by-customer", help="The customer says it did this; such "
                                                                                 "entries are marked.")] = False,
        ) -> Result:
    """Record a change that was made by hand, or that the customer says it made."""
    from opsctl.fleet.changelog import BY_CUSTOMER, BY_HAND

    texts = {"description": description, "system": system, "result": outcome}
    for name, text in texts.items():
        if not text.strip():
            raise UsageError(f"--{name} is empty", "no change is recorded without it (P46)")
    found = profile(customer)
    with workplace(acts=True) as place:
        entry = place.ledger.append(found.customer, BY_CUSTOMER if by_customer else BY_HAND,
                                    {**{name: text.strip() for name, text in texts.items()}, "before": before.strip(),
                                     "after": after.strip()}, actor=place.actor)
    return Result({"customer": customer, "change": f"C{entry.sequence}"}, f"{customer}: recorded as C{entry.sequence}")


def _changes(customer: str) -> list[Change]:
    from opsctl.fleet.changelog import KINDS, changes

    found = profile(customer)
    with workplace(acts=False) as place:
        return list(changes(place.ledger.entries(found.customer, kinds=KINDS)))


def _versions(change: Change) -> str:
    names = list(dict.fromkeys([*change.before, *change.after]))
    moved = [f"{name} {change.before.get(name) or '-'} -> {change.after.get(name) or '-'}" for name in names[:3]]
    more = [f"and {len(names) - 3} more"] if len(names) > 3 else []
    return ", ".join([*moved, *more]) if any(change.after.values()) else change.description[:80]


def _csv(found: list[dict[str, object]]) -> str:
    import csv
    import io

    stream = io.StringIO()
    writer = csv.writer(stream)
    heading = ("id", "when", "kind", "system", "description", "before", "after", "who", "run", "result", "evidence")
    writer.writerow(heading)
    for one in found:
        writer.writerow([_cell(one[name]) for name in heading])
    return stream.getvalue()


def _cell(value: object) -> str:
    """Text for a spreadsheet: one that would be read as a formula is quoted."""
    text = "; ".join(f"{name} {version}" for name, version in value.items()) if isinstance(value, dict) else str(value)
    return safe(text)
