"""Long work on a host tells of its own failure, not of an earlier try's."""

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.unit.upgrades.conftest import load_utility


@pytest.fixture
def job(ready: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    module = load_utility("opsctl_job")
    monkeypatch.setattr(module, "LOGS", str(tmp_path))
    # The unit's command, run here without systemd, its output appended as systemd does.
    stand_in = tmp_path / "systemd-run"
    stand_in.write_text('#!/bin/sh\nwhile [ "${1#--}" != "$1" ]; do shift; done\nexec "$@" >> "$LOG" 2>&1\n')
    stand_in.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    made = module.Job("opsctl-test", 60)
    monkeypatch.setenv("LOG", made.log)
    return made


def test_what_an_earlier_try_said_is_not_told_again(job: Any, ready: ModuleType) -> None:
    for said in ("E: Could not get lock", "E: held broken packages"):
        with pytest.raises(ready.Failed) as failed:
            job.run("update", ["sh", "-c", f"echo reading; echo {said}; exit 100"])
        assert said in str(failed.value) and str(failed.value).count("E: ") == 1
    kept = Path(job.log).read_text(encoding="utf-8")
    assert "get lock" in kept and "held broken" in kept, "the log keeps both"
