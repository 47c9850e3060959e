"""Progress: a line now and then in a log, with amount, rate and time left."""

import io
import json

import pytest

from opsctl.cli import progress
from opsctl.cli.progress import Lines
from opsctl.core.errors import UsageError


@pytest.fixture
def seconds(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_a_log_gets_a_line_every_ten_seconds_with_the_time_left(seconds: list[float],
                                                                capsys: pytest.CaptureFixture[str]) -> None:
    lines = Lines(live=False)
    for done in range(0, 60):
        lines.advance("c", "backup", done * 1_000_000, 120_000_000)
        seconds[0] += 1
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 5
    assert told[0] == "c: backup 10.0 MB of about 120.0 MB, 1.0 MB/s, 1:50 left"


def test_without_an_estimate_no_time_is_invented(seconds: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    lines = Lines(live=False)
    lines.advance("c", "backup", 0)
    seconds[0] += 10
    lines.advance("c", "backup", 50_000_000)
    assert capsys.readouterr().err == "c: backup 50.0 MB, 5.0 MB/s\n"


def test_a_terminal_s_line_is_overwritten_and_gone_at_the_end(seconds: list[float],
                                                              monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    monkeypatch.setattr(progress.sys, "stderr", screen)
    lines = Lines(live=True)
    lines.advance("c", "backup", 1_000_000)
    lines.say("c", "done")
    lines.close()
    assert screen.getvalue() == "c: backup 1.0 MB\r\x1b[Jc: done\nc: backup 1.0 MB\r\x1b[J"


def test_each_customer_at_work_has_one_line_on_a_terminal(seconds: list[float],
                                                          monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    monkeypatch.setattr(progress.sys, "stderr", screen)
    monkeypatch.setenv("COLUMNS", "20")
    lines = Lines(live=True)
    lines.step("a", "one")
    lines.step("b", "a task whose name is long")
    screen.truncate(0)
    screen.seek(0)
    lines.step("a", "two\x1b[2J")
    assert screen.getvalue() == "\r\x1b[1A\x1b[Ja: two?[2J\nb: a task whose nam", "cut, and nothing of a host's drives"
    lines.step("a", "")
    assert screen.getvalue().endswith("\x1b[Jb: a task whose nam")


def test_in_a_log_each_step_is_a_line_and_no_escape_is_written(seconds: list[float],
                                                               capsys: pytest.CaptureFixture[str]) -> None:
    lines = Lines(live=False)
    lines.step("a", "act: Install")
    lines.step("a", "")
    lines.close()
    assert capsys.readouterr().err == "a: act: Install\n"


def test_machines_get_one_object_a_line_with_rate_and_time_left(seconds: list[float], monkeypatch: pytest.MonkeyPatch,
                                                                capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("OPSCTL_PROGRESS", "json")
    with progress.progress() as found:
        found.say("sample", "first line\nsecond")
        for second in range(5):
            for tenth in range(10):
                seconds[0] = 100.0 + second + tenth / 10
                found.advance("sample", "backup of ready", second * 10 + tenth, 100)
        found.advance("sample", "backup of ready", 100, 100)
        found.advance("sample", "other", 7)
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert lines[0] == {"event": "said", "customer": "sample", "message": "first line\nsecond"}
    told = [line for line in lines if line.get("what") == "backup of ready"]
    assert 5 <= len(told) <= 7
    assert told[2]["per_second"] == 10.0
    assert told[2]["seconds_left"] == 8.0
    assert told[-1]["done"] == told[-1]["total"] == 100
    assert (lines[-1]["total"], lines[-1]["seconds_left"], lines[-1]["unit"]) == (None, None, "bytes")


def test_progress_can_be_switched_off_and_an_unknown_form_is_refused(monkeypatch: pytest.MonkeyPatch,
                                                                     capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("OPSCTL_PROGRESS", "none")
    with progress.progress() as found:
        found.say("sample", "nobody reads this")
    assert capsys.readouterr().err == ""
    monkeypatch.setenv("OPSCTL_PROGRESS", "xml")
    with pytest.raises(UsageError, match="xml"), progress.progress():
        pass
