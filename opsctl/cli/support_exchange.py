"""`opsctl support import` and `export`: CSV and JSON."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from opsctl.cli.files import require_writable, write
from opsctl.cli.result import Result
from opsctl.cli.support_read import requests_of
from opsctl.cli.workplace import At, Customer, Customers, DryRun, profile, workplace
from opsctl.cli.workplace import instant as as_of
from opsctl.core.errors import ExitCode, UsageError

MAXIMUM = 100_000_000


class TableFormat(StrEnum):
    """How requests are written."""

    CSV = "csv"
    JSON = "json"


def import_requests(
        customer: Customer, file: Annotated[Path, typer.Argument(metavar="FILE", help="A .csv or .json file.")],
        skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Record the good rows although others are bad; exit "
                                                                  "code 7.")] = False,
        dry_run: DryRun = False) -> Result:
    """Import requests from CSV or JSON; given again, it adds only what is new. A bad row stops all, by its line."""
    from opsctl.support import table
    from opsctl.support.exchange import checked, record
    from opsctl.support.log import writing
    from opsctl.support.service import contract_of

    found = profile(customer)
    rows = {".csv": table.from_csv, ".json": table.from_json}[_suffix(file)](_text(file))
    with workplace(acts=not dry_run) as place, writing(place, found.customer) as log:
        ready = checked(log, rows, file.name)
        if ready.problems and not skip_bad:
            raise UsageError(f"{len(ready.problems)} of {len(rows)} rows of {file} are bad; nothing was recorded",
                             "correct them and import the file again, or record the others with --skip-bad",
                             ready.problems)
        items = () if dry_run else ready.items
        done = []
        for one in record(log, contract_of(place, found), items):
            done.append(one)
            place.progress.advance(found.customer, "requests", len(done), len(items), "")
    added = [id for id, new in done if new]
    known = sum(item.known is not None for item in ready.items)
    text = (f"{len(ready.items)} rows are good, {known} of them on record; nothing was recorded" if dry_run else
            f"{len(added)} requests added or brought up to date, {len(done) - len(added)} on record as they are")
    errors = tuple({"message": problem, "resolution": "correct the row and import the file again"}
                   for problem in ready.problems)
    lines = [text, *(f"not recorded: {problem}" for problem in ready.problems)]
    data = {"added": added, "unchanged": len(done) - len(added), "bad": list(ready.problems), "dry_run": dry_run}
    return Result(data, "\n".join(lines), ExitCode.PARTIAL if ready.problems else ExitCode.OK, errors=errors)


def export_requests(
        customers: Customers = None,
        output: Annotated[TableFormat, typer.Option("--format", help="csv or json.")] = TableFormat.CSV,
        to: Annotated[Path | None, typer.Option("--output", metavar="FILE", help="Write here, readable for you alone; "
                                                "left out: to standard output.")] = None, at: At = None) -> Result:
    """Export requests with their verdicts as CSV or JSON; the file holds names of persons."""
    from opsctl.support import table
    from opsctl.support.exchange import exported

    if to is not None:
        require_writable(to)
    with workplace(acts=False) as place:
        rows = list(exported(place, list(requests_of(place, customers, at)), as_of(at)))
    text = table.to_csv(rows) if output is TableFormat.CSV else table.to_json(rows)
    if to is None:
        return Result({"requests": rows}, text.rstrip("\n"))
    write(to, text.encode(), mode=0o600)
    return Result({"requests": len(rows), "output": str(to)}, f"{len(rows)} requests written to {to}")


def _suffix(file: Path) -> str:
    if file.suffix.lower() not in {".csv", ".json"}:
        raise UsageError(f"{file} ends neither in .csv nor in .json", "name the file by what it holds")
    return file.suffix.lower()


def _text(file: Path) -> str:
    try:
        if file.stat().st_size > MAXIMUM:
            raise UsageError(f"{file} has more than {MAXIMUM} bytes", "split it; nothing is imported twice")
        return file.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}", "name another file") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{file} is not UTF-8 at byte {error.start}", "save it as UTF-8") from None
