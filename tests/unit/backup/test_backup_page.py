"""docs/backup.md: each row of the table of faults names a test that is there."""

from __future__ import annotations

import re

from tests.unit.backup.made import ROOT


def test_every_fault_on_the_page_has_its_test() -> None:
    page = (ROOT / "docs" / "backup.md").read_text(encoding="utf-8")
    table = page.split("## What goes wrong")[1].split("\n## ")[0]
    rows = [line for line in table.splitlines() if line.startswith("|")][2:]
    names = [re.findall(r"`(test_\w+)`", row) for row in rows]
    assert len(rows) > 20
    assert all(len(found) == 1 for found in names), [row for row, found in zip(rows, names, strict=True) if not found]
    written = {name for path in (ROOT / "tests").rglob("test_*.py")
               for name in re.findall(r"def (test_\w+)\(", path.read_text(encoding="utf-8"))}
    assert {found[0] for found in names} <= written
