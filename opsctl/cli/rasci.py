"""`opsctl rasci`: who does what, by name, and what tells who is informed."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from opsctl.cli.command import Kind, command, single
from opsctl.cli.result import Result, table
from opsctl.cli.workplace import profile, settings
from opsctl.core.errors import ConfigurationError, ExitCode, UsageError

app = single()


@command(app, "", "rasci", kind=Kind.ASKS, without="it says who does what and delivers nothing")
def rasci(customer: Annotated[str | None, typer.Argument(metavar="[CUSTOMER]", help="With the named contacts of its "
                                                                                    "profile.")] = None,
          check: Annotated[Path | None, typer.Option("--check", metavar="FILE", help="Validate a matrix of your own: "
                                                     "CSV with the columns row,customer,kamstrup.")] = None) -> Result:
    """Print the RASCI matrix with named roles and messages; exit code 8 when not exactly one person is accountable."""
    if check is not None:
        if customer is not None:
            raise UsageError("--check reads a file and concerns no customer", "leave one of them out")
        return _checked(check)
    from opsctl.contract.rasci import ROWS, problems
    from opsctl.records.responsibilities import duties, uninformed, unnamed

    found = profile(customer) if customer is not None else None
    people = settings().people
    rows = duties(found, people)
    theirs, ours = unnamed(found, people) if found is not None else ((), ())
    wrong = (*problems(ROWS), *uninformed(ROWS), *theirs)
    data = [{"id": duty.row.id, "title": duty.row.title, "promise": duty.row.promise,
             "customer": _cell(duty.row.customer), "kamstrup": _cell(duty.row.kamstrup),
             "persons": [{"party": party, "letter": letter, "role": role, "names": list(names)}
                         for party, letter, role, names in duty.persons],
             "messages": [asdict(message) for message in duty.messages]} for duty in rows]
    lines = [table(("row", "customer", "Kamstrup", "promise"),
                   [(row["title"], row["customer"], row["kamstrup"], row["promise"]) for row in data])]
    for duty in rows:
        lines += ["", f"{duty.row.title}:"]
        lines += [f"  {letter}  {'Kamstrup' if party == 'kamstrup' else 'customer'}, {role}"
                  + (f": {', '.join(names)}" if names else _nobody(found, party))
                  for party, letter, role, names in duty.persons]
        lines += [f"     told: {message.what} ({message.how}{f' opsctl {message.by}' if message.by else ''})"
                  for message in duty.messages]
    lines += ["", "What is wrong:", *(f"  {text}" for text in wrong)] if wrong else []
    return Result({"customer": customer, "rows": data}, "\n".join(lines),
                  ExitCode.CHECK_FAILED if wrong else ExitCode.OK, ours,
                  tuple({"message": text, "resolution": "correct `contacts` in the profile"} for text in wrong))


def _checked(path: Path) -> Result:
    from opsctl.records.responsibilities import read_matrix

    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read as text ({type(error).__name__})",
                         "name a CSV file in UTF-8") from None
    rows, wrong = read_matrix(text)
    if wrong:
        raise ConfigurationError(f"{path} breaks the rules of a RASCI matrix", "one A per row, at least one R, letters "
                                 "R, A, S, C, I separated by /, capital, each once", wrong)
    return Result({"rows": len(rows)}, f"{path}: {len(rows)} rows, one party accountable, at least one responsible")


def _nobody(found: object, party: str) -> str:
    return ": nobody is named" if found is not None or party == "kamstrup" else ""


def _cell(letters: frozenset[str]) -> str:
    return "/".join(sorted(letters))
