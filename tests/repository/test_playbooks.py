"""Playbooks, roles and modules: catalogued, documented, linted, and nothing beside what is used."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from opsctl.adapters.ansible_catalogue import OPERATIONS, roles_of
from opsctl.profiles.inventory import hosts_yaml
from opsctl.profiles.loader import customer_names, load_profile
from opsctl.profiles.model import KamstrupProfile

ROOT = Path(__file__).resolve().parents[2]
PLAYBOOKS = ROOT / "playbooks"
BINARIES = Path(sys.executable).parent
NAMES = sorted(path.stem for path in PLAYBOOKS.glob("*.yml"))
ROLES = sorted(path.name for path in (PLAYBOOKS / "roles").iterdir() if path.is_dir())
MODULES = sorted((PLAYBOOKS / "library").glob("*.py"))
KEYWORDS = {"name", "when", "register", "loop", "loop_control", "changed_when", "failed_when", "check_mode", "no_log",
            "vars", "until", "retries", "delay", "block", "always", "rescue", "become", "notify", "tags"}


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def tasks_below(tasks: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = []
    for task in tasks:
        found.append(task)
        for part in ("block", "always", "rescue"):
            found += tasks_below(task.get(part) or [])
    return found


def test_every_playbook_has_one_operation_and_every_operation_a_playbook() -> None:
    # A command may need several playbooks; a playbook is one operation.
    assert sorted(operation.playbook for operation in OPERATIONS) == NAMES


def test_every_operation_is_used_by_exactly_one_service() -> None:
    from opsctl.adapters import ansible_catalogue

    constants = [name for name, value in vars(ansible_catalogue).items()
                 if isinstance(value, ansible_catalogue.Operation)]
    assert len(constants) == len(OPERATIONS)
    texts = {path: path.read_text(encoding="utf-8") for path in (ROOT / "opsctl").rglob("*.py")
             if path.name != "ansible_catalogue.py"}
    for constant in constants:
        users = [path for path, text in texts.items() if re.search(rf"import .*\b{constant}\b", text)]
        assert len(users) == 1, f"{constant} is used by {users}"


def test_every_operation_belongs_to_a_command() -> None:
    from opsctl.cli.command import DECLARED
    from opsctl.cli.main import COMMANDS, GROUPS

    for name in (*GROUPS, *COMMANDS):
        __import__(f"opsctl.cli.{name}")
    commands = {" ".join(key).strip() for key in DECLARED}
    assert {operation.command for operation in OPERATIONS} <= commands


def test_what_ready_may_take_to_become_healthy_is_the_policy_s_everywhere() -> None:
    texts = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "opsctl").rglob("*.py"))
    names = [name for role in ROLES for name in load(PLAYBOOKS / "roles" / role / "defaults" / "main.yml") or {}
             if name.endswith("_healthy_seconds")]
    assert len(names) >= 3
    given = re.findall(r'"(\w+_healthy_seconds)": run\.workplace\.settings\.policy\.healthy_seconds', texts)
    assert sorted(given) == sorted(names)


def test_every_role_is_used() -> None:
    used = {role for name in NAMES for role in roles_of(PLAYBOOKS, name)}
    assert used == set(ROLES)


@pytest.mark.parametrize("name", NAMES)
def test_a_playbook_is_a_list_of_roles(name: str) -> None:
    plays = load(PLAYBOOKS / f"{name}.yml")
    for play in plays:
        assert play["gather_facts"] is False, "never setup: our modules read what is needed"
        assert not {"tasks", "pre_tasks", "post_tasks", "vars", "vars_files"} & set(play)


@pytest.mark.parametrize("role", ROLES)
def test_a_roles_arguments_are_its_defaults(role: str) -> None:
    folder = PLAYBOOKS / "roles" / role
    options = load(folder / "meta" / "argument_specs.yml")["argument_specs"]["main"]["options"]
    assert {name: option["default"] for name, option in options.items()} == load(folder / "defaults" / "main.yml")
    for name, option in options.items():
        assert name.startswith(f"{role}_")
        assert option["description"].endswith(".") and option["type"]


@pytest.mark.parametrize("role", ROLES)
def test_a_role_says_how_it_is_used_without_opsctl(role: str) -> None:
    text = (PLAYBOOKS / "roles" / role / "README.md").read_text(encoding="utf-8")
    users = [name for name in NAMES if role in roles_of(PLAYBOOKS, name)]
    for name in users:
        assert f"ansible-playbook -i inventories/CUSTOMER/hosts.yml playbooks/{name}.yml" in text
    mentioned = set(re.findall(rf"\b{role}_[a-z_]+", text))
    assert mentioned <= set(load(PLAYBOOKS / "roles" / role / "defaults" / "main.yml"))


@pytest.mark.parametrize("role", ROLES)
def test_only_ansibles_own_modules_and_ours(role: str) -> None:
    ours = {path.stem for path in MODULES}
    for file in (PLAYBOOKS / "roles" / role / "tasks").glob("*.yml"):
        for task in tasks_below(load(file)):
            assert task["name"][0].isupper(), f"{file.name}: {task['name']}"
            for action in set(task) - KEYWORDS:
                assert action.startswith("ansible.builtin.") or action in ours, f"{file.name}: {action}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_a_modules_documentation_is_its_argument_spec(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    documents = {target.id: yaml.safe_load(ast.literal_eval(node.value)) for node in tree.body
                 if isinstance(node, ast.Assign) for target in node.targets
                 if isinstance(target, ast.Name) and target.id in {"DOCUMENTATION", "RETURN", "EXAMPLES"}}
    call = next(node for node in ast.walk(tree) if isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name) and node.func.id == "AnsibleModule")
    keywords = {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords}
    documented = {name: {key: value for key, value in option.items() if key != "description"}
                  for name, option in documents["DOCUMENTATION"]["options"].items()}
    assert documented == keywords["argument_spec"]
    assert keywords["supports_check_mode"] is True
    assert documents["DOCUMENTATION"]["module"] == path.stem
    returned = {keyword.arg for node in ast.walk(tree) if isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute) and node.func.attr == "exit_json" for keyword in node.keywords}
    assert set(documents["RETURN"]) == returned - {"changed"}


def test_the_committed_inventories_are_those_of_the_profiles() -> None:
    inventories = ROOT / "inventories"
    profiles = [load_profile(inventories, name) for name in customer_names(inventories)]
    vendor_hosted = [profile for profile in profiles if isinstance(profile, KamstrupProfile)]
    assert len(vendor_hosted) >= 3
    for profile in vendor_hosted:
        text = (inventories / profile.customer / "hosts.yml").read_text(encoding="utf-8")
        assert text == hosts_yaml(profile), "run `python -m opsctl.profiles.inventory inventories`"
    assert {path.parent.name for path in inventories.glob("*/hosts.yml")} == {
        profile.customer for profile in vendor_hosted}


def lint(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False,
                          env={**os.environ, "PATH": f"{BINARIES}:{os.environ['PATH']}", "NO_COLOR": "1",
                               "ANSIBLE_CONFIG": str(PLAYBOOKS / "ansible.cfg")})


@pytest.mark.slow
def test_ansible_lint_finds_nothing_at_its_strictest_profile() -> None:
    done = lint(str(BINARIES / "ansible-lint"), "--offline", "--strict", "--profile", "production", "playbooks")
    assert done.returncode == 0, done.stdout + done.stderr
    found = re.search(r"(\d+) files processed", done.stderr + done.stdout)
    assert found and int(found[1]) >= 30, "it looked at the playbooks"


def test_yamllint_finds_nothing() -> None:
    done = lint(str(BINARIES / "yamllint"), "--strict", "playbooks", "inventories", ".ansible-lint", ".yamllint")
    assert done.returncode == 0, done.stdout + done.stderr
