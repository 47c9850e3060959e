"""Faults on purpose: a table of kinds, each with how it begins and how it ends."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from opsctl.core.errors import OperationFailed, UsageError
from opsctl.lab import cgroup, hosts, network, paths, process, services
from opsctl.lab.command import run, succeeds
from opsctl.lab.definition import HOSTS, HostDefinition
from opsctl.lab.layout import HostFolders
from opsctl.lab.services import SERVICES, ServiceDefinition

SLOW_LINK_RATE = "1mbit"
SLOW_ANSWER_SECONDS = 5
_RECORD = paths.STATE / "faults.json"
_FILLER = "lab-filler"
_MARGIN = 1024 * 1024
"""Left to `dd`, which stops exactly when the disk is full; fallocate refuses to."""


@dataclass(frozen=True)
class HostFault:
    """A kind of fault of a host. Both actions may be repeated."""

    meaning: str
    begin: Callable[[HostDefinition], None]
    end: Callable[[HostDefinition], None]


@dataclass(frozen=True)
class ServiceFault:
    """A kind of fault of a server. `only`: the servers that have it; none means all."""

    meaning: str
    begin: Callable[[ServiceDefinition], None]
    end: Callable[[ServiceDefinition], None]
    only: tuple[str, ...] = ()


def set_fault(target: str, kind: str, on: bool) -> None:
    """Begin or end a fault of a host or server. Ending one that is not on is fine.

    Raises UsageError for an unknown target or kind, OperationFailed when the target does not run.
    """
    if target in {one.name for one in SERVICES}:
        _set_service_fault(services.service(target), kind, on)
    elif target in {one.name for one in HOSTS}:
        _set_host_fault(next(one for one in HOSTS if one.name == target), kind, on)
    else:
        known = ", ".join([*(one.name for one in HOSTS), *(one.name for one in SERVICES)])
        raise UsageError(f"The lab has nothing called {target}.", f"Name one of {known}.")
    _remember(target, kind, on)


def active(target: str) -> tuple[str, ...]:
    """The kinds of faults that are on at a host or server."""
    return tuple(_recorded().get(target, ()))


def clear_all() -> None:
    """End every recorded fault, but start nothing: `up` does that."""
    for target, kinds in _recorded().items():
        for kind in kinds:
            if kind != "stop":
                set_fault(target, kind, on=False)
    _RECORD.unlink(missing_ok=True)


def kinds(target: str) -> Mapping[str, str]:
    """The kinds of faults a host or server can have, with their meaning."""
    if target in {one.name for one in HOSTS}:
        return {kind: fault.meaning for kind, fault in HOST_FAULTS.items()}
    return {kind: fault.meaning for kind, fault in SERVICE_FAULTS.items() if not fault.only or target in fault.only}


def _set_host_fault(host: HostDefinition, kind: str, on: bool) -> None:
    fault = HOST_FAULTS.get(kind)
    if fault is None:
        raise UsageError(f"A host has no fault of kind {kind}.", f"Name one of {', '.join(HOST_FAULTS)}.")
    if on and not hosts.running(host):
        raise OperationFailed(f"{host.name} does not run.", "Run `opsctl lab up`.")
    (fault.begin if on else fault.end)(host)


def _set_service_fault(definition: ServiceDefinition, kind: str, on: bool) -> None:
    if kind not in kinds(definition.name):
        raise UsageError(f"The server {definition.name} has no fault of kind {kind}.",
                         f"Name one of {', '.join(kinds(definition.name))}.")
    fault = SERVICE_FAULTS[kind]
    if on and process.find(definition.mark) is None:
        raise OperationFailed(f"The server {definition.name} does not run.", "Run `opsctl lab up`.")
    (fault.begin if on else fault.end)(definition)


def _link_up(host: HostDefinition) -> None:
    if network.link_exists(host.link):
        run(["ip", "link", "set", host.link, "up"])


def _link_down(host: HostDefinition) -> None:
    run(["ip", "link", "set", host.link, "down"])


def _slow_link(host: HostDefinition) -> None:
    """Both directions: each end of the link limits what it sends."""
    for prefix, link in _link_ends(host):
        run([*prefix, "tc", "qdisc", "replace", "dev", link, "root", "tbf", "rate", SLOW_LINK_RATE,
             "burst", "16kb", "latency", "400ms"])


def _quick_link(host: HostDefinition) -> None:
    for prefix, link in _link_ends(host):
        succeeds([*prefix, "tc", "qdisc", "delete", "dev", link, "root"])


def _link_ends(host: HostDefinition) -> list[tuple[list[str], str]]:
    """The link as the machine sees it, and as the guest does; with the prefix that runs a command there."""
    leader = cgroup.leader(host.name)
    inside = [] if leader is None else [(["nsenter", "--target", str(leader), "--net"], "host0")]
    return [([], host.link), *inside]


def _fill_disk(host: HostDefinition) -> None:
    """Fill the host's data disk, /var/lib/opsctl-scratch, to the last block."""
    folder = HostFolders(host.name).data
    space = os.statvfs(folder)
    succeeds(["fallocate", "--length", str(max(space.f_bavail * space.f_frsize - _MARGIN, 4096)),
              str(folder / _FILLER)])
    succeeds(["dd", "if=/dev/zero", f"of={folder / _FILLER}", "bs=4k", "oflag=append", "conv=notrunc,fsync"])


def _free_disk(host: HostDefinition) -> None:
    (HostFolders(host.name).data / _FILLER).unlink(missing_ok=True)


def _start_host(host: HostDefinition) -> None:
    hosts.start(host, lambda _text: None)
    hosts.wait_for_ssh(host)


def _signal_service(number: signal.Signals) -> Callable[[ServiceDefinition], None]:
    def send(definition: ServiceDefinition) -> None:
        known = process.find(definition.mark)
        if known is not None:
            process.send(known, number)
    return send


def _answers(key: str, value: float | bool) -> Callable[[ServiceDefinition], None]:
    """Sets `key` in the file that the server reads before it answers; False takes it out."""
    def write(definition: ServiceDefinition) -> None:
        file = paths.SERVICES / f"{definition.name}-faults.json"
        content = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
        content.pop(key, None)
        if value:
            content[key] = value
        unfinished = file.with_suffix(".new")
        unfinished.write_text(json.dumps(content), encoding="utf-8")
        unfinished.replace(file)
    return write


def _start_service(definition: ServiceDefinition) -> None:
    services.start_services(lambda _text: None, (definition.name,))


HOST_FAULTS: Mapping[str, HostFault] = {
    "link-down": HostFault("the network link is cut", _link_down, _link_up),
    "slow-link": HostFault(f"the network link carries {SLOW_LINK_RATE}/s", _slow_link, _quick_link),
    "freeze": HostFault("every process stands still; connections are accepted but not answered",
                        lambda host: cgroup.freeze(host.name, on=True),
                        lambda host: cgroup.freeze(host.name, on=False)),
    "stop": HostFault("the host is powered off", hosts.power_off, _start_host),
    "disk-full": HostFault("the data disk /var/lib/opsctl-scratch is full", _fill_disk, _free_disk),
}

SERVICE_FAULTS: Mapping[str, ServiceFault] = {
    "stop": ServiceFault("the server is ended", services.stop_service,
                         _start_service),
    "freeze": ServiceFault("the server accepts connections but does not answer",
                           _signal_service(signal.SIGSTOP), _signal_service(signal.SIGCONT)),
    "errors": ServiceFault("every request gets 503; every mail 451, to be tried later", _answers("errors", True),
                           _answers("errors", False), ("s3", "smtp")),
    "slow": ServiceFault(f"every request waits {SLOW_ANSWER_SECONDS} s", _answers("slow", SLOW_ANSWER_SECONDS),
                         _answers("slow", False), ("s3",)),
    "broken": ServiceFault("every request gets 500", _answers("broken", True), _answers("broken", False), ("s3",)),
    "denied": ServiceFault("every request gets 403", _answers("denied", True), _answers("denied", False), ("s3",)),
    "refuse": ServiceFault("every mail is refused for good, 550", _answers("refuse", True), _answers("refuse", False),
                           ("smtp",)),
    "drop": ServiceFault("the connection is cut after a mail was taken, without an answer", _answers("drop", True),
                         _answers("drop", False), ("smtp",)),
}


def _recorded() -> dict[str, list[str]]:
    try:
        content = json.loads(_RECORD.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _remember(target: str, kind: str, on: bool) -> None:
    content = _recorded()
    known = [one for one in content.get(target, []) if one != kind]
    content[target] = [*known, kind] if on else known
    unfinished = _RECORD.with_suffix(".new")
    unfinished.write_text(json.dumps({name: on_now for name, on_now in content.items() if on_now}), encoding="utf-8")
    unfinished.replace(_RECORD)
