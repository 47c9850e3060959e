"""The calendar part of a notice: one event (RFC 5545), with the words of the maintenance note (X-MAINTNOTE).

Without METHOD, so that no calendar acts on it unasked; with METHOD:PUBLISH for a contact that chose `publish`. The UID
stays the same over all revisions, and SEQUENCE rises with each.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime

from opsctl.contract.services import PRODUCT
from opsctl.notices.brand import Brand
from opsctl.notices.matters import MaintenanceFacts
from opsctl.notices.model import Edition, Facts, Letter, NoticeKind, Period, Recipient
from opsctl.profiles.parts import CalendarWish

NAME = "event.ics"
_STATUS = {NoticeKind.MAINTENANCE_CANCELLED: ("CANCELLED", "CANCELLED"),
           NoticeKind.MAINTENANCE_CHANGED: ("CONFIRMED", "RE-SCHEDULED"),
           NoticeKind.MAINTENANCE_DONE: ("CONFIRMED", "COMPLETED")}
_LINE = 75
"""Octets, RFC 5545, 3.1."""


def content(letter: Letter, facts: Facts, recipient: Recipient, edition: Edition, brand: Brand) -> bytes | None:
    """The iCalendar file; None when nothing happens or the contact wants none."""
    when = facts.happens
    if when is None or recipient.calendar is CalendarWish.NONE:
        return None
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", f"PRODID:-//opsctl//{PRODUCT} notices//EN", "CALSCALE:GREGORIAN",
             *(["METHOD:PUBLISH"] if recipient.calendar is CalendarWish.PUBLISH else []),
             "BEGIN:VEVENT", *_event(letter, facts, when, edition, brand), "END:VEVENT", "END:VCALENDAR"]
    return "".join(f"{_folded(line)}\r\n" for line in lines).encode()


def _event(letter: Letter, facts: Facts, when: Period, edition: Edition, brand: Brand) -> Iterator[str]:
    status, note = _STATUS.get(facts.kind, ("CONFIRMED", "CONFIRMED"))
    identity = hashlib.sha256(f"{facts.customer}|{facts.notice}".encode()).hexdigest()[:24]
    yield f"UID:{identity}@{brand.domain}"
    yield f"DTSTAMP:{_instant(edition.date)}"
    yield f"DTSTART:{_instant(when.start)}"
    yield f"DTEND:{_instant(when.end)}"
    yield f"SEQUENCE:{edition.revision - 1}"
    yield f"SUMMARY;LANGUAGE={letter.language}:{_text(letter.title)}"
    yield f"DESCRIPTION;LANGUAGE={letter.language}:{_text(letter.summary)}"
    yield f"ORGANIZER;CN={_parameter(brand.sender.name)}:mailto:{brand.email}"
    yield f"STATUS:{status}"
    # The time is announced, not taken: nobody's hour is blocked.
    yield "TRANSP:TRANSPARENT"
    yield f"X-MAINTNOTE-PROVIDER:{brand.domain}"
    yield f"X-MAINTNOTE-ACCOUNT:{_text(facts.customer)}"
    yield f"X-MAINTNOTE-MAINTENANCE-ID:{facts.notice}"
    for name in facts.source.systems if isinstance(facts, MaintenanceFacts) else (PRODUCT,):
        yield f"X-MAINTNOTE-OBJECT-ID:{_text(name)}"
    yield f"X-MAINTNOTE-IMPACT:{_impact(facts)}"
    yield f"X-MAINTNOTE-STATUS:{note}"


def _impact(facts: Facts) -> str:
    return facts.source.impact.upper() if isinstance(facts, MaintenanceFacts) else "OUTAGE"


def _instant(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _text(value: str) -> str:
    """TEXT, RFC 5545, 3.3.11."""
    escaped = value.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    return " ".join(escaped.split())


def _parameter(value: str) -> str:
    """A parameter's value, RFC 5545, 3.2: quoted, and no quote within."""
    return '"' + value.replace('"', "'") + '"'


def _folded(line: str) -> str:
    """Lines of at most 75 octets, never broken within a character."""
    found: list[str] = []
    start, octets = 0, 0
    for index, character in enumerate(line):
        size = len(character.encode())
        if octets + size > _LINE:
            found.append(line[start:index])
            start, octets = index, 1
        octets += size
    return "\r\n ".join((*found, line[start:]))
