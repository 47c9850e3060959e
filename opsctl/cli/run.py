"""`opsctl run`: what ran, how it ended, and what it printed."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from opsctl.cli.command import Kind, command, group
from opsctl.cli.result import Result, table
from opsctl.cli.workplace import workplace
from opsctl.core.clock import iso
from opsctl.core.errors import UsageError
from opsctl.core.text import printable

app = group("Runs: what ran, how it ended, what it printed.")
WITHOUT = "it reads the ledger and delivers nothing"


@command(app, "run", "list", kind=Kind.ASKS, without=WITHOUT)
def list_runs(customer: Annotated[str | None, typer.Argument(metavar="[CUSTOMER]", help="Only this one's.")] = None,
              count: Annotated[int, typer.Option("--last", min=1, max=1000, help="So many, the newest.")] = 20,
              ) -> Result:
    """List the newest runs and rollouts; one that was killed stands there as not ended."""
    from opsctl.fleet.runlog import runs

    with workplace(acts=False) as place:
        found = runs(place.ledger, customer, count)
    rows = [(one.run, one.customer, one.operation, iso(one.began), one.status, one.summary) for one in found]
    data = [{"run": one.run, "customer": one.customer, "operation": one.operation, "began": iso(one.began),
             "status": one.status, "summary": one.summary} for one in found]
    return Result({"runs": data}, table(("run", "customer", "operation", "began", "status", "what"), rows) if rows
                  else "nothing has run")


@command(app, "run", "show", kind=Kind.ASKS, without=WITHOUT)
def show(run: Annotated[str, typer.Argument(metavar="RUN", help="An id of `opsctl run list`.")],
         log: Annotated[bool, typer.Option("--log", help="Print everything Ansible printed.")] = False) -> Result:
    """Show what a run recorded, or with --log the whole output of its playbooks."""
    from opsctl.runs.logs import read_logs

    with workplace(acts=False) as place:
        entries = place.ledger.find_run(run)
        logs = read_logs(place.runs, run) if entries else {}
    if not entries:
        raise UsageError(f"there is no run {run[:80]}", "see `opsctl run list`")
    data: dict[str, Any] = {"run": run, "entries": [
        {"kind": entry.kind, "customer": entry.chain, "at": iso(entry.recorded_at), "actor": entry.actor,
         "payload": dict(entry.payload)} for entry in entries], "logs": list(logs)}
    if log:
        text = "\n\n".join(f"=== {name} ===\n{_lines(content)}" for name, content in logs.items())
        return Result({**data, "output": logs}, text or "no playbook's output was kept for this run")
    lines = [f"{iso(entry.recorded_at)}  {entry.chain}  {entry.kind}  "
             f"{printable(json.dumps(dict(entry.payload), ensure_ascii=False))[:400]}" for entry in entries]
    return Result(data, "\n".join([*lines, *([f"output of {', '.join(logs)}: --log"] if logs else [])]))


def _lines(text: str) -> str:
    return "\n".join(printable(line) for line in text.splitlines())
