"""Secrets by reference."""

from __future__ import annotations

import os
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


def test_both_kinds_are_cleaned_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "secret"
    path.touch(0o600)
    path.write_bytes(b"\xef\xbb\xbfhunter2\r\n")
    assert resolve(f"file:{path}").reveal() == "hunter2"
    monkeypatch.setenv("OPSCTL_TEST_SECRET", "hunter2\n")
    assert resolve("env:OPSCTL_TEST_SECRET").reveal() == "hunter2"
    monkeypatch.setenv("OPSCTL_TEST_SECRET", "  ")
    with pytest.raises(ConfigurationError, match="empty"):
        resolve("env:OPSCTL_TEST_SECRET")


def test_a_pipe_or_a_large_file_is_no_secret_and_nothing_is_waited_for(tmp_path: Path) -> None:
    pipe, large = tmp_path / "pipe", tmp_path / "large"
    os.mkfifo(pipe, 0o600)
    large.touch(0o600)
    large.write_bytes(b"x" * (1 << 17))
    with pytest.raises(ConfigurationError, match="no regular file"):
        resolve(f"file:{pipe}")
    with pytest.raises(ConfigurationError, match="larger than"):
        resolve(f"file:{large}")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_another_user_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.touch(0o600)
    path.write_text("hunter2")
    os.chown(path, 12345, 12345)
    with pytest.raises(ConfigurationError, match="belongs to another user"):
        resolve(f"file:{path}")
