"""The entry point: lazy groups and signals."""

from __future__ import annotations

import importlib
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from opsctl import __version__
from opsctl.cli.boundary import bounded, form_of, prepare_streams

GROUPS: Mapping[str, str] = {
    "access": "Access that customers granted to their infrastructure.",
    "agreement": "Prior agreements: work on customers' hosts, new modules.",
    "api": "Kamstrup API Access: what was bought, whether it answers, its key.",
    "backup": "Back up, list, verify, restore and prune databases.",
    "change": "The log of installed changes of a customer's system.",
    "contract": "The data sheet as data: cells, promises, and why something is allowed or not.",
    "customer": "A customer's life: add, move to another hosting, offboard.",
    "customers": "The customers and their profiles.",
    "lab": "Real hosts on this machine, to try opsctl and rehearse changes.",
    "ledger": "The evidence: verify and export it.",
    "licence": "Third-party licences: what was bought, what is used, what ends when.",
    "module": "READY's modules: which are on, and switching one under an agreement.",
    "network": "The network components that Kamstrup delivered.",
    "notice": "Release notices for systems that customers host.",
    "order": "Orders of add-ons, such as Kamstrup API Access.",
    "patch": "Plan and apply patches of platform, OS and middleware.",
    "permission": "Third-party permissions that customers confirmed for work on their machines.",
    "profile": "Validate profiles, export their schema.",
    "promise": "What the contract makes due, and whether it was kept.",
    "report": "Reports from the ledger.",
    "release": "READY's releases: list, show, validate, impact, plan, install.",
    "run": "Runs: what ran, how it ended, what it printed.",
    "storage": "Capacity and performance of storage.",
    "support": "The error log and the service levels' clock: requests, deadlines, verdicts in working hours.",
    "upgrade": "The next Debian release or PostgreSQL version: plan, apply, roll back, finish.",
    "window": "Maintenance windows and freezes.",
}
COMMANDS: Mapping[str, str] = {
    "approve": "Approve a plan by a signature over its hash.",
    "resume": "Take up a rollout: what failed and what was not touched.",
    "resolve": "Mark the cause of a failure as resolved, so that the work is tried again.",
    "doctor": "Check that this machine and the settings are fit for work; changes nothing.",
    "nightly": "Do for each customer what is due.",
    "rasci": "Who does what, by name, and what tells who is informed.",
    "status": "How each customer stands, from the ledger.",
}


class LazyGroup(TyperGroup):
    """Imports a room's commands only when one of them is called; help and completion read the tables above."""

    def list_commands(self, ctx: Any) -> list[str]:
        return sorted([*GROUPS, *COMMANDS])

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in GROUPS and cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"opsctl.cli.{cmd_name}")
        return typer.main.get_command(module.app)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(sorted({**GROUPS, **COMMANDS}.items()))


app = typer.Typer(cls=LazyGroup, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False,
                  context_settings={"help_option_names": ["-h", "--help"]})


def _version(value: bool) -> None:
    if value:
        typer.echo(f"opsctl {__version__}")
        raise typer.Exit


@app.callback()
def main(config: Annotated[Path | None, typer.Option(
            "--config", metavar="FILE", help="The operator's settings, opsctl.yml; also OPSCTL_CONFIG.")] = None,
         progress: Annotated[str | None, typer.Option(
             "--progress", metavar="FORM", help="On stderr: lines, json (one object per line), none; also "
                                                "OPSCTL_PROGRESS.")] = None,
         version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True,
                                               help="Print the version.")] = False) -> None:
    """Operate the metering system READY for many customers, within what each contract covers."""
    if config is not None:
        os.environ["OPSCTL_CONFIG"] = str(config)
    if progress is not None:
        from opsctl.cli.progress import require_form

        require_form(progress, "--progress ")
        os.environ["OPSCTL_PROGRESS"] = progress


class Terminated(KeyboardInterrupt):
    """SIGTERM, or a terminal that hangs up: like Ctrl-C, so that what was started is ended and the run recorded."""


def _terminate(signum: int, frame: FrameType | None) -> None:
    raise Terminated


def run(arguments: list[str] | None = None) -> None:
    """Run a command line and end the process with a documented exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    prepare_streams()
    signal.signal(signal.SIGTERM, _terminate)
    # Also where a script's background job inherited it as ignored: CI systems cancel a job by SIGINT.
    signal.signal(signal.SIGINT, _terminate)
    # Under nohup a terminal that hangs up is ignored, and stays so.
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, _terminate)
    sys.exit(bounded(lambda: typer.main.get_command(app).main(args=arguments, prog_name="opsctl",
                                                              standalone_mode=False), form_of(arguments)))
