"""The operator's snapshot program: what it is told, and what counts as done. Real programs."""

from pathlib import Path

import pytest

from opsctl.adapters.snapshots import snapshot
from opsctl.core.errors import OperationFailed

pytestmark = pytest.mark.slow


def program(tmp_path: Path, script: str) -> list[str]:
    file = tmp_path / "program"
    file.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    file.chmod(0o755)
    return [str(file), "first"]


def call(command: list[str], seconds: float = 20) -> None:
    snapshot(command, seconds, "take", "north", "db1", "192.0.2.1", "before")


def test_it_is_told_all_and_nothing_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "x")
    call(program(tmp_path, f'echo "$*" > {tmp_path}/told; env > {tmp_path}/env'))
    assert (tmp_path / "told").read_text() == "first take north db1 192.0.2.1 before\n"
    assert "SECRET" not in (tmp_path / "env").read_text()


@pytest.mark.parametrize(("script", "words"), [
    ("echo no room >&2; exit 3", "it ended with 3"), ("kill -9 $$", "it ended with -9"),
    ("exec sleep 20", "did not end within 1 seconds")])
def test_whatever_else_is_a_failure(tmp_path: Path, script: str, words: str) -> None:
    with pytest.raises(OperationFailed, match=words) as failed:
        call(program(tmp_path, script), seconds=1)
    assert "db1: the snapshot program could not take before" in failed.value.message
    assert failed.value.details == (("no room",) if "room" in script else ())


def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(OperationFailed, match="No such file"):
        call([str(tmp_path / "nowhere")])
