"""What a patch plan says: pure values, one canonical text, one hash that an approval signs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from opsctl.core.digest import digest


@dataclass(frozen=True)
class Package:
    """One package to install. installed is "" for a package that comes along new."""

    name: str
    installed: str
    offered: str
    security: bool


@dataclass(frozen=True)
class HeldPackage:
    """A package on hold that has a newer version; patching leaves it alone."""

    name: str
    installed: str
    offered: str
    security: bool


@dataclass(frozen=True)
class HostPlan:
    """One host. problem says why nothing can be planned for it; "" when it can.

    reboot_by: packages that ask for a reboot already, or will, and units that run files replaced already, or by this
    plan, and are renewed only by a reboot; a host without any is not rebooted. restarts: units known beforehand to be
    restarted; those that merely use a replaced library are found after the installation.
    """

    host: str
    packages: tuple[Package, ...] = ()
    held: tuple[HeldPackage, ...] = ()
    reboot_by: tuple[str, ...] = ()
    restarts: tuple[str, ...] = ()
    interrupted: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    problem: str = ""

    @property
    def nothing_to_do(self) -> bool:
        """True when applying would change nothing."""
        return not (self.problem or self.packages or self.reboot_by or self.restarts or self.interrupted)


@dataclass(frozen=True)
class PatchPlan:
    """The plan of one customer, hosts in the order of the work.

    terms, inventory, revision: sha256 of the contract's terms, the hosts.yml text and the playbook.
    predicted: share (0 to 1) of the planned changes that apt simulated; the rest is known only afterwards.
    """

    customer: str
    security_only: bool
    hosts: tuple[HostPlan, ...]
    terms: str
    inventory: str
    revision: str
    predicted: float

    @property
    def problems(self) -> tuple[str, ...]:
        """Why the plan cannot be applied, one line per host; empty when it can."""
        return tuple(f"{host.host}: {host.problem}" for host in self.hosts if host.problem)

    @property
    def nothing_to_do(self) -> bool:
        """True when every host was read and none needs anything."""
        return all(host.nothing_to_do for host in self.hosts)

    @property
    def hash(self) -> str:
        """sha256 of the canonical text: what an approval signs, and what must match when it is applied.

        What is on hold and the warnings are left out: they are told, but nothing is done about them.
        """
        document = self.document()
        del document["predicted"]
        for host in document["hosts"]:
            del host["held"], host["warnings"]
        return digest(document)

    def document(self) -> dict[str, Any]:
        """The plan as JSON-serialisable data, for a plan file and for the table."""
        return asdict(self)


def plan_from(document: Mapping[str, Any]) -> PatchPlan:
    """The plan of a plan file's data; KeyError or TypeError when it is not one."""
    hosts = tuple(
        HostPlan(**{**host, "packages": tuple(Package(**package) for package in host["packages"]),
                    "held": tuple(HeldPackage(**package) for package in host["held"]),
                    **{key: tuple(host[key]) for key in ("reboot_by", "restarts", "interrupted", "warnings")}})
        for host in document["hosts"])
    return PatchPlan(**{**{key: value for key, value in document.items() if key != "hash"}, "hosts": hosts})


def differences(approved: PatchPlan, fresh: PatchPlan) -> tuple[str, ...]:
    """What changed from the approved plan to the fresh one, one line each; empty when their hashes agree."""
    if approved.hash == fresh.hash:
        return ()
    lines = [f"{what} changed" for what, left, right in (
        ("the customer", approved.customer, fresh.customer),
        ("the choice of security fixes only", approved.security_only, fresh.security_only),
        ("the contract's terms", approved.terms, fresh.terms), ("the inventory", approved.inventory, fresh.inventory),
        ("the playbook or its roles", approved.revision, fresh.revision)) if left != right]
    old, new = ({host.host: host for host in plan.hosts} for plan in (approved, fresh))
    for name in sorted(set(old) | set(new)):
        lines += _host_differences(name, old.get(name), new.get(name))
    return tuple(lines)


def _host_differences(name: str, old: HostPlan | None, new: HostPlan | None) -> list[str]:
    if old is None or new is None:
        return [f"{name}: {'is new' if old is None else 'is gone'}"]
    left, right = ({package.name: package for package in host.packages} for host in (old, new))
    lines = [f"{name}: {package} {right[package].offered} was not planned"
             for package in sorted(set(right) - set(left))]
    lines += [f"{name}: {package} {left[package].offered} is no longer to be installed"
              for package in sorted(set(left) - set(right))]
    lines += [f"{name}: {package} is now {right[package].installed} -> {right[package].offered}, "
              f"planned was {left[package].installed} -> {left[package].offered}"
              for package in sorted(set(left) & set(right)) if left[package] != right[package]]
    lines += [f"{name}: {what} changed from {_words(before)} to {_words(after)}" for what, before, after in (
        ("what asks for a reboot", old.reboot_by, new.reboot_by), ("what is restarted", old.restarts, new.restarts),
        ("what dpkg left half done", old.interrupted, new.interrupted),
        ("the problem", [old.problem], [new.problem])) if list(before) != list(after)]
    return lines


def _words(values: Any) -> str:
    return ", ".join(value for value in values if value) or "nothing"
