"""The fleet page as HTML and JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from opsctl.contract.services import PRODUCT
from opsctl.core.clock import iso
from opsctl.promises.model import Word
from opsctl.report.fleet import drawing
from opsctl.report.fleet.model import Group, Page
from opsctl.report.page import rendered
from opsctl.report.service.model import SYMBOLS

HTML = "fleet.html.j2"
TITLES: Mapping[str, str] = {"broken": "broken promises", "unknown": "not known", "watch": "to watch", "calm": "calm"}
CLASSES: Mapping[str, str] = {Word.KEPT: "g", Word.BROKEN: "b", Word.UNKNOWN: "u"}


def html(page: Page, templates: Path) -> str:
    """One file without scripts and external resources. ConfigurationError when the template cannot be rendered."""
    text = rendered(templates, HTML, {
        "page": page, "product": PRODUCT, "groups": tuple(Group), "titles": TITLES, "local": _local,
        "symbols": {word.value: sign for word, sign in SYMBOLS.items()},
        "classes": {word.value: CLASSES.get(word, "n") for word in Word}, "all_kept": (("k", "M0 8h180"),),
        "calendar": drawing.calendar, "calendar_words": drawing.calendar_words, "cone": drawing.cone,
        "curve": drawing.curve, "ahead": drawing.ahead})
    return "\n".join(line.strip() for line in text.splitlines() if line.strip()) + "\n"


def document(page: Page) -> dict[str, Any]:
    """The page as JSON-serialisable data, rows in its order."""
    return {
        "at": iso(page.at), "generated": page.generated, "problems": list(page.problems),
        "groups": {group.value: len(page.of(group)) for group in Group},
        "customers": [{
            "customer": row.status.customer, "group": row.group.value, "hosting": row.status.hosting,
            "ready": row.status.ready, "watch": list(row.watch), "open_requests": row.requests, "late": row.late,
            **{name: {"verdict": verdict.word.value, "detail": verdict.detail}
               for name, verdict in row.status.verdicts.items()},
            "backup_days": {day.isoformat(): word.value for day, word in row.days},
            "disk": None if row.disk is None else {
                "place": row.disk.place, "used_percent": row.disk.now, "full": row.disk.text}} for row in page.rows],
        "requests": {"open": page.open_requests, "shown": [asdict(ask) for ask in page.asks]},
        "releases": [asdict(one) for one in page.releases],
        "windows": [{"opens": iso(one.opens), "closes": iso(one.closes), "zone": one.zone,
                     "customers": len(one.customers), "due": dict(one.due)} for one in page.windows]}


def _local(instant: datetime, zone: str) -> datetime:
    return instant.astimezone(ZoneInfo(zone))
