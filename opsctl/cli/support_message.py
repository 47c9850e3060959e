"""The text for the customer after each step of a request, and `opsctl support message` (P45)."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from opsctl.cli.result import Result
from opsctl.cli.workplace import profile, workplace
from opsctl.core.errors import ConfigurationError, UsageError

if TYPE_CHECKING:
    from opsctl.runs.workplace import Workplace
    from opsctl.support.message import Occasion
    from opsctl.support.request import Request


class OccasionOption(StrEnum):
    """What the customer is told of."""

    RECEIVED = "received"
    LEVEL = "level"
    STARTED = "started"
    CLOSED = "closed"


def text(place: Workplace, request: Request, about: Occasion) -> str:
    """The message; ConfigurationError when the brand does not name all three channels (P03)."""
    from opsctl.notices.brand import load
    from opsctl.notices.layers import of
    from opsctl.support.log import persons
    from opsctl.support.message import Channels, message

    brand = load(of(place.settings, request.customer))
    if brand.sample and not profile(request.customer).sample:
        raise ConfigurationError("the service desk's addresses in brand.yml are invented ones",
                                 "put your own there and set `sample: false`")
    results = [note.text for note in request.notes if note.kind == "closed"]
    result = place.ledger.personal(results[-1]) if results else None
    return message(request, persons(place, [request])[request.id].subject, result or "(erased)", about,
                   Channels(brand.vendor, brand.website, brand.phone, brand.email))


def message(id: Annotated[str, typer.Argument(metavar="ID", help="A request's id, see `opsctl support list`.")],
            about: Annotated[OccasionOption | None, typer.Option("--about", help="Left out: the last that happened.")]
            = None) -> Result:
    """Print the text that informs the customer of a request: received, level, started or closed."""
    from opsctl.support.log import customer_of, found, read
    from opsctl.support.message import Occasion, occasion

    with workplace(acts=False) as place:
        request = found(read(place, [customer_of(id)]), id)
        told = Occasion(about.value) if about else occasion(request)
        missing = {Occasion.STARTED: request.start is None, Occasion.CLOSED: request.closed_at is None,
                   Occasion.LEVEL: len(request.grades) < 2}
        if missing.get(told):
            raise UsageError(f"{id}: there is nothing to tell of yet under --about {told.value}",
                             f"see `opsctl support show {id}`")
        words = text(place, request, told)
    return Result({"id": id, "about": told.value, "message": words}, words)
