"""Release files that change while a command works are read again, and only then."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from opsctl.core.errors import ConfigurationError
from opsctl.releases.fresh import FreshReleases
from opsctl.releases.version import Version

ROOT = Path(__file__).resolve().parents[3]


def test_what_changes_is_read_again(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(ROOT / "releases", tmp_path / "releases"))
    releases = FreshReleases(folder)
    first = releases()
    assert releases() is first
    file = folder / "6.0.0.yml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("schema_version: 1", "schema_version: 1\nrevision: 2"), encoding="utf-8")
    assert releases().releases[Version.parse("6.0.0")].revision == 2
    advisory = next((folder / "platform").glob("*.yml"))
    advisory.unlink()
    assert len(releases().platform) == len(first.platform) - 1
    file.write_text("version: [", encoding="utf-8")
    for _ in range(2):
        with pytest.raises(ConfigurationError):
            releases()
    file.write_text(text, encoding="utf-8")
    assert releases().releases == first.releases
