"""The named calendars, read from their sealed files in `calendars/NAME/VERSION.json`.

A file, once sealed, is never edited: its SHA-256 stands in `calendars/seals.json`, and a file that differs is refused.
A change is a new version with a later day from which it counts (scripts/generate_calendars.py makes both).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

from opsctl.core.calendar import WorkingCalendar
from opsctl.core.errors import ConfigurationError, UsageError
from opsctl.support.model import CalendarVersion

FOLDER = Path(__file__).parent / "calendars"
CALENDARS: Mapping[str, str] = {
    "dk-public": "support hours, closed on Danish public holidays",
    "dk-company": "as dk-public, and closed on 5 June, 24 and 31 December",
    "always-open": "every hour of every day",
}
DEFAULT = "dk-public"
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_REMEDY = "restore the file from version control; a change is a new version, see scripts/generate_calendars.py"


def load(name: str, folder: Path = FOLDER) -> tuple[CalendarVersion, ...]:
    """All versions of a calendar, ascending. UsageError for an unknown name, ConfigurationError for a damaged file."""
    if name not in CALENDARS:
        raise UsageError(f"there is no calendar {name!r}", f"the calendars are {', '.join(CALENDARS)}")
    try:
        seals = json.loads((folder / "seals.json").read_text(encoding="utf-8"))
        contents = {path: path.read_bytes() for path in (folder / name).glob("*.json")}
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"the calendars in {folder} cannot be read: {error}", _REMEDY) from None
    for path, content in contents.items():
        if seals.get(f"{name}/{path.name}") != hashlib.sha256(content).hexdigest():
            raise ConfigurationError(f"{path} is not the file that was sealed", _REMEDY)
    missing = {key for key in seals if key.startswith(f"{name}/")} - {f"{name}/{path.name}" for path in contents}
    if missing or not contents:
        raise ConfigurationError(f"calendar {name} lacks {', '.join(sorted(missing)) or 'any version'}", _REMEDY)
    return in_order(sorted((_version(content) for content in contents.values()), key=lambda found: found.number))


def in_order(versions: Sequence[CalendarVersion]) -> tuple[CalendarVersion, ...]:
    """`versions` when each counts from after the day it was issued and from after its forerunner.

    Otherwise it would judge requests that are being judged already: ConfigurationError.
    """
    for earlier, later in pairwise(versions):
        if later.effective_from <= max(later.issued, earlier.effective_from):
            raise ConfigurationError(
                f"version {later.number} of calendar {later.working.name} would count from {later.effective_from}, "
                f"for requests that version {earlier.number} has judged",
                "let it count from a day after it is issued and after its forerunner's")
    return tuple(versions)


def _version(content: bytes) -> CalendarVersion:
    found: dict[str, Any] = json.loads(content)
    days = found["closing_days"]
    working = WorkingCalendar(
        found["calendar"], found["zone"],
        {index: tuple(_span(text) for text in found["hours"][day]) for index, day in enumerate(WEEKDAYS)},
        {date.fromisoformat(day): why for year in (days or {}).values() for day, why in year.items()},
        None if days is None else frozenset(int(year) for year in days))
    return CalendarVersion(found["version"], date.fromisoformat(found["issued"]),
                           date.fromisoformat(found["effective_from"]), working, hashlib.sha256(content).hexdigest())


def _span(text: str) -> tuple[int, int]:
    opens, closes = text.split("-")
    return _minutes(opens), _minutes(closes)


def _minutes(wall: str) -> int:
    hours, minutes = wall.split(":")
    return int(hours) * 60 + int(minutes)
