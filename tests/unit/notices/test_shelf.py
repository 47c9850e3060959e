"""What lies where a draft belongs."""

from __future__ import annotations

from pathlib import Path

import pytest

from opsctl.core.errors import ConfigurationError
from opsctl.notices import shelf

CONTENT = {"notice.json": b"{}", "message.txt": b"words"}


def test_a_draft_is_intact_altered_or_missing(tmp_path: Path) -> None:
    folder = shelf.place(tmp_path, "sample-elmegaard", "release-6.0.0", 1)
    assert shelf.look(folder, CONTENT) is shelf.Found.MISSING
    shelf.put(folder, CONTENT)
    assert shelf.look(folder, CONTENT) is shelf.Found.INTACT
    (folder / "more.txt").touch()
    assert shelf.look(folder, CONTENT) is shelf.Found.ALTERED
    assert shelf.look(folder / "more.txt", CONTENT) is shelf.Found.MISSING, "a file where a folder belongs"


@pytest.mark.parametrize("refused", ["iterdir", "read_bytes"])
def test_a_draft_of_another_user_is_a_setting_to_correct(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: str
                                                         ) -> None:
    folder = shelf.place(tmp_path, "sample-elmegaard", "release-6.0.0", 1)
    shelf.put(folder, CONTENT)

    def no(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, refused, no)
    with pytest.raises(ConfigurationError, match="cannot be read: Permission denied") as error:
        shelf.look(folder, CONTENT)
    assert "run as the user who drafts" in error.value.resolution
