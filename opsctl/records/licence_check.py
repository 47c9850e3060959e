"""The use case `licence check`: packages listed on hosted systems, licences judged, evidence left (P14, P24).

Ledger: `licences.measured`; the packages are in it when they changed, else the entry names the one that has them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING, Any

from opsctl.contract.gate import Delivery, Purpose, Request
from opsctl.contract.services import Service
from opsctl.core.clock import local_day
from opsctl.core.outcome import Outcome, Status
from opsctl.profiles.model import KamstrupProfile, Profile
from opsctl.records.licences import METERS, Finding, Inventory, Level, Package, Usage, blocking, judge, unnamed
from opsctl.runs.playbook import survey
from opsctl.runs.service import Run, gate, perform
from opsctl.runs.workplace import Workplace

if TYPE_CHECKING:
    from opsctl.adapters.ansible import PlaybookResult

MEASURED = "licences.measured"


def request(profile: Profile) -> Request:
    """Work on hosts that Kamstrup runs, information for the others (P14, P24)."""
    delivery = Delivery.WORK if isinstance(profile, KamstrupProfile) else Delivery.NOTICE
    return Request(Service.LICENCE_MANAGEMENT, Purpose.PROTECT, delivery)


def list_packages(workplace: Workplace, profiles: Sequence[KamstrupProfile]) -> PlaybookResult:
    """One Ansible run over the hosts of all profiles; OperationFailed when it reached none."""
    from opsctl.adapters.ansible_catalogue import LICENCE_INVENTORY

    for profile in profiles:
        gate(profile, request(profile), workplace.clock.now(), workplace.ledger).require(profile.customer)
    return survey(workplace, profiles, LICENCE_INVENTORY)


def check(workplace: Workplace, profile: Profile, found: PlaybookResult | None, planned: date | None = None) -> Outcome:
    """Judge the profile's licences today, and at a release's planned day; CHECK_FAILED (exit 8) when one is critical,
    or when a host or a database that is to be counted could not be asked.

    found: what `list_packages` gave; None for a system that the customer hosts, where only dates can be judged.
    """
    def act(run: Run) -> Outcome:
        inventory, silent = inventory_of(profile, found)
        today = local_day(run.started, profile.zone)
        usage, untold = usage_of(profile, found)
        findings = [one for licence in profile.licences for one in judge(licence, today, inventory, usage,
                                                                             profile.licences)]
        if any(licence.metric == METERS for licence in profile.licences):
            findings += [Finding("meters", Level.CRITICAL, f"{name} could not be counted: {why}")
                         for name, why in untold.items()]
        findings += blocking(profile.licences, planned) if planned else []
        findings += [Finding("packages", Level.CRITICAL, f"{host} could not be asked: {why}") for host, why in silent]
        if not profile.licences and inventory is None:
            findings.append(Finding("licences", Level.WARNING, "none is on record and nothing was measured, so whether "
                                    "there are any is not known"))
        nameless = unnamed(inventory or {})
        if nameless:
            findings.append(Finding("packages", Level.WARNING, f"{len(nameless)} name no licence: "
                                    f"{', '.join(nameless[:5])}{', ...' if len(nameless) > 5 else ''}"))
        data = {"findings": [asdict(one) for one in findings], "unnamed": list(nameless)}
        run.record(MEASURED, {**data, **_packages(run, inventory), "usage": asdict(usage)})
        return _outcome(profile, findings, data)

    return perform(workplace, profile, request(profile), "licence check", act)


def inventory_of(profile: Profile, found: PlaybookResult | None) -> tuple[Inventory | None, list[tuple[str, str]]]:
    """Packages by host, None when not every host was read; and the hosts that could not be asked, with the reason."""
    if not isinstance(profile, KamstrupProfile) or found is None:
        return None, []
    results = {result.target.host.name: result for result in found.hosts.values()
               if result.target.customer == profile.customer}
    inventory: dict[str, Sequence[Package]] = {}
    silent: list[tuple[str, str]] = []
    for host in profile.hosts:
        result = results.get(host.name)
        listed = result.data.get("licence_inventory") if result else None
        if listed is None:
            silent.append((host.name, f"{result.state}: {result.message}" if result else "the run left it out"))
        else:
            inventory[host.name] = tuple(package_of(one) for one in listed["packages"])
    return (None if silent else inventory), silent


def usage_of(profile: Profile, found: PlaybookResult | None) -> tuple[Usage, dict[str, str]]:
    """Cores by host and meters over all databases; and the databases that could not be counted, with the reason."""
    if not isinstance(profile, KamstrupProfile) or found is None:
        return Usage(), {}
    told = {result.target.host.name: result.data["licence_inventory"] for result in found.hosts.values()
            if result.target.customer == profile.customer and "licence_inventory" in result.data}
    counts = {name: count for one in told.values() for name, count in one["meters"].items()}
    untold = {name: str(count) for name, count in counts.items() if isinstance(count, str)}
    numbers = [count for count in counts.values() if isinstance(count, int)]
    whole = counts.keys() >= {database.name for database in profile.databases} and not untold
    return Usage({name: int(one["cores"]) for name, one in told.items()},
                 sum(numbers) if whole and numbers else None), untold


def last_usage(workplace: Workplace, customer: str) -> Usage:
    """The newest count on record; nothing where there is none."""
    entry = workplace.ledger.last(customer, MEASURED)
    usage = entry.payload.get("usage") if entry else None
    return Usage(dict(usage["cores"]), usage["meters"]) if usage else Usage()


def package_of(content: Mapping[str, Any]) -> Package:
    """One package as the playbook and the ledger have it."""
    return Package(str(content["name"]), str(content["version"]), str(content["architecture"]),
                   tuple(str(name) for name in content["licences"]))


def last_inventory(workplace: Workplace, customer: str) -> tuple[Inventory, str] | None:
    """The newest complete list of packages on record and its entry; None when there is none."""
    for entry in workplace.ledger.entries(customer, kinds=[MEASURED], newest_first=True):
        hosts = entry.payload.get("hosts")
        if hosts is not None:
            return {name: tuple(package_of(one) for one in listed) for name, listed in hosts.items()}, entry.reference
    return None


def _packages(run: Run, inventory: Inventory | None) -> dict[str, Any]:
    if inventory is None:
        return {}
    hosts = {name: [asdict(package) for package in packages] for name, packages in sorted(inventory.items())}
    digest = hashlib.sha256(json.dumps(hosts, sort_keys=True).encode()).hexdigest()
    for entry in run.workplace.ledger.entries(run.customer, kinds=[MEASURED], newest_first=True):
        if "hosts" in entry.payload:
            if entry.payload["packages_sha256"] == digest:
                return {"packages_sha256": digest, "same_as": entry.reference}
            break
    return {"packages_sha256": digest, "hosts": hosts}


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def _outcome(profile: Profile, findings: Sequence[Finding], data: Mapping[str, Any]) -> Outcome:
    bad = [one for one in findings if one.level is not Level.OK]
    critical = [one for one in bad if one.level is Level.CRITICAL]
    status = Status.CHECK_FAILED if critical else Status.WARNING if bad else Status.DONE
    told = [*critical, *(one for one in bad if one not in critical)]
    shown = "; ".join(f"{one.product}: {one.said}" for one in told[:3])
    more = f" (and {len(told) - 3} more)" if len(told) > 3 else ""
    what = shown + more if bad else f"{_count(len(profile.licences), 'licence')} on record, nothing to do"
    return Outcome(profile.customer, Service.LICENCE_MANAGEMENT, status, what,
                   "" if not bad else "renew, order or count what is named, and correct `licences` in the profile; a "
                   "host that could not be asked is to be up first",
                   data=data)
