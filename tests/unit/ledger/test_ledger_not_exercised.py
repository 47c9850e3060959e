"""What cannot be exercised is counted and named at the end, and fails when nothing may be left out."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[3]
TESTS = """
import pytest
from tests.not_exercised import not_exercised
@pytest.fixture(scope="session")
def machine():
    not_exercised("no such machine")
def test_one(machine): pass
def test_two(machine): pass
def test_three(): not_exercised("no network")
def test_plain_skip(): pytest.skip("something else")
def test_passes(): pass
"""


def run(folder: Path, nothing_left_out: str, *options: str) -> str:
    (folder / "test_example.py").write_text(TESTS)
    environment = {**os.environ, "OPSCTL_NOTHING_LEFT_OUT": nothing_left_out, "PYTHONPATH": str(REPOSITORY)}
    return subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "tests.not_exercised", "-p", "no:cacheprovider",
                           "--rootdir", str(folder), *options, str(folder)], cwd=folder, env=environment, text=True,
                          capture_output=True, check=False).stdout


@pytest.mark.slow
@pytest.mark.parametrize("options", [(), ("-n", "2")])
def test_reasons_are_counted_and_named(tmp_path: Path, options: tuple[str, ...]) -> None:
    output = run(tmp_path, "", *options)
    assert "not exercised: 3\n  1 x no network\n  2 x no such machine\n" in output
    assert "1 passed, 4 skipped" in output


@pytest.mark.slow
def test_nothing_may_be_left_out(tmp_path: Path) -> None:
    output = run(tmp_path, "1")
    assert "not exercised: 0" in output and "not exercised: no such machine" in output
    assert "1 failed, 1 passed, 1 skipped, 2 errors" in output
