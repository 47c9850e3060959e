"""Print how often the storage forecast is wrong on the seeded series, as the table of docs/surveillance.md."""

from __future__ import annotations

import sys

from tests.unit.storage.judging import table

if __name__ == "__main__":
    sys.stdout.write(table() + "\n")
