"""A letter as the bytes of a mail: text first, then HTML, then what is attached; headers checked before and after.

A draft opens as one in clients that know `X-Unsent`; sending sets its own date. RFC 5322, RFC 2046, RFC 3834.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from opsctl.contract.services import PRODUCT
from opsctl.core.errors import ConfigurationError, OperationFailed
from opsctl.notices import calendar_part, headers
from opsctl.notices.brand import Brand
from opsctl.notices.model import Edition, Letter, Recipient

LINE_END = "\r\n"
_THREAD = 8
_IDENTITIES = frozenset({"In-Reply-To", "References"})
MAXIMUM_LINE = 998
"""Bytes in a line without its end (RFC 5322, 2.1.1)."""
PREFERRED_LINE = 78


@dataclass(frozen=True)
class Parts:
    """What the mail holds. event: the calendar file. security: name and bytes of the security file."""

    text: str
    html: str
    event: bytes | None = None
    security: tuple[str, bytes] | None = None


def message_id(notice: str, revision: int, customer: str, address: str, domain: str) -> str:
    """Stable: the same notice, revision and contact always have the same id, so that a resend is recognised."""
    contact = hashlib.sha256(f"{customer}|{address}".encode()).hexdigest()[:16]
    return f"<opsctl.{notice}.{revision}.{contact}@{domain}>"


def render(letter: Letter, parts: Parts, *, notice: str, customer: str, recipient: Recipient, edition: Edition,
           brand: Brand) -> bytes:
    """The bytes of the mail.

    Raises ConfigurationError when a value may not stand in a header, OperationFailed when the bytes do not read
    as they were meant.
    """
    identity = message_id(notice, edition.revision, customer, recipient.address, brand.domain)
    wanted = intended(letter.subject, identity, edition.date, recipient, brand)
    message = EmailMessage(policy=SMTP)
    _add_body(message, parts, identity)
    for name, value in wanted:
        if name not in _IDENTITIES and not _plain(name, str(value)):
            message[name] = value
    written = _in_order(_lines(wanted) + message.as_bytes(), [name for name, _ in wanted])
    _verify(written, message, wanted, recipient, brand)
    return written


def intended(subject: str, identity: str, at: datetime, recipient: Recipient, brand: Brand
             ) -> list[tuple[str, str | Address]]:
    """Every header of a draft dated `at`, in order, from the profile's and the brand's data alone."""
    name = headers.require_name(recipient.name, "the contact's name")
    desk = _address(f"{PRODUCT} service desk", brand.email)
    return [
        ("From", _address(headers.require_name(brand.sender.name, "the sender's name"), brand.sender.email)),
        ("Reply-To", desk),
        ("To", _address(name, recipient.address)),
        ("Subject", headers.require(subject, "the subject (it holds the customer's name)")),
        ("Date", format_datetime(at)),
        ("Message-ID", identity),
        *_thread(identity),
        ("Content-Language", recipient.language),
        ("Auto-Submitted", "auto-generated"),
        # Out-of-office answers are not wanted; delivery reports are, they are evidence.
        ("X-Auto-Response-Suppress", "OOF, AutoReply"),
        ("List-Id", f"<release-notices.{brand.domain}>"),
        # One click must not remove the only contact of a contract, so no List-Unsubscribe-Post.
        ("List-Unsubscribe", f"<mailto:{brand.email}?subject=change%20contacts>"),
        ("X-Unsent", "1"),
    ]


def _thread(identity: str) -> list[tuple[str, str]]:
    """A later revision answers the one before (RFC 5322, 3.6.4), so that a reader shows them together."""
    local, _, domain = identity.removeprefix("<").partition("@")
    before, number, contact = local.rsplit(".", 2)
    earlier = [f"<{before}.{revision}.{contact}@{domain}" for revision in range(1, int(number))][-_THREAD:]
    return [("In-Reply-To", earlier[-1]), ("References", " ".join(earlier))] if earlier else []


def _lines(wanted: Sequence[tuple[str, str | Address]]) -> bytes:
    """The headers that need no encoding, as they stand; and those of the thread, an id per line: the library would turn
    a long one into encoded words."""
    lines = [f"{name}: {str(value).replace(' ', LINE_END + ' ') if name in _IDENTITIES else value}{LINE_END}"
             for name, value in wanted if name in _IDENTITIES or _plain(name, str(value))]
    return "".join(lines).encode("ascii")


def _plain(name: str, value: str) -> bool:
    """Whether the library would write the value as it stands; it takes a hundred times as long to find that out."""
    return (value.isascii() and value.isprintable() and value == " ".join(value.split())
            and len(name) + len(value) + 2 <= PREFERRED_LINE)


def _address(name: str, address: str) -> Address:
    try:
        return Address(display_name=name, addr_spec=headers.require(address, "an address"))
    except (ValueError, IndexError):
        raise ConfigurationError("an address of a contact or of the brand cannot stand in a mail header",
                                 "correct it in the profile or in brand.yml") from None


def _add_body(message: EmailMessage, parts: Parts, identity: str) -> None:
    message.set_content(parts.text, charset="utf-8", cte="quoted-printable")
    message.add_alternative(parts.html, subtype="html", charset="utf-8", cte="quoted-printable")
    if parts.security is not None:
        name, found = parts.security
        message.add_attachment(found, "application", "json", filename=name)
    if parts.event is not None:
        # Last, and an attachment: a calendar looks for something to act on in the first part alone ([MS-OXCMAIL]).
        method = {"method": "PUBLISH"} if b"\r\nMETHOD:PUBLISH\r\n" in parts.event else {}
        message.add_attachment(parts.event.decode(), "calendar", charset="utf-8", cte="base64",
                               filename=calendar_part.NAME, params=method)
    # Boundaries of their own would differ from run to run.
    for number, part in enumerate(part for part in message.walk() if part.is_multipart()):
        part.set_boundary(f"=_{hashlib.sha256(f'{number}{identity}'.encode()).hexdigest()[:32]}")


def _in_order(written: bytes, first: Sequence[str]) -> bytes:
    """The intended headers first, in their order, then those of the MIME structure."""
    head, _, body = written.partition(b"\r\n\r\n")
    fields: list[bytes] = []
    for line in head.split(b"\r\n"):
        if line[:1] in {b" ", b"\t"} and fields:
            fields[-1] += b"\r\n" + line
        else:
            fields.append(line)
    rank = {name.lower().encode(): place for place, name in enumerate(first)}
    fields.sort(key=lambda field: rank.get(field.partition(b":")[0].lower(), len(rank)))
    return b"\r\n".join(fields) + b"\r\n\r\n" + body


def _verify(written: bytes, message: EmailMessage, wanted: Sequence[tuple[str, str | Address]], recipient: Recipient,
            brand: Brand) -> None:
    own = {name.lower() for name, _ in wanted}
    structure = [(name, str(value)) for name, value in message.items() if name.lower() not in own]
    intended = [(name, str(value)) for name, value in wanted]
    addresses = [("From", brand.sender.email), ("Reply-To", brand.email), ("To", recipient.address)]
    found = list(headers.differences(written, [*intended, *structure], addresses))
    if any(len(line) > MAXIMUM_LINE for line in written.split(b"\r\n")):
        found.append(f"a line is longer than {MAXIMUM_LINE} bytes")
    if found:
        raise OperationFailed(f"the mail does not read as it was meant: {'; '.join(found)}",
                              "look for unusual characters or a very long address in the contact's data")
