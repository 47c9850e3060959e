"""What a release file may say, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from opsctl.releases.model import ADAPTER
from tests.unit.releases.release_values import fix, release, release_data, security, withdrawn


def test_a_sound_release() -> None:
    found = release("5.4.2", "5.4.1")
    assert str(found.version) == "5.4.2"
    assert ADAPTER.validate_python(found.model_dump(mode="json", by_alias=True)) == found


@pytest.mark.parametrize(("changed", "words"), [
    ({"kind": "minor"}, "kind: must be patch, the step from `previous`"),
    ({"previous": "5.4.2"}, "previous: must lie below"),
    ({"previous": "5.4.0-rc.1"}, "not a pre-release"),
    ({"support": {"until": "2027-12-31", "branch": "5.3"}}, 'support.branch: must be "5.4"'),
    ({"upgrade": {"from": ">=5.0.0"}}, "must not contain the release itself"),
    ({"published_at": None}, "only a draft has none"),
    ({"published_at": "2026-01-05T09:00:00"}, "timezone"),
    ({"status": "withdrawn"}, "belongs to status withdrawn"),
    ({**withdrawn(), "status": "published"}, "belongs to status withdrawn"),
    ({"apt": None}, "at least one file to download"),
    ({"apt": {"package": "ready-server", "version": "5.4.20"}}, "apt.version: must be 5.4.2"),
    ({"changes": [fix("ERR-1000", modules=["heat-forecast"])]}, "not listed under `modules`"),
    ({"changes": [{**security("CVE-1900-10001"), "cve": []}]}, "neither error nor cve"),
    ({"changes": [security("CVE-1900-10001", "CVSS:3.1/AV:N")]}, "CVSS 3 base vector"),
    ({"changes": [{"type": "fix", "error": "ERR-1000", "text": {"da": "Kun dansk."}}]}, "en"),
    ({"changes": [{"type": "fix", "text": {"en": "No id."}}]}, "error"),
    ({"changes": [{"type": "feature", "text": {"en": "Two\nlines."}}]}, "one line"),
    ({"changes": []}, "at least 1"),
    ({"surprise": 1}, "Extra"),
    ({"artifacts": [{"os": "debian", "url": "http://downloads.example/r.deb", "size": 1, "sha256": "0" * 64}]}, "url"),
    ({"artifacts": [{"os": "debian", "url": "https://downloads.example/r.deb", "size": 1}]}, "sha256"),
    ({"install": {"playbook": "../x", "restart": "none", "downtime_minutes": 1, "db_migration": False,
                  "reversible_until": "always"}}, "playbook"),
    ({"install": {"playbook": "x", "restart": "none", "downtime_minutes": 1, "db_migration": False,
                  "reversible_until": "migration"}}, "needs db_migration"),
])
def test_what_is_refused(changed: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words.replace("`", ".").replace("(", r"\(")):
        ADAPTER.validate_python({**release_data("5.4.2", "5.4.1"), **changed})


def test_a_pre_release_as_debian_writes_it() -> None:
    assert release("6.0.0-rc.1", "5.5.0").apt is not None
    with pytest.raises(ValidationError, match=r"6\.0\.0~rc\.1"):
        release("6.0.0-rc.1", "5.5.0", apt={"package": "ready-server", "version": "6.0.0-rc.1"})


def test_no_value_is_quoted_in_an_error() -> None:
    with pytest.raises(ValidationError) as caught:
        release("5.4.2", "5.4.1", support={"until": "sesame", "branch": "5.4"})
    assert "sesame" not in str(caught.value)
