"""The profiles of a preview: read once, again when the file changes, and only those it was started for."""

from __future__ import annotations

import shutil
from pathlib import Path

from opsctl.notices.preview.profiles import Profiles
from tests.unit.notices.conftest import ROOT

NAMES = ("sample-dalmose", "sample-elmegaard")


def test_what_changes_shows_and_what_is_broken_is_left_out(tmp_path: Path) -> None:
    for name in NAMES:
        shutil.copytree(ROOT / "inventories" / name, tmp_path / name)
    profiles = Profiles(tmp_path, ())
    first = profiles()
    assert tuple(profile.customer for profile in first) == NAMES
    assert profiles()[0] is first[0], "not read again"
    path = tmp_path / "sample-dalmose" / "profile.yml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("Dalmose Water (sample)", "Dalmose Water and Heat (sample)"), encoding="utf-8")
    assert profiles()[0].name == "Dalmose Water and Heat (sample)" and profiles()[1] is first[1]
    path.write_text("customer: [", encoding="utf-8")
    assert profiles() == (first[1],) and profiles.one("sample-dalmose") is None
    shutil.rmtree(tmp_path / "sample-elmegaard")
    assert profiles() == ()


def test_a_preview_for_some_shows_no_other(tmp_path: Path) -> None:
    profiles = Profiles(ROOT / "inventories", NAMES[1:])
    assert [profile.customer for profile in profiles()] == ["sample-elmegaard"]
    for name in ("sample-dalmose", "../inventories/sample-elmegaard", ""):
        assert profiles.one(name) is None
        assert name == "sample-dalmose" or Profiles(ROOT / "inventories", ()).one(name) is None
