"""Licences for other programs: dates as iCalendar (RFC 5545), packages as CycloneDX 1.6."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import quote

from opsctl.core.clock import require_aware
from opsctl.profiles.parts import Licence
from opsctl.records.licences import Inventory, order_by

_LINE = 75
"""Octets of a line at most, without its end (RFC 5545, 3.1)."""
_REMIND_DAYS = (90, 30, 7)


def calendar(licences: Iterable[tuple[str, Licence]], now: datetime) -> str:
    """All-day events for ends, notice dates and last days to order, with reminders 90, 30 and 7 days before.

    licences: with the customer each belongs to. Lines end with CR LF.
    """
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//opsctl//licences//EN", "CALSCALE:GREGORIAN"]
    stamp = f"{require_aware(now):%Y%m%dT%H%M%SZ}"
    for customer, licence in licences:
        for what, day in _dates(licence):
            lines += _event(customer, licence, what, day, stamp)
    return "".join(f"{folded}\r\n" for line in [*lines, "END:VCALENDAR"] for folded in _folded(line))


def cyclonedx(customer: str, inventory: Inventory, now: datetime) -> Mapping[str, Any]:
    """A software bill of materials: one component per package and host, licences by name."""
    components = [{
        "type": "library", "bom-ref": f"{host}/{package.name}:{package.architecture}", "name": package.name,
        "version": package.version,
        "purl": f"pkg:deb/debian/{quote(package.name)}@{quote(package.version, safe='')}?arch={package.architecture}",
        **({"licenses": [{"license": {"name": name}} for name in package.licences]} if package.licences else {}),
        "properties": [{"name": "opsctl:host", "value": host}]}
        for host, packages in sorted(inventory.items()) for package in packages]
    digest = hashlib.sha256(repr(components).encode()).hexdigest()
    serial = uuid.uuid5(uuid.NAMESPACE_URL, f"opsctl:{customer}:{digest}")
    return {"bomFormat": "CycloneDX", "specVersion": "1.6", "serialNumber": f"urn:uuid:{serial}", "version": 1,
            "metadata": {"timestamp": f"{require_aware(now):%Y-%m-%dT%H:%M:%SZ}",
                         "tools": {"components": [{"type": "application", "name": "opsctl"}]},
                         "component": {"type": "platform", "bom-ref": customer, "name": customer}},
            "components": components}


def _dates(licence: Licence) -> Iterator[tuple[str, date]]:
    if licence.valid_to is not None:
        yield "licence ends", licence.valid_to
    order = order_by(licence)
    if order is not None:
        yield "last day to order the renewal", order
    if licence.notice_by is not None:
        yield "last day to give notice", licence.notice_by


def _event(customer: str, licence: Licence, what: str, day: date, stamp: str) -> Iterator[str]:
    uid = uuid.uuid5(uuid.NAMESPACE_URL, f"opsctl:{customer}:{licence.vendor}:{licence.product}:{what}")
    yield from ("BEGIN:VEVENT", f"UID:{uid}", f"DTSTAMP:{stamp}", f"DTSTART;VALUE=DATE:{day:%Y%m%d}",
                f"DTEND;VALUE=DATE:{day + timedelta(days=1):%Y%m%d}", "TRANSP:TRANSPARENT",
                f"SUMMARY:{_text(f'{licence.product}: {what} ({customer})')}",
                f"DESCRIPTION:{_text(f'{licence.quantity} {licence.metric} of {licence.vendor}; {licence.held_at}')}")
    for days in _REMIND_DAYS:
        said = _text(f"{licence.product}: {what} in {days} days")
        yield from ("BEGIN:VALARM", "ACTION:DISPLAY", f"DESCRIPTION:{said}", f"TRIGGER:-P{days}D", "END:VALARM")
    yield "END:VEVENT"


def _text(text: str) -> str:
    for character in ("\\", ";", ","):
        text = text.replace(character, f"\\{character}")
    return text.replace("\n", "\\n")


def _folded(line: str) -> Iterator[str]:
    """The line in pieces of at most 75 octets, never within a character; those after the first begin with a space."""
    piece, room = "", _LINE
    for character in line:
        size = len(character.encode())
        if size > room:
            yield piece
            piece, room = " ", _LINE - 1
        piece += character
        room -= size
    yield piece
