"""`opsctl storage forecast` and `history` of what the ledger has."""

from pathlib import Path
from typing import Any

from opsctl.core.clock import SystemClock
from opsctl.ledger import open_ledger
from tests.unit.cli.conftest import Run

EMPTY = {"host": "aalund-1", "mount": "/mnt/empty", "bytes_used": 0, "bytes_available": 0, "error": ""}
DATA = {"host": "aalund-1", "mount": "/", "bytes_used": 30, "bytes_available": 10, "error": ""}


def test_a_volume_of_0_bytes_keeps_nobody_from_the_forecast(opsctl: Run, tmp_path: Path) -> None:
    ledger = open_ledger(f"sqlite:///{tmp_path}/ledger.db", SystemClock())
    volumes: dict[str, list[dict[str, Any]]] = {"sample-aalund": [EMPTY, DATA], "sample-birkeby": [DATA]}
    for customer, found in volumes.items():
        ledger.append(customer, "storage.measured", {"level": "critical", "volumes": found}, actor="tests")
    ledger.close()
    for words in (("forecast",), ("history",)):
        answer = opsctl("storage", *words, "--all")
        assert answer.code == 0, answer
        shown = {line.split()[0]: line for line in answer.stdout.splitlines() if "aalund-1:/mnt/empty" in line}
        assert list(shown) == ["sample-aalund"] and "%" not in shown["sample-aalund"]
        assert [line.split()[0] for line in answer.stdout.splitlines() if "75.0 %" in line] == [
            "sample-aalund", "sample-birkeby"]
    found = opsctl("storage", "forecast", "--all", "--json").envelope["data"]["volumes"]
    assert [(one["mount"], one["usable_bytes"]) for one in found if one["customer"] == "sample-aalund"] == [
        ("/", 40), ("/mnt/empty", 0)]
