"""What of the lab is there: read without changing anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from opsctl.lab import cgroup, fault, hosts, network, process, services
from opsctl.lab.definition import HOSTS, HostDefinition
from opsctl.lab.layout import HostFolders
from opsctl.lab.services import SERVICES, ServiceDefinition

State = Literal["running", "frozen", "stopped", "absent"]


@dataclass(frozen=True)
class HostStatus:
    """One host. `base` is the folder name of its base; `faults` are the kinds that are on."""

    name: str
    customer: str
    address: str
    state: State
    base: str
    faults: tuple[str, ...] = ()


@dataclass(frozen=True)
class ServiceStatus:
    """One server. `lost` tells when a store that lives in memory had to start empty."""

    name: str
    address: str
    state: State
    pid: int | None
    faults: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()


@dataclass(frozen=True)
class LabStatus:
    """The whole lab; `bridge` is whether its network is up."""

    bridge: bool
    hosts: tuple[HostStatus, ...]
    services: tuple[ServiceStatus, ...]

    @property
    def complete(self) -> bool:
        """Whether everything runs."""
        states = [*(host.state for host in self.hosts), *(one.state for one in self.services)]
        return self.bridge and all(state == "running" for state in states)


def status() -> LabStatus:
    """The lab's present state."""
    return LabStatus(network.bridge_is_up(), tuple(_host(one) for one in HOSTS),
                     tuple(_service(one) for one in SERVICES))


def _host(host: HostDefinition) -> HostStatus:
    record = HostFolders(host.name).recorded()
    return HostStatus(host.name, host.customer, host.address, _host_state(host),
                      str(record["base"]) if record else "", fault.active(host.name))


def _host_state(host: HostDefinition) -> State:
    if not hosts.running(host):
        return "stopped" if hosts.made(host) else "absent"
    return "frozen" if cgroup.frozen(host.name) else "running"


def _service(definition: ServiceDefinition) -> ServiceStatus:
    known = process.find(definition.mark)
    state: State = "running"
    if known is None:
        state = "stopped" if definition.log.exists() else "absent"
    elif process.suspended(known):
        state = "frozen"
    return ServiceStatus(definition.name, definition.address, state, known.pid if known else None,
                         fault.active(definition.name), services.losses(definition))
