"""The sealed files of the calendars: what differs from its seal, or is gone, is refused."""

import json
import shutil
from pathlib import Path

import pytest

from opsctl.core.errors import ConfigurationError, UsageError
from opsctl.support.calendars import CALENDARS, FOLDER, load


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(FOLDER, tmp_path / "calendars"))


def test_the_hours_of_the_sheet() -> None:
    for name in ("dk-public", "dk-company"):
        hours = load(name)[-1].working.hours
        assert [hours[day] for day in range(7)] == [((480, 960),)] * 4 + [((480, 870),), (), ()]
    assert set(load("always-open")[-1].working.hours.values()) == {((0, 1440),)}


def test_an_edited_file_is_refused(folder: Path) -> None:
    path = folder / "dk-public" / "1.json"
    path.write_text(path.read_text(encoding="utf-8").replace("2026-12-25", "2026-12-24"), encoding="utf-8")
    with pytest.raises(ConfigurationError, match="is not the file that was sealed"):
        load("dk-public", folder)
    assert load("dk-company", folder)


def test_a_file_without_a_seal_is_refused(folder: Path) -> None:
    shutil.copy(folder / "dk-public" / "1.json", folder / "dk-public" / "2.json")
    with pytest.raises(ConfigurationError, match="is not the file that was sealed"):
        load("dk-public", folder)


def test_a_missing_file_is_named(folder: Path) -> None:
    (folder / "dk-public" / "1.json").unlink()
    with pytest.raises(ConfigurationError, match=r"dk-public/1\.json"):
        load("dk-public", folder)


@pytest.mark.parametrize("text", ["", "{"])
def test_seals_that_cannot_be_read(folder: Path, text: str) -> None:
    (folder / "seals.json").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load("dk-public", folder)


@pytest.mark.parametrize("name", ["dk", "../dk-public", "", "seals.json"])
def test_an_unknown_calendar(name: str) -> None:
    with pytest.raises(UsageError) as caught:
        load(name)
    assert all(known in caught.value.resolution for known in CALENDARS)


def test_every_file_has_a_known_name() -> None:
    seals = json.loads((FOLDER / "seals.json").read_text(encoding="utf-8"))
    assert {key.split("/")[0] for key in seals} == set(CALENDARS)
