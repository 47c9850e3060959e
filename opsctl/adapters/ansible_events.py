"""What ansible-runner's events mean for each planned host: pure, so that it is tested without a host."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import PurePath
from typing import Any

from opsctl.adapters.ansible_inventory import Target

_MESSAGE_LENGTH = 600
_PHASES = frozenset({"preflight", "act", "verify"})
_ERRORS = ("E: ", "dpkg: error")
_NOT_RUN = "Conditional result was False"
# Runs on this machine, before a host is spoken to: a role's arguments that fit do not mean a host was touched.
_ARGUMENTS = "validate_argument_spec"


class HostState(StrEnum):
    """How a planned host came out of the run."""

    OK = "ok"
    FAILED = "failed"
    UNREACHABLE = "unreachable"
    UNTOUCHED = "not reached by the run"


@dataclass(frozen=True)
class HostResult:
    """One planned host. data: what the playbook gave back with set_stats for this host; also after a failure."""

    target: Target
    state: HostState
    changed: int
    message: str
    data: Mapping[str, Any]

    @property
    def ok(self) -> bool:
        """True when every task of the host went well and at least one ran."""
        return self.state is HostState.OK


@dataclass(frozen=True)
class Predicted:
    """In check mode: of `tasks` that would have run, `skipped` were skipped because they cannot predict."""

    tasks: int = 0
    skipped: int = 0


@dataclass
class _Host:
    tasks: int = 0
    changed: int = 0
    message: str = ""
    failed: bool = False
    unreachable: bool = False
    data: dict[str, Any] = field(default_factory=dict)
    begun: tuple[str, float] | None = None


class Collector:
    """Takes runner's events in order; afterwards `results` has one entry for every planned host.

    on_task is called with target and task name once it is known that the host really does the task: when it ends, or
    by `tell_long` while it goes on; a task that is skipped is never told. on_data: when a host gives data back.
    """

    def __init__(self, targets: Sequence[Target], on_task: Callable[[Target, str], None] | None = None,
                 on_data: Callable[[Target, Mapping[str, Any]], None] | None = None) -> None:
        self._targets = {target.name: target for target in targets}
        self._hosts: dict[str, _Host] = {name: _Host() for name in self._targets}
        self._on_task = on_task
        self._on_data = on_data
        self._skipped = 0
        self.error = ""

    def take(self, event: Mapping[str, Any]) -> bool:
        """Take one event; always True, because anything else makes runner drop its statistics."""
        kind = event.get("event", "")
        details = event.get("event_data") or {}
        name = details.get("host")
        if kind == "error" or (kind == "verbose" and "ERROR" in str(event.get("stdout", ""))):
            self.error = self.error or str(event.get("stdout", "")).strip()[:_MESSAGE_LENGTH]
        if name in self._hosts:
            self._host_event(kind, details, self._targets[name], self._hosts[name])
        return True

    @property
    def results(self) -> dict[str, HostResult]:
        """The outcome of every planned host by inventory name."""
        return {name: HostResult(self._targets[name], _state(host), host.changed, host.message, host.data)
                for name, host in self._hosts.items()}

    @property
    def predicted(self) -> Predicted:
        """How much of a check-mode run was predicted."""
        return Predicted(sum(host.tasks for host in self._hosts.values()) + self._skipped, self._skipped)

    def tell_long(self, now: float, seconds: float = 1.0) -> None:
        """Tell the tasks that have run for longer than a skipped one ever would. now: of the monotonic clock."""
        for name, host in self._hosts.items():
            if host.begun is not None and now - host.begun[1] >= seconds:
                self._tell(self._targets[name], host)

    def _tell(self, target: Target, host: _Host) -> None:
        if host.begun is not None and self._on_task:
            self._on_task(target, host.begun[0])
        host.begun = None

    def _host_event(self, kind: str, details: Mapping[str, Any], target: Target, host: _Host) -> None:
        result = details.get("res") or {}
        if str(details.get("task_action", "")).endswith(_ARGUMENTS) and kind != "runner_on_failed":
            return
        if kind == "runner_on_start":
            host.begun = (_phase(str(details.get("task_path", ""))) + str(details.get("task", "")), time.monotonic())
        elif kind == "runner_on_skipped":
            host.begun = None
        elif kind in {"runner_on_ok", "runner_on_failed", "runner_on_unreachable"}:
            self._tell(target, host)
        if kind == "runner_on_skipped" and result.get("skip_reason") != _NOT_RUN:
            self._skipped += 1
        elif kind == "runner_on_ok":
            host.tasks += 1
            host.changed += bool(result.get("changed"))
            self._data(result, target, host)
        elif kind == "runner_on_failed" and not details.get("ignore_errors"):
            host.failed = True
            host.message = host.message or _message(result, str(details.get("task", "")))
        elif kind == "runner_on_unreachable":
            host.unreachable = True
            host.message = host.message or _unreachable(str(result.get("msg") or ""))

    def _data(self, result: Mapping[str, Any], target: Target, host: _Host) -> None:
        stats = result.get("ansible_stats")
        if stats:
            host.data.update(stats.get("data") or {})
            if self._on_data:
                self._on_data(target, dict(host.data))


def _state(host: _Host) -> HostState:
    if host.unreachable:
        return HostState.UNREACHABLE
    if host.failed:
        return HostState.FAILED
    return HostState.OK if host.tasks else HostState.UNTOUCHED


def _phase(task_path: str) -> str:
    """`act: ` for a task in act.yml: our roles look, act and prove, in files of these names."""
    name = PurePath(task_path.rpartition(":")[0]).stem
    return f"{name}: " if name in _PHASES else ""


def _unreachable(text: str) -> str:
    """What ssh said, without the frame around it; the two troubles with keys in plain words."""
    if "IDENTIFICATION HAS CHANGED" in text:
        return "its host key is not the one in known_hosts: find out why before you correct the file"
    if "Host key verification failed" in text or "host key is known for" in text:
        return "its host key is not in known_hosts: write it there, taken from the host itself"
    return " ".join(text.rpartition("reached over ssh: ")[2].split())[:_MESSAGE_LENGTH]


def _errors(text: str) -> str:
    """Of what apt and dpkg wrote their errors, without what surrounds them; of any other text all."""
    lines = [line for line in text.splitlines() if line.startswith(_ERRORS)]
    return "\n".join(lines) or text


def _message(result: Mapping[str, Any], task: str) -> str:
    # Of a loop that failed, the first item that did: the loop itself only says that one has.
    items = [one for one in result.get("results") or () if isinstance(one, Mapping) and one.get("failed")]
    result = items[0] if items else result
    parts = [str(result.get("msg") or "")]
    for key in ("stderr", "module_stderr"):
        text = str(result.get(key) or "").strip()
        if text and text not in parts[0]:
            parts.append(_errors(text)[-_MESSAGE_LENGTH:])
    text = " ".join(" ".join(part.split()) for part in parts if part)[:_MESSAGE_LENGTH]
    return f"{task}: {text}" if task else text
