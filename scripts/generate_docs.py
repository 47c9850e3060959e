"""Writes the documents that are made from code: docs/contract.md, docs/commands.md, the profile's schema.

Run it after changing the contract, a command or the profile; a test fails while they differ.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path

from opsctl.cli.command import DECLARED, Kind
from opsctl.cli.main import COMMANDS, GROUPS
from opsctl.contract.levels import LEVELS
from opsctl.contract.promises import PROMISES
from opsctl.contract.rasci import ROWS
from opsctl.contract.readings import READINGS
from opsctl.contract.services import CELLS
from opsctl.profiles.schema import schema_text

ROOT = Path(__file__).resolve().parents[1]
GENERATED = "<!-- made by scripts/generate_docs.py; edit the code instead -->\n"


def contract() -> str:
    """docs/contract.md: the sheet's cells, rows, levels, promises and the readings chosen."""
    lines = [GENERATED, "# The contract as opsctl reads it", "",
             "The data sheet is data in `opsctl/contract/`. `opsctl contract show` prints it, `opsctl contract explain "
             "CUSTOMER [SERVICE]`", "says what it means for one customer.", "", "## Services", "",
             "| service | hosted by | coverage | how | promise |", "|---|---|---|---|---|"]
    lines += [f"| {cell.row} (`{cell.service}`) | {cell.hosting} | {cell.coverage} | {cell.mode} | {cell.promise} |"
              for cell in CELLS.values()]
    lines += ["", "## Responsibilities", "", "| row | customer | Kamstrup | promise |", "|---|---|---|---|"]
    lines += [f"| {row.title} | {'/'.join(sorted(row.customer))} | {'/'.join(sorted(row.kamstrup))} | {row.promise} |"
              for row in ROWS]
    lines += ["", "## Service levels", "", "| level | title | start of handling within | promise |",
              "|---|---|---|---|"]
    lines += [f"| {level.letter} | {level.title} | {level.working_hours} working hours | {level.promise} |"
              for level in LEVELS.values()]
    lines += ["", "## Where the sheet is ambiguous", "", "| promise | question | reading | reason |",
              "|---|---|---|---|"]
    lines += [f"| {r.promise} | {r.question} | {r.reading} | {r.reason} |" for r in READINGS]
    lines += ["", "## Promises", "", "| promise | in a few words |", "|---|---|"]
    lines += [f"| {number} | {title} |" for number, title in PROMISES.items()]
    return "\n".join(lines) + "\n"


def commands() -> str:
    """docs/commands.md: every command, the service it delivers, and whether it changes anything."""
    for name in (*GROUPS, *COMMANDS):
        importlib.import_module(f"opsctl.cli.{name}")
    lines = [GENERATED, "# Commands", "", "`opsctl COMMAND --help` has the options. All take `--json`.", "",
             "| command | acts | service of the contract, or why it has none |", "|---|---|---|"]
    for (group, name), declaration in sorted(DECLARED.items()):
        services = ", ".join(service.value for service in declaration.services)
        acts = "yes" if declaration.kind is Kind.ACTS else "no"
        lines.append(f"| `opsctl {f'{group} {name}'.strip()}` | {acts} | {services or declaration.without} |")
    return "\n".join(lines) + "\n"


def generated() -> Mapping[str, str]:
    """Text by path within the checkout."""
    return {"docs/contract.md": contract(), "docs/commands.md": commands(),
            "inventories/profile.schema.json": schema_text() + "\n"}


if __name__ == "__main__":
    for path, text in generated().items():
        (ROOT / path).write_text(text, encoding="utf-8")
