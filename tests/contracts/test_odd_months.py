"""`promise list` and `report service` over generated history, for months that are not as they should be."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from opsctl.lab.history.fleet import Customer, fleet
from opsctl.lab.history.service import Wanted, generate
from opsctl.lab.history.whole import world
from opsctl.releases.catalogue import load
from opsctl.support import calendars
from tests.contracts.test_ledger_contract import tamper

ROOT = Path(__file__).resolve().parents[2]
LAST = date(2026, 11, 20)
DAYS, CUSTOMERS, SEED = 120, 45, 5


@dataclass(frozen=True)
class Made:
    """A generated history, its customers, and the command line over it."""

    folder: Path
    customers: tuple[Customer, ...]

    @property
    def url(self) -> str:
        return f"sqlite:///{self.folder}/ledger.db"

    def hosted(self) -> Customer:
        """One that was hosted all the time, with components, and reads English."""
        return next(one for one in self.customers if one.hosted and not one.moved and one.components
                    and one.begins < date(2026, 7, 1) and one.number % 3 == 1)

    def ask(self, *words: str, at: str = "2026-11-21T12:00:00Z") -> tuple[int, dict[str, Any], str]:
        found = subprocess.run([sys.executable, "-m", "opsctl", *words, "--at", at, "--json"], cwd=ROOT, text=True,
                               env={**os.environ, "OPSCTL_CONFIG": str(self.folder / "opsctl.yml")},
                               capture_output=True, check=False, timeout=120)
        answer = json.loads(found.stdout)
        return found.returncode, answer["data"] or {}, json.dumps(answer)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("odd") / "h"
    generate(Wanted(folder, ROOT / "releases", ROOT / "templates", CUSTOMERS, DAYS, SEED, LAST), lambda _: None)
    story = world(SEED, DAYS, LAST, load(ROOT / "releases"), calendars.load("dk-public"), datetime.now(UTC))
    return Made(folder, fleet(CUSTOMERS, SEED, story.first, story.last))


def report(made: Made, customer: str, month: str) -> tuple[int, dict[str, Any], str]:
    return made.ask("report", "service", customer, "--month", month, "--format", "json")


def sections(data: dict[str, Any]) -> dict[str, Any]:
    found = json.loads(data["report"])
    return {one["key"]: one for one in found["sections"]}


def test_a_month_that_is_not_over_is_provisional_and_the_rest_not_due(made: Made) -> None:
    code, data, text = report(made, made.hosted().name, "2026-11")
    assert code == 0, text
    assert "the month is not over" in json.loads(data["report"])["provisional"]
    days = {day["number"]: day["word"] for day in sections(data)["backups"]["days"]}
    assert days[10] in {"kept", "broken"}
    assert {days[number] for number in range(22, 31)} == {"not due"}


def test_a_month_that_has_not_begun_is_refused(made: Made) -> None:
    assert report(made, made.hosted().name, "2027-02")[0] == 2
    assert made.ask("promise", "list", made.hosted().name, "--month", "2027-02")[0] == 2


def test_a_month_before_the_customer_existed_is_refused_with_the_day(made: Made) -> None:
    name = made.hosted().name
    for words in (("promise", "list", name, "--month", "1999-01"),
                  ("report", "service", name, "--month", "1999-01", "--format", "json")):
        code, _, text = made.ask(*words)
        assert code == 2
        assert "has a contract since" in text


def test_a_month_before_the_records_begin_is_unknown_and_never_broken(made: Made) -> None:
    code, _, text = made.ask("promise", "show", made.hosted().name, "--month", "2026-06", "--promise", "P16")
    assert code == 0, text
    assert '"broken"' not in text
    assert "the ledger's records begin on" in text


def test_the_month_in_which_the_records_begin_knows_from_then_on(made: Made) -> None:
    _, data, _ = report(made, made.hosted().name, "2026-07")
    words = [day["word"] for day in sections(data)["backups"]["days"]]
    assert words[0] == "unknown" and "kept" in words
    assert "Records begin" in json.dumps(sections(data)["quality"])


def test_a_missing_probe_breaks_its_day_alone(made: Made) -> None:
    customer = made.hosted()
    ledger = sqlite3.connect(made.folder / "ledger.db")
    days = {json.loads(row[0])["day"] for row in ledger.execute(
        "SELECT payload FROM ledger_entry WHERE kind = 'network.checked' AND chain = ?", (customer.name,))}
    ledger.close()
    all_days = [date.fromordinal(LAST.toordinal() - back).isoformat() for back in range(DAYS)]
    missing = [day for day in all_days if day not in days and day.startswith(("2026-08", "2026-09", "2026-10"))]
    assert missing, "a night is missing everywhere in this history"
    _, _, text = made.ask("promise", "show", customer.name, "--month", missing[0][:7], "--promise", "P15")
    items = [one for one in _items(json.loads(text)["data"]) if one.get("day") == missing[0]]
    assert [one["verdict"] for one in items] == ["broken"], text[:2000]


def _items(data: Any) -> list[dict[str, Any]]:
    if isinstance(data, dict):
        return ([data] if "day" in data and "verdict" in data else []) + [
            one for value in data.values() for one in _items(value)]
    return [one for value in data for one in _items(value)] if isinstance(data, list) else []


def test_a_clock_that_was_set_back_breaks_nothing(made: Made) -> None:
    customer = next(one for one in made.customers if one.number % 100 == 42)
    if not customer.hosted:
        ledger = sqlite3.connect(made.folder / "ledger.db")
        stamps = [row[0] for row in ledger.execute(
            "SELECT recorded_at FROM ledger_entry WHERE chain = ? ORDER BY sequence", (customer.name,))]
        ledger.close()
        assert stamps != sorted(stamps), "its clock was set back once"
    for month in ("2026-08", "2026-09", "2026-10"):
        code, data, text = report(made, customer.name, month)
        assert code == 0, text
        assert "The ledger" not in json.dumps(sections(data)["quality"]), "a clock is no damage"


def test_damaged_entries_are_told_and_what_is_sound_is_printed(made: Made) -> None:
    customer = made.hosted()
    ledger = sqlite3.connect(made.folder / "ledger.db")
    place, day = next((row[0], json.loads(row[1])["day"]) for row in ledger.execute(
        "SELECT sequence, payload FROM ledger_entry WHERE kind = 'backup.completed' AND chain = ? ORDER BY sequence",
        (customer.name,)) if json.loads(row[1])["day"] == "2026-09-15")
    ledger.close()
    tamper(made.url, f"UPDATE ledger_entry SET payload = replace(payload, 'bytes', 'bytez') "  # noqa: S608
                     f"WHERE chain = '{customer.name}' AND sequence = {place}")
    code, data, text = report(made, customer.name, day[:7])
    assert code == 0, text
    found = sections(data)
    words = {one["number"]: one["word"] for one in found["backups"]["days"]}
    assert words[15] == "unknown", "what was there cannot be told"
    assert words[14] in {"kept", "broken"} and words[17] in {"kept", "broken"}
    assert f"edited at {customer.name}:{place}" in json.dumps(found["quality"])
    code, _, text = made.ask("promise", "list", customer.name, "--month", day[:7])
    assert code == 9, text
