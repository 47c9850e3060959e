"""Tests that could not be exercised are counted and named at the end, so that green is not mistaken for all.

As a pytest plugin it prints `not exercised: N` with the reasons; with OPSCTL_NOTHING_LEFT_OUT=1 in the
environment, whatever cannot be exercised fails instead.
"""

from __future__ import annotations

import os
from collections import Counter
from typing import NoReturn

import pytest

_MARK = "not exercised: "


def not_exercised(reason: str) -> NoReturn:
    """End the running test or fixture: what it needs is not on this machine. reason: what exactly is missing."""
    if os.environ.get("OPSCTL_NOTHING_LEFT_OUT") == "1":
        pytest.fail(f"{_MARK}{reason}", pytrace=False)
    pytest.skip(f"{_MARK}{reason}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Count what the reports of skipped tests say; reports also arrive from the workers of pytest-xdist."""
    reasons: Counter[str] = Counter()
    for report in terminalreporter.stats.get("skipped", []):
        text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if _MARK in text:
            reasons[text.split(_MARK, 1)[1]] += 1
    terminalreporter.write_line(f"not exercised: {reasons.total()}")
    for reason, count in sorted(reasons.items()):
        terminalreporter.write_line(f"  {count} x {reason}")
