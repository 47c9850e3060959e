"""Delivery reports: which message did not arrive, where, and why (RFC 3462, RFC 3464, RFC 6522). Pure.

A report comes by mail from anywhere, so it may be damaged or forged: it is only ever matched with a message that
was sent, and it triggers nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message

from opsctl.core.errors import UsageError
from opsctl.core.text import without_addresses

FAILED = "failed"
_ACTIONS = (FAILED, "delayed", "delivered", "relayed", "expanded")
_STATUS = re.compile(r"^[245]\.\d{1,3}\.\d{1,3}$")
_IDENTITY = re.compile(r"<[^<>\s@]{1,200}@[^<>\s@]{1,253}>")
_DIAGNOSTIC_LENGTH = 200
_EXPECTED = "save the whole bounce as a file (.eml) and name that; an answer by a person is none"


@dataclass(frozen=True)
class Fate:
    """What a report says of one recipient. action: one of RFC 3464, 2.3.3. diagnostic: without addresses."""

    recipient: str
    action: str
    status: str
    diagnostic: str


@dataclass(frozen=True)
class DeliveryReport:
    """A report on one message. message_id: of the message that was sent, with its angle brackets."""

    message_id: str
    fates: tuple[Fate, ...]


def read(content: bytes) -> DeliveryReport:
    """The report in a mail; UsageError when it is none, or does not say which message it is about."""
    message = message_from_bytes(content)
    report = next((part for part in message.walk() if _is_report(part)), None)
    if report is None:
        raise UsageError("this is not a delivery report: it has no part of the type message/delivery-status", _EXPECTED)
    fates = tuple(_fates(report))
    if not fates:
        raise UsageError("the delivery report names no recipient with an action and a status", _EXPECTED)
    identity = _original_identity(message)
    if identity is None:
        raise UsageError("the delivery report does not say which message it is about: it returns no Message-ID",
                         "look in the report's text, then see `opsctl notice show` for whom it was sent to")
    return DeliveryReport(identity, fates)


def _is_report(part: Message) -> bool:
    return part.get_content_type() in {"message/delivery-status", "message/global-delivery-status"}


def _fates(report: Message) -> Iterator[Fate]:
    """Each group of fields after the first is about one recipient (RFC 3464, 2.1)."""
    groups = report.get_payload()
    for group in groups if isinstance(groups, list) else ():
        action, status = _field(group, "Action").casefold(), _field(group, "Status").partition(" ")[0]
        recipient = _typed(_field(group, "Original-Recipient")) or _typed(_field(group, "Final-Recipient"))
        if action in _ACTIONS and _STATUS.match(status) and recipient:
            words = without_addresses(_typed(_field(group, "Diagnostic-Code")), (recipient,))
            yield Fate(recipient, action, status, " ".join(words.split())[:_DIAGNOSTIC_LENGTH])


def _field(group: object, name: str) -> str:
    return str(group.get(name, "")).strip() if isinstance(group, Message) else ""


def _typed(value: str) -> str:
    """What stands after the type, as in `rfc822; it@customer.example`; angle brackets are not part of an address."""
    return value.partition(";")[2].strip().removeprefix("<").removesuffix(">")


def _original_identity(message: Message) -> str | None:
    """The Message-ID of the returned message or of its headers; the report's own never counts."""
    for part in message.walk():
        kind = part.get_content_type()
        if kind in {"message/rfc822", "message/global"}:
            inner = part.get_payload(0) if part.is_multipart() else None
            found = _IDENTITY.search(str(inner.get("Message-ID", ""))) if isinstance(inner, Message) else None
        elif kind in {"text/rfc822-headers", "message/global-headers", "message/rfc822-headers"}:
            found = _in_headers(part)
        else:
            continue
        if found:
            return found.group()
    return None


def _in_headers(part: Message) -> re.Match[str] | None:
    if part.is_multipart():
        inner = part.get_payload(0)
        return _IDENTITY.search(str(inner.get("Message-ID", ""))) if isinstance(inner, Message) else None
    raw = part.get_payload(decode=True)
    headers = message_from_bytes(raw.lstrip() if isinstance(raw, bytes) else b"")
    return _IDENTITY.search(str(headers.get("Message-ID", "")))
