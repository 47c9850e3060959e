"""Makes a new version of each Danish calendar from the `holidays` package, and seals it.

    .venv/bin/python -m scripts.generate_calendars FIRST_YEAR LAST_YEAR EFFECTIVE_FROM

A version, once sealed, is never made again: requests were judged by it. A test compares the newest one with `holidays`.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import holidays

from opsctl.support.calendars import FOLDER, WEEKDAYS

COMPANY = {(6, 5): "Constitution Day (company)", (12, 24): "Christmas Eve (company)",
           (12, 31): "New Year's Eve (company)"}
SUPPORT = {**{day: ["08:00-16:00"] for day in WEEKDAYS[:4]}, "friday": ["08:00-14:30"], "saturday": [], "sunday": []}
ALWAYS = {day: ["00:00-24:00"] for day in WEEKDAYS}


def closing_days(years: Iterable[int], company: bool) -> dict[str, dict[str, str]]:
    """Closing days by year: name by ISO date. Denmark's public holidays, with the company's own when asked for."""
    tables: dict[str, dict[str, str]] = {}
    for year in years:
        days = dict(holidays.country_holidays("DK", years=year, language="en_US", categories=("public",)))
        own = {date(year, month, day): name for (month, day), name in COMPANY.items()} if company else {}
        tables[str(year)] = {day.isoformat(): name for day, name in sorted({**own, **days}.items())}
    return tables


def seal(folder: Path, content: dict[str, Any]) -> None:
    """Write the next version of a calendar and its SHA-256; no version is overwritten."""
    name = content["calendar"]
    (folder / name).mkdir(parents=True, exist_ok=True)
    number = len(list((folder / name).glob("*.json"))) + 1
    path = folder / name / f"{number}.json"
    text = json.dumps({"calendar": name, "version": number, **content}, ensure_ascii=False, indent=1) + "\n"
    with path.open("x", encoding="utf-8") as file:
        file.write(text)
    seals = folder / "seals.json"
    known = json.loads(seals.read_text(encoding="utf-8")) if seals.exists() else {}
    known[f"{name}/{path.name}"] = hashlib.sha256(text.encode()).hexdigest()
    seals.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def make(folder: Path, years: range, effective_from: str) -> None:
    """A new version of both Danish calendars; the calendar without closing days is made once."""
    issued = datetime.now(UTC).date().isoformat()
    base = {"issued": issued, "effective_from": effective_from, "zone": "Europe/Copenhagen"}
    for name, company in (("dk-public", False), ("dk-company", True)):
        seal(folder, {"calendar": name, **base, "hours": SUPPORT,
                      "source": f"holidays {holidays.__version__}, Denmark, category public",
                      "closing_days": closing_days(years, company)})
    if not (folder / "always-open").exists():
        seal(folder, {"calendar": "always-open", **base, "effective_from": "1990-01-01", "hours": ALWAYS, "source": "",
                      "closing_days": None})


if __name__ == "__main__":
    make(FOLDER, range(int(sys.argv[1]), int(sys.argv[2]) + 1), sys.argv[3])
