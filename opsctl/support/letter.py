"""A message about a request as the bytes of a mail that a person opens, reads and sends. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from opsctl.core.text import unprintable
from opsctl.support.message import Message, Occasion


@dataclass(frozen=True)
class Reader:
    """Who is told: a contact of the profile, and its language."""

    name: str
    address: str
    language: str


def mail(message: Message, reader: Reader, sender: Reader, identity: str, date: datetime) -> bytes:
    """The mail; `X-Unsent` makes clients open it as a draft. ValueError for a value that no header can carry."""
    made = EmailMessage(policy=SMTP)
    for text in (reader.name, reader.address, sender.name, sender.address, message.subject, identity):
        if unprintable(text) or len(text.splitlines()) > 1:
            raise ValueError(f"{text[:40]!r} cannot stand in a mail header")
    made["X-Unsent"] = "1"
    made["From"] = Address(sender.name, addr_spec=sender.address)
    made["To"] = Address(reader.name, addr_spec=reader.address)
    made["Subject"] = message.subject
    made["Date"] = format_datetime(date)
    made["Message-ID"] = identity
    made["Content-Language"] = reader.language
    made.set_content(message.body, cte="quoted-printable")
    return made.as_bytes()


def identity(id: str, about: Occasion, steps: int, domain: str) -> str:
    """Stable: the same news of a request always has the same id, so that sending it twice shows."""
    return f"<opsctl.request.{id}.{about.value}.{steps}@{domain}>"


def reader(contacts: Sequence[tuple[Reader, frozenset[str]]], reporter: str) -> Reader:
    """Whom to tell: the contact whose address the reporter's line names, else the technical one, else the first."""
    named = [one for one, _ in contacts if one.address.lower() in reporter.lower()]
    technical = [one for one, roles in contacts if "technical" in roles]
    return (named or technical or [one for one, _ in contacts])[0]
