"""How a command is declared: its name, the service it delivers, and `--json` on every one.

A test walks DECLARED and fails when a command names neither a service nor why it delivers none.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

import typer

from opsctl.cli.emit import emit
from opsctl.cli.result import Result
from opsctl.contract.services import Service

Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON; see docs/json.md.")]


class Format(StrEnum):
    """How a check prints: for people, or one line with the exit codes 0, 1, 2, 3 of monitoring plugins."""

    TABLE = "table"
    NAGIOS = "nagios"


Formatted = Annotated[Format, typer.Option("--format", help="nagios: one line, and exit codes 0, 1, 2, 3.")]


class Kind(StrEnum):
    """What a command does to the world."""

    ACTS = "acts"
    ASKS = "asks"


@dataclass(frozen=True)
class Declaration:
    """services: what it delivers under the contract. without: why it delivers none of them."""

    group: str
    name: str
    kind: Kind
    services: tuple[Service, ...]
    without: str


DECLARED: dict[tuple[str, str], Declaration] = {}


def single() -> typer.Typer:
    """The app of one command of the top level."""
    return typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False)


def group(help_text: str) -> typer.Typer:
    """A sub-app of one room; a group also when it has only one command."""
    app = typer.Typer(help=help_text, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False,
                      add_completion=False)

    @app.callback()
    def keep_as_group() -> None:
        return None

    keep_as_group.__doc__ = help_text
    return app


def command(app: typer.Typer, group_name: str, name: str, *, kind: Kind, services: tuple[Service, ...] = (),
            without: str = "") -> Callable[[Callable[..., Result]], Callable[..., None]]:
    """Register a function that returns a Result as `opsctl GROUP NAME`.

    group_name is empty for a command of the top level. The function's docstring is the help text.
    """
    if bool(services) == bool(without):
        raise ValueError(f"{group_name} {name}: name the services it delivers, or say why it delivers none")
    DECLARED[group_name, name] = Declaration(group_name, name, kind, services, without)

    def decorate(function: Callable[..., Result]) -> Callable[..., None]:
        signature = inspect.signature(function, eval_str=True)
        option = inspect.Parameter("as_json", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=Json)

        @functools.wraps(function)
        def wrapper(*arguments: Any, as_json: bool = False, **options: Any) -> None:
            result = function(*arguments, **options)
            emit(result, as_json=as_json)
            if result.exit_code:
                raise typer.Exit(int(result.exit_code))

        parameters = [*signature.parameters.values(), option]
        # mypy knows no such attribute of a function; Typer reads the parameters from it.
        wrapper.__signature__ = signature.replace(parameters=parameters, return_annotation=None)  # type: ignore[attr-defined]
        wrapper.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        del wrapper.__wrapped__
        app.command(name, short_help=(function.__doc__ or "").partition(".")[0].partition(";")[0] + ".")(wrapper)
        return wrapper

    return decorate
