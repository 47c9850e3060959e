"""From what the hosts said to a patch plan: pure, except for reading the catalogue's text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from opsctl.maintenance.model import HeldPackage, HostPlan, Package, PatchPlan
from opsctl.profiles.inventory import in_order
from opsctl.profiles.model import Profile
from opsctl.runs.plans import inventory_digest, terms_digest

if TYPE_CHECKING:
    from opsctl.adapters.ansible_events import HostResult

NOT_READ = "the host could not be read"


def plan_of(profile: Profile, results: Mapping[str, HostResult], revision: str, at: datetime, *,
            security_only: bool) -> PatchPlan:
    """The plan of one customer. results: by host name; revision: of the playbook that will act."""
    hosts = tuple(host_plan(host.name, results.get(host.name)) for host in in_order(profile))
    return PatchPlan(profile.customer, security_only, hosts, terms_digest(profile, at), inventory_digest(profile),
                     revision, predicted_share(hosts))


def host_plan(name: str, result: HostResult | None) -> HostPlan:
    """The plan of one host, or why there is none."""
    facts: Mapping[str, Any] | None = None if result is None else result.data.get("patch_plan")
    if result is None or not result.ok or not facts:
        said = f": {result.state}: {result.message}" if result is not None and result.message else ""
        return HostPlan(name, problem=NOT_READ + said)
    wanted = {package["name"] for package in facts["install"]}
    packages = tuple(Package(package["name"], package["from"], package["to"], bool(package["security"]))
                     for package in facts["upgrades"] if package["name"] in wanted)
    users = [unit for used in facts["reboot_used"] if used["package"] in wanted for unit in used["units"]]
    reboot = {*facts["reboot_required"], *facts["only_by_reboot"], *(set(facts["reboot_expected"]) & wanted), *users}
    units = [unit["unit"] for unit in facts["units"]] if packages else []
    return HostPlan(
        name, packages, tuple(HeldPackage(**held) for held in facts["held"]), tuple(sorted(reboot)),
        tuple(sorted({*units, *facts["stale"]})), tuple(facts["interrupted"]), _warnings(facts), _problem(facts))


def predicted_share(hosts: Sequence[HostPlan]) -> float:
    """Share of the changes that apt simulated or that are read from the host, of all that may come.

    Each host with packages has one thing that shows only afterwards: which services use what was replaced, and so what
    else asks for a restart or a reboot.
    """
    known = sum(len(host.packages) + len(host.restarts) + bool(host.reboot_by) for host in hosts)
    unknown = sum(bool(host.packages) for host in hosts)
    return 1.0 if not known else round(known / (known + unknown), 3)


def _problem(facts: Mapping[str, Any]) -> str:
    if facts["removals"]:
        return ("the upgrade would remove " + ", ".join(facts["removals"])
                + ": decide it by hand on the host, or put what needs it on hold")
    if facts["differences"]:
        return "apt would not install exactly this: " + "; ".join(facts["differences"])
    return ""


def _warnings(facts: Mapping[str, Any]) -> tuple[str, ...]:
    lines = [f"{name} is not on hold; patching leaves it alone all the same: `apt-mark hold {name}`"
             for name in facts["unheld"]]
    lines += [f"{held['name']} is on hold, and a security fix waits for it: {held['offered']}"
              for held in facts["held"] if held["security"]]
    return (*lines, *facts["down"])
