"""The release files together."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from opsctl.core.errors import ConfigurationError
from opsctl.releases.catalogue import load
from opsctl.releases.version import Version
from tests.unit.releases.release_values import catalogue, release, release_data, withdrawn


def write(folder: Path, name: str, data: object) -> None:
    (folder / name).write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")


def test_all_errors_of_all_files_at_once(tmp_path: Path) -> None:
    write(tmp_path, "5.4.0.yml", release_data("5.4.0", "5.3.0"))
    write(tmp_path, "5.4.1.yml", {**release_data("5.4.1", "5.4.0"), "status": "announced", "colour": "red"})
    write(tmp_path, "5.4.3.yml", release_data("5.4.4", "5.4.2"))
    write(tmp_path, "5.5.0.yml", release_data("5.5.0", "5.4.0", **withdrawn(replaced_by="5.5.1")))
    (tmp_path / "5.6.0.yml").write_text("version: [", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="have 6 errors") as caught:
        load(tmp_path)
    text = "\n".join(caught.value.details)
    assert f"{tmp_path}/5.4.1.yml:4:1 status: must be one of" in text
    assert "5.4.1.yml" in text and "colour: is not a known key" in text
    assert "5.4.3.yml:2:1 version: must be the file's name, 5.4.3" in text
    assert "5.4.3.yml:3:1 previous: has no release file" in text
    assert "replaced_by has no release file" in text
    assert "5.6.0.yml:" in text


def test_only_the_oldest_may_name_a_previous_without_a_file(tmp_path: Path) -> None:
    write(tmp_path, "5.4.0.yml", release_data("5.4.0", "5.3.0"))
    write(tmp_path, "5.4.1.yml", release_data("5.4.1", "5.4.0"))
    assert [str(version) for version in load(tmp_path).releases] == ["5.4.0", "5.4.1"]


def test_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="does not exist"):
        load(tmp_path / "none")


def test_newest_leaves_out_drafts_withdrawn_and_pre_releases() -> None:
    found = catalogue(release("5.4.0", "5.3.0"), release("5.4.1", "5.4.0", status="draft", published_at=None),
                      release("5.5.0", "5.4.0", **withdrawn()), release("6.0.0-rc.1", "5.4.0"))
    assert [str(entry.version) for entry in found.published()] == ["5.4.0"]
    assert [str(entry.version) for entry in found.published(pre_releases=True)] == ["6.0.0-rc.1", "5.4.0"]
    assert found.newest(Version.parse("5.4.0")) is None


def test_newest_within_a_major_version() -> None:
    found = catalogue(release("5.4.0", "5.3.0"), release("5.5.0", "5.4.0"), release("6.0.0", "5.5.0"))
    newest = found.newest(Version.parse("5.4.0"), major=5)
    assert newest is not None and str(newest.version) == "5.5.0"


def test_the_lineage_follows_development_not_numbers() -> None:
    found = catalogue(release("5.3.8", "5.3.7"), release("5.3.9", "5.3.8"), release("5.4.0", "5.3.8"),
                      release("5.4.1", "5.4.0"))
    assert [str(entry.version) for entry in found.lineage(Version.parse("5.4.1"))] == ["5.4.1", "5.4.0", "5.3.8"]
