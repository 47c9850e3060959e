"""Reads hosts over SSH by the very module and the very defaults that a role of the catalogue has, without Ansible.

For roles that only read: one task with one of our modules, and one that gives the result back. Over many hosts that
costs a fraction of a playbook, and both say the same (tests/lab/test_reading.py).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
import yaml

from opsctl.adapters.ansible_catalogue import Operation, roles_of
from opsctl.adapters.ansible_events import HostResult, HostState
from opsctl.adapters.ansible_inventory import Target
from opsctl.adapters.ssh import Shell, connect
from opsctl.adapters.ssh_channel import Completed
from opsctl.core.errors import ConfigurationError, OpsctlError
from opsctl.core.text import printable

SECONDS = 600
"""The host itself ends the program then, also when nobody waits for it any more."""
_IMPORT = re.compile(r"^from ansible\.module_utils\.(opsctl_\w+) import", re.MULTILINE)
_ONE_EXPRESSION = re.compile(r"\{\{\s*([^{}]+?)\s*\}\}")
_GIVES_BACK = "ansible.builtin.set_stats"
_OWN = ("changed", "failed")
_MOST = 600


@dataclass(frozen=True)
class Reading:
    """One reading role. sources: of the module and the utilities it imports. arguments, defaults: as in the role."""

    role: str
    task: str
    module: str
    sources: Mapping[str, str]
    arguments: Mapping[str, Any]
    defaults: Mapping[str, Any]

    def program(self, program: str, variables: Mapping[str, Any]) -> bytes:
        """What the host's Python is given on its standard input."""
        given = {"name": self.module, "module": self.sources[self.module], "arguments": self.resolved(variables),
                 "utilities": {name: text for name, text in self.sources.items() if name != self.module}}
        return f"import json\nGIVEN = json.loads({json.dumps(given)!r})\n{program}".encode()

    def resolved(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        """The module's arguments. Only the role's own text is a template; what the variables hold is data."""
        known = {**{name: _filled(value, variables) for name, value in self.defaults.items()}, **variables}
        return {name: _filled(value, known) for name, value in self.arguments.items()}


def reading_of(playbooks: Path, operation: Operation) -> Reading | None:
    """The reading that the operation's playbook is; None when it is more than that, and needs Ansible."""
    roles = roles_of(playbooks, operation.playbook)
    if operation.changes or len(roles) != 1:
        return None
    folder = playbooks / "roles" / roles[0]
    tasks = yaml.safe_load((folder / "tasks" / "main.yml").read_text(encoding="utf-8"))
    module = next((key for key in tasks[0] if key.startswith("opsctl_")), "")
    if len(tasks) != 2 or _GIVES_BACK not in tasks[1] or not module or set(tasks[0]) != {"name", "register", module}:
        return None
    defaults = yaml.safe_load((folder / "defaults" / "main.yml").read_text(encoding="utf-8"))
    return Reading(roles[0], str(tasks[0]["name"]), module, _sources(playbooks, module), tasks[0][module] or {},
                   defaults or {})


def read_hosts(reading: Reading, targets: Sequence[Target], identity: Path, variables: Mapping[str, Any], *,
               threads: int, seconds: int = SECONDS, on_host: Callable[[Target], None] = lambda target: None,
               cancelled: Callable[[], bool] = lambda: False) -> dict[str, HostResult]:
    """Every host's result by inventory name, in the order of `targets`; a host that fails is told apart.

    variables: for all hosts, over their own. on_host: called when a host begins. When it is cancelled, or interrupted,
    every connection is closed; what a host has begun ends by itself, within `seconds`.
    """
    links: list[Shell] = []
    program = Path(__file__).with_name("reading_program.py").read_text(encoding="utf-8")

    def read(target: Target) -> HostResult:
        on_host(target)
        text = reading.program(program, {**target.variables, **variables})
        try:
            with connect(target.host, known_hosts=target.known_hosts, identity=identity) as shell:
                links.append(shell)
                done = shell.run(["timeout", str(seconds), "/usr/bin/python3", "-I", "-"], stdin=text, sudo=True,
                                 timeout=seconds + 30)
        except OpsctlError as error:
            return HostResult(target, HostState.UNREACHABLE, 0, error.message, {})
        return result_of(target, reading, done)

    if not targets:
        return {}
    pool = ThreadPoolExecutor(max_workers=min(threads, len(targets)), thread_name_prefix="reading")
    try:
        left = {pool.submit(read, target) for target in targets}
        found: dict[str, HostResult] = {}
        while left and not cancelled():
            ended, left = wait(left, timeout=1)
            found.update({one.result().target.name: one.result() for one in ended})
        return {target.name: found[target.name] for target in targets if target.name in found}
    finally:
        for link in links:
            link.close()
        pool.shutdown(cancel_futures=True)


def result_of(target: Target, reading: Reading, done: Completed) -> HostResult:
    """From how the program ended: its last line is the result, anything else a failure."""
    lines = done.text().splitlines()
    try:
        said = json.loads(lines[-1]) if lines else None
    except ValueError:
        said = None
    if not isinstance(said, dict):
        told = " ".join(done.stderr.decode("utf-8", "replace").split())[-_MOST:] or f"exit code {done.exit_code}"
        return HostResult(target, HostState.FAILED, 0, printable(f"the host gave no result: {told}"), {})
    if said.get("failed") or done.exit_code != 0:
        message = " ".join(str(said.get("msg", "")).split())[:_MOST] or f"exit code {done.exit_code}"
        return HostResult(target, HostState.FAILED, 0, f"{reading.task}: {message}", {})
    data = {key: value for key, value in said.items() if key not in _OWN}
    return HostResult(target, HostState.OK, 0, "", {reading.role: data})


def _sources(playbooks: Path, module: str) -> dict[str, str]:
    """The module and what it imports of ours, what is imported first before what imports it."""
    found: dict[str, str] = {}

    def add(name: str, folder: str) -> None:
        text = (playbooks / folder / f"{name}.py").read_text(encoding="utf-8")
        for needed in _IMPORT.findall(text):
            if needed not in found:
                add(needed, "module_utils")
        found[name] = text

    add(module, "library")
    return found


@cache
def _expression(text: str) -> Callable[..., Any]:
    return jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=True).compile_expression(
        text, undefined_to_none=False)


def _filled(value: Any, variables: Mapping[str, Any]) -> Any:
    """The value of a role's text that is one expression; ConfigurationError when it names what is not known."""
    found = _ONE_EXPRESSION.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return value
    result = _expression(found[1])(**variables)
    if isinstance(result, jinja2.Undefined):
        raise ConfigurationError(f"the role's {value} is not known", "give it a default in the role")
    return result
