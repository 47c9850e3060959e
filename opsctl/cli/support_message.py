"""The text for the customer after each step of a request, and `opsctl support message` (P45)."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from opsctl.cli.files import require_writable, write
from opsctl.cli.result import Result
from opsctl.cli.workplace import profile, workplace
from opsctl.core.errors import ConfigurationError, UsageError

if TYPE_CHECKING:
    from opsctl.notices.brand import Brand
    from opsctl.profiles.model import Profile
    from opsctl.runs.workplace import Workplace
    from opsctl.support.letter import Reader
    from opsctl.support.message import Message, Occasion
    from opsctl.support.request import Request


class OccasionOption(StrEnum):
    """What the customer is told of."""

    RECEIVED = "received"
    LEVEL = "level"
    STARTED = "started"
    CLOSED = "closed"


def text(place: Workplace, request: Request, about: Occasion) -> str:
    """The message in the reader's language; ConfigurationError when the brand does not name all three channels."""
    found = profile(request.customer)
    return _message(place, request, about, _reader(place, request, found).language, _brand(place, found)).text


def _message(place: Workplace, request: Request, about: Occasion, language: str, brand: Brand) -> Message:
    from opsctl.notices.layers import of
    from opsctl.notices.sections_help import desk_hours
    from opsctl.notices.translations import load
    from opsctl.support.log import persons
    from opsctl.support.message import Channels, Told, message

    words = load(of(place.settings, request.customer), language)
    results = [note.text for note in request.notes if note.kind == "closed"]
    result = place.ledger.personal(results[-1]) if results else None
    told = Told(request, persons(place, [request])[request.id].subject, result or "(erased)", about)
    return message(told, words, Channels(brand.vendor, brand.website, brand.phone, brand.email, desk_hours(words)))


def _brand(place: Workplace, found: Profile) -> Brand:
    from opsctl.notices.brand import load
    from opsctl.notices.layers import of

    brand = load(of(place.settings, found.customer))
    if brand.sample and not found.sample:
        raise ConfigurationError("the service desk's addresses in brand.yml are invented ones",
                                 "put your own there and set `sample: false`")
    return brand


def _reader(place: Workplace, request: Request, found: Profile) -> Reader:
    from opsctl.support.letter import Reader, reader
    from opsctl.support.log import persons

    contacts = [(Reader(contact.name, contact.email, contact.language or found.language),
                 frozenset(role.value for role in contact.roles)) for contact in found.contacts]
    return reader(contacts, persons(place, [request])[request.id].reporter)


def message(id: Annotated[str, typer.Argument(metavar="ID", help="A request's id, see `opsctl support list`.")],
            about: Annotated[OccasionOption | None, typer.Option("--about", help="Left out: the last that happened.")]
            = None,
            language: Annotated[str, typer.Option("--language", metavar="CODE", help="Left out: the contact's, such as "
                                                                                     "da.")] = "",
            output: Annotated[Path | None, typer.Option("--output", metavar="FILE.eml", help="Write it here as a mail "
                                                        "that opens as a draft, to read and send.")] = None) -> Result:
    """Print the text that informs the customer of a request: received, level, started or closed; in its language."""
    from opsctl.support.letter import Reader, identity, mail
    from opsctl.support.log import customer_of, found, read
    from opsctl.support.message import Occasion, occasion

    if output is not None:
        require_writable(output)
    with workplace(acts=False) as place:
        request = found(read(place, [customer_of(id)]), id)
        told = Occasion(about.value) if about else occasion(request)
        missing = {Occasion.STARTED: request.start is None, Occasion.CLOSED: request.closed_at is None,
                   Occasion.LEVEL: len(request.grades) < 2}
        if missing.get(told):
            raise UsageError(f"{id}: there is nothing to tell of yet under --about {told.value}",
                             f"see `opsctl support show {id}`")
        theirs = profile(request.customer)
        brand, reader = _brand(place, theirs), _reader(place, request, theirs)
        code = language or reader.language
        words = _message(place, request, told, code, brand)
        now = place.clock.now()
    data = {"id": id, "about": told.value, "language": code, "to": reader.address, "message": words.text}
    if output is None:
        return Result(data, words.text.rstrip())
    steps = len(request.grades) + len(request.notes)
    try:
        content = mail(words, Reader(reader.name, reader.address, code),
                       Reader(brand.sender.name, brand.sender.email, code),
                       identity(id, told, steps, brand.domain), now)
    except ValueError as error:
        raise ConfigurationError(f"{id}: no mail can be made: {error}", "correct the contact in the profile") from None
    write(output, content, mode=0o600)
    return Result(data | {"output": str(output)},
                  f"{output} written, to {reader.name} <{reader.address}> in {code}; read it, send it, then note that: "
                  f"opsctl support note {id} --informed")
