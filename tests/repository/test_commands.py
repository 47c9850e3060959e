"""Every command names the service it delivers, or why it delivers none; help, documents and code agree."""

import importlib
import json
from pathlib import Path

import pytest

from opsctl.cli.command import DECLARED, Kind
from opsctl.cli.main import COMMANDS, GROUPS
from scripts.generate_docs import generated
from tests import forked

ROOT = Path(__file__).resolve().parents[2]
for name in (*GROUPS, *COMMANDS):
    importlib.import_module(f"opsctl.cli.{name}")
EVERY = sorted(DECLARED)
# Commands that work on customers' systems or records: each must deliver a service of the contract.
DELIVER = {("backup", "run"), ("backup", "list"), ("backup", "verify"), ("backup", "restore"), ("backup", "prune"),
           ("backup", "clean"), ("backup", "pin"), ("backup", "unpin"), ("backup", "rehearse"), ("backup", "keys"),
           ("backup", "copy"),
           ("patch", "plan"), ("patch", "apply"), ("storage", "check"), ("storage", "forecast"),
           ("storage", "history"), ("network", "check"), ("network", "history"), ("network", "inventory"),
           ("network", "renew"),
           ("notice", "draft"),
           ("notice", "approve"), ("notice", "send"), ("notice", "bounce"), ("notice", "confirm"), ("", "nightly"),
           ("api", "check"), ("api", "rotate"), ("api", "withdraw"), ("customer", "offboard"),
           ("licence", "check"),
           ("release", "plan"), ("release", "install"), ("release", "rollback"), ("release", "impact"),
           ("module", "list"), ("module", "enable"), ("module", "disable"),
           ("upgrade", "plan"), ("upgrade", "apply"), ("upgrade", "rollback"), ("upgrade", "finish"),
           ("", "resume")}


def opsctl(*arguments: str) -> forked.Ended:
    return forked.run(arguments, {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "COLUMNS": "100"})


def test_all_commands_are_declared() -> None:
    groups = {group for group, _ in EVERY}
    assert groups == {*GROUPS, ""}
    assert {name for group, name in EVERY if group == ""} == set(COMMANDS)


@pytest.mark.parametrize("key", EVERY, ids=lambda key: " ".join(key).strip())
def test_a_command_names_its_service_or_why_it_has_none(key: tuple[str, str]) -> None:
    declaration = DECLARED[key]
    assert bool(declaration.services) != bool(declaration.without)
    assert bool(declaration.services) == (key in DELIVER)


@pytest.mark.parametrize("key", EVERY, ids=lambda key: " ".join(key).strip())
def test_help_answers_and_offers_json(key: tuple[str, str]) -> None:
    done = opsctl(*(part for part in key if part), "--help")
    assert done.returncode == 0, done.stderr
    assert "--json" in done.stdout
    assert "\x1b" not in done.stdout


def test_a_command_that_acts_refuses_to_travel_in_time() -> None:
    for (group, name), declaration in DECLARED.items():
        if declaration.kind is Kind.ACTS:
            done = opsctl(*(part for part in (group, name) if part), "--at", "2026-01-01T00:00:00Z", "--json")
            assert done.returncode == 2, (group, name, done.stdout)
            assert json.loads(done.stdout)["exit_code"] == 2


@pytest.mark.parametrize("path", ["docs/contract.md", "docs/commands.md", "inventories/profile.schema.json"])
def test_generated_documents_are_the_code_s(path: str) -> None:
    assert (ROOT / path).read_text(encoding="utf-8") == generated()[path], "run scripts/generate_docs.py"


def test_sample_files_refer_to_the_schema() -> None:
    for path in (ROOT / "inventories").glob("*/profile.yml"):
        assert "yaml-language-server: $schema=../profile.schema.json" in path.read_text(encoding="utf-8")
