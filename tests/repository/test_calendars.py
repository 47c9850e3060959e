"""The tables of closing days against `holidays`, and the seals: a version that judged requests stays as it is."""

import json
import shutil
from datetime import date
from pathlib import Path

import holidays
import pytest

from opsctl.support.calendars import FOLDER, load
from scripts.generate_calendars import COMPANY, make

# Add a line with each new version; never change one.
SEALED = {
    "always-open/1.json": "924bfa062a132b91e9408240d7017b47ca45396280c20f0fc7c91bd42c49ddd0",
    "dk-company/1.json": "f361ac6a47a70cfc2c9f0240052c77f97757f496932806a20e66d6643150caea",
    "dk-public/1.json": "45e919600f50a8db0d6ef8ac1cd4d4fb1c9942c0711e170d26969a9ec85f1be0",
}


def test_no_sealed_version_was_edited() -> None:
    assert json.loads((FOLDER / "seals.json").read_text(encoding="utf-8")) == SEALED


@pytest.mark.parametrize("name", ["dk-public", "dk-company"])
def test_the_newest_table_is_that_of_holidays(name: str) -> None:
    working = load(name)[-1].working
    assert working.years is not None
    expected = set(holidays.country_holidays("DK", years=sorted(working.years), categories=("public",)))
    if name == "dk-company":
        expected |= {date(year, month, day) for year in working.years for month, day in COMPANY}
    assert set(working.closing_days) == expected
    assert working.years == set(range(min(working.years), max(working.years) + 1))


def test_the_years_in_use_have_a_table() -> None:
    years = load("dk-public")[-1].working.years
    assert years is not None
    assert {date.today().year, date.today().year + 1} <= years, "make a new version before the year runs out"


def test_a_new_version_stands_beside_the_old_one(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(FOLDER, tmp_path / "calendars"))
    make(folder, range(2026, 2036), "2099-01-01")
    assert [version.number for version in load("dk-public", folder)] == [1, 2]
    assert load("dk-public", folder)[0] == load("dk-public")[0]
    assert load("always-open", folder) == load("always-open")
