"""Secrets by reference."""

from __future__ import annotations

from pathlib import Path

import pytest

from opsctl.adapters.secrets import resolve
from opsctl.core.errors import ConfigurationError


def test_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPSCTL_TEST_SECRET", "hunter2")
    found = resolve("env:OPSCTL_TEST_SECRET")
    assert (found.reveal(), "hunter2" in repr(found)) == ("hunter2", False)
    monkeypatch.delenv("OPSCTL_TEST_SECRET")
    with pytest.raises(ConfigurationError):
        resolve("env:OPSCTL_TEST_SECRET")


def test_from_a_private_file(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.touch(0o600)
    path.write_text("hunter2\n")
    assert resolve(f"file:{path}").reveal() == "hunter2"
    for mode in (0o640, 0o604, 0o620, 0o660):
        path.chmod(mode)
        with pytest.raises(ConfigurationError) as error:
            resolve(f"file:{path}")
        assert "hunter2" not in error.value.message + error.value.resolution
        assert str(path) in error.value.message


def test_missing_and_empty_files_are_named(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.touch(0o600)
    for path in (empty, tmp_path / "missing", tmp_path):
        with pytest.raises(ConfigurationError) as error:
            resolve(f"file:{path}")
        assert str(path) in error.value.message
    with pytest.raises(ConfigurationError):
        resolve("vault:secret/data")
