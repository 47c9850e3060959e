"""`opsctl profile`: validate profiles, export their schema and the plain inventory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from opsctl.cli.command import Kind, command, group
from opsctl.cli.files import write as write_file
from opsctl.cli.result import Result, table
from opsctl.cli.workplace import Customers, settings
from opsctl.core.errors import ExitCode, OpsctlError
from opsctl.core.text import printable

app = group("Validate profiles, export their schema.")


@command(app, "profile", "validate", kind=Kind.ASKS, without="it reads profiles and delivers nothing")
def validate(customers: Customers = None) -> Result:
    """Check profiles, all by default: every error at once as `file:line:column path: what, and what to do`."""
    from opsctl.profiles.loader import customer_names, load_profile

    inventories = settings().inventories
    names = tuple(dict.fromkeys(customers)) if customers else customer_names(inventories)
    rows: list[tuple[str, str]] = []
    problems: list[str] = []
    errors: list[dict[str, object]] = []
    for name in names:
        try:
            load_profile(inventories, name)
            rows.append((name, "valid"))
        except OpsctlError as error:
            details = error.details or (f"{error.message}; {error.resolution}",)
            rows.append((printable(name), f"invalid, {len(details)} problem{'s' if len(details) > 1 else ''}"))
            problems += details
            errors.append({"customer": printable(name), "message": error.message, "details": list(details)})
    text = "\n".join([table(("customer", "profile"), rows), *([""] if problems else []), *problems])
    return Result({"profiles": [{"customer": name, "state": state} for name, state in rows]}, text,
                  ExitCode.CONFIGURATION if errors else ExitCode.OK, (), tuple(errors))


@command(app, "profile", "schema", kind=Kind.ASKS, without="it prints a schema and delivers nothing")
def schema(output: Annotated[Path | None, typer.Option(
        "--output", metavar="FILE", help="Write it there instead of printing it.")] = None) -> Result:
    """Export the profile's JSON Schema, for editors that complete and check while typing."""
    from opsctl.profiles.schema import schema_text

    text = schema_text()
    if output is not None:
        write_file(output, f"{text}\n".encode())
        return Result({"file": str(output)}, f"written to {output}")
    return Result({"schema": json.loads(text)}, text)


@command(app, "profile", "inventory", kind=Kind.ASKS, without="it prints an inventory and delivers nothing")
def inventory(customers: Customers = None,
              write: Annotated[bool, typer.Option("--write", help="Write hosts.yml beside each profile.")] = False,
              ) -> Result:
    """Print hosts.yml as plain `ansible-playbook` takes it, made from the profile."""
    from opsctl.profiles.inventory import hosts_yaml
    from opsctl.profiles.loader import customer_names, load_profile
    from opsctl.profiles.model import KamstrupProfile

    inventories = settings().inventories
    texts: dict[str, str] = {}
    for name in dict.fromkeys(customers or customer_names(inventories)):
        found = load_profile(inventories, name)
        if isinstance(found, KamstrupProfile):
            texts[name] = hosts_yaml(found)
    if write:
        for name, text in texts.items():
            write_file(inventories / name / "hosts.yml", text.encode())
        return Result({"written": list(texts)}, "\n".join(f"written: {inventories / name / 'hosts.yml'}"
                                                          for name in texts))
    return Result({"inventories": texts}, "\n".join(texts.values()).rstrip())
