"""Which roles are read without Ansible, with which arguments, and what an answer means."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from opsctl.adapters.ansible_catalogue import OPERATIONS
from opsctl.adapters.ansible_events import HostState
from opsctl.adapters.ansible_inventory import Target
from opsctl.adapters.reading import Reading, reading_of, result_of
from opsctl.adapters.ssh_channel import Completed
from opsctl.core.errors import ConfigurationError
from opsctl.profiles.hosted import Host, HostRole

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = (ROOT / "opsctl" / "adapters" / "reading_program.py").read_text(encoding="utf-8")
TARGET = Target("north", Host(name="db1", address="192.0.2.1", roles=(HostRole.DATABASE,)), Path("known_hosts"))


def reading(module: str, arguments: dict[str, Any], defaults: dict[str, Any], **utilities: str) -> Reading:
    return Reading("role", "Look", "opsctl_x", {**utilities, "opsctl_x": module}, arguments, defaults)


def test_exactly_what_only_reads_in_one_task_is_read_without_ansible() -> None:
    found = {operation.playbook for operation in OPERATIONS if reading_of(ROOT / "playbooks", operation)}
    assert {"patch_plan", "storage_check", "ready_survey", "licence_inventory", "backup_survey"} <= found
    assert not found & {operation.playbook for operation in OPERATIONS if operation.changes}


def test_the_role_s_defaults_fill_the_arguments_and_values_are_never_templates() -> None:
    one = reading("", {"a": "{{ role_a }}", "b": "{{ role_b }}", "c": "as it is"},
                  {"role_a": "{{ opsctl_x | default([]) }}", "role_b": "{{ 'app' in (opsctl_roles | default([])) }}"})
    evil = "{{ lookup('file', '/etc/passwd') }}"
    assert one.resolved({"opsctl_x": [evil], "opsctl_roles": ["app"]}) == {"a": [evil], "b": True, "c": "as it is"}
    assert one.resolved({}) == {"a": [], "b": False, "c": "as it is"}
    assert one.resolved({"role_a": "['1']"})["a"] == "['1']", "text stays text"
    with pytest.raises(ConfigurationError, match="not known"):
        reading("", {"a": "{{ nowhere }}"}, {}).resolved({})


def ran(one: Reading, variables: dict[str, Any]) -> Completed:
    done = subprocess.run([sys.executable, "-I", "-"], input=one.program(PROGRAM, variables), capture_output=True,
                          check=False)
    return Completed(done.returncode, done.stdout, done.stderr)


MODULE = """
from __future__ import annotations
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.opsctl_u import double
def main():
    module = AnsibleModule(argument_spec={"a": {"type": "int"}, "b": {"default": "B"}}, supports_check_mode=True)
    if module.params["a"] == 8:
        module.run_command(["sh", "-c", "echo worse >&2; exit 9"], check_rc=True)
    if module.params["a"] == 7:
        module.fail_json(msg="seven is\\nrefused", command=["x"])
    print("noise that is no result")
    script = "echo $LC_X; echo bad >&2; exit 3"
    code, out, error = module.run_command(["sh", "-c", script], environ_update={"LC_X": "y"})
    asked = module.run_command(["cat"], data="select 1")[1]
    said = [code, out, error, asked]
    module.exit_json(changed=False, double=double(module.params["a"]), said=said, b=module.params["b"])
if __name__ == "__main__":
    main()
"""


def test_the_program_runs_our_modules_without_ansible() -> None:
    one = reading(MODULE, {"a": "{{ n }}"}, {}, opsctl_u="def double(x):\n    return 2 * x\n")
    result = result_of(TARGET, one, ran(one, {"n": 21}))
    assert (result.state, dict(result.data)) == (HostState.OK, {"role": {
        "double": 42, "said": [3, "y\n", "bad\n", "select 1\n"], "b": "B"}})
    failed = result_of(TARGET, one, ran(one, {"n": 7}))
    assert result_of(TARGET, one, ran(one, {"n": 8})).message == "Look: worse"
    assert (failed.state, failed.message, dict(failed.data)) == (HostState.FAILED, "Look: seven is refused", {})


@pytest.mark.parametrize(("done", "says"), [
    (Completed(1, b"", b"sudo: a password is required\n"), "a password is required"),
    (Completed(124, b"", b""), "exit code 124"), (Completed(0, b"[1]\n", b""), "exit code 0"),
    (Completed(1, b"Traceback\n", b"boom \x1b[31m"), "boom")])
def test_what_is_no_result_is_a_failure(done: Completed, says: str) -> None:
    result = result_of(TARGET, reading("", {}, {}), done)
    assert result.state is HostState.FAILED and says in result.message and "\x1b" not in result.message


def test_an_argument_that_the_module_does_not_know_is_told() -> None:
    one = reading(MODULE, {"a": 1, "typo": 2}, {}, opsctl_u="def double(x):\n    return 2 * x\n")
    assert "unsupported parameters: typo" in result_of(TARGET, one, ran(one, {})).message


def test_the_program_carries_no_more_than_it_needs() -> None:
    one = reading(MODULE, {"a": 1}, {}, opsctl_u="def double(x):\n    return x\n")
    assert b"secret" not in one.program(PROGRAM, {"other": "secret"})
