"""Every promise of the data sheet is kept by commands and tests that exist, or its gap is named."""

import functools
import importlib
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from opsctl.cli.command import DECLARED
from opsctl.cli.main import COMMANDS, GROUPS
from opsctl.contract.promises import PROMISES
from opsctl.contract.services import PRODUCT

ROOT = Path(__file__).resolve().parents[2]
MAP: dict[str, dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "promises.yml").read_text(encoding="utf-8"))


@functools.cache
def functions() -> set[str]:
    return {name for path in (ROOT / "tests").rglob("test_*.py") if ".venv" not in path.parts
            for name in re.findall(r"^def (test_\w+)\(", path.read_text(encoding="utf-8"), re.MULTILINE)}


def test_all_sixty_promises_are_mapped() -> None:
    assert list(MAP) == list(PROMISES)


@pytest.mark.parametrize("number", PROMISES)
def test_promise(number: str) -> None:
    entry = MAP[number]
    assert set(entry) <= {"commands", "tests", "gap"}
    assert entry.get("tests") or entry.get("gap"), "name the tests that keep it, or the gap"
    assert not set(entry.get("tests", ())) - functions()
    for name in (*GROUPS, *COMMANDS):
        importlib.import_module(f"opsctl.cli.{name}")
    known = {f"{group} {name}".strip() for group, name in DECLARED}
    assert not set(entry.get("commands", ())) - known


def test_one_spelling_of_the_product() -> None:
    wrong = ("REAdy", "READy")
    for folder in ("opsctl", "templates", "releases", "docs", "playbooks", "inventories"):
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in {".py", ".yml", ".j2", ".md", ".html", ".txt"}:
                text = path.read_text(encoding="utf-8")
                assert not any(word in text for word in wrong), path
    assert PRODUCT == "READY"
