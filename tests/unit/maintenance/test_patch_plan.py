import json
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from opsctl.adapters.ansible_events import HostResult, HostState
from opsctl.adapters.ansible_inventory import Target
from opsctl.maintenance.model import PatchPlan, differences, plan_from
from opsctl.maintenance.planning import host_plan, plan_of
from opsctl.profiles.model import KamstrupProfile
from opsctl.profiles.parts import AgreementPart

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def result(profile: KamstrupProfile, name: str, facts: dict[str, Any] | None,
           state: HostState = HostState.OK, message: str = "") -> HostResult:
    target = Target(profile.customer, profile.host(name), Path("known_hosts"), {})
    return HostResult(target, state, 0, message, {} if facts is None else {"patch_plan": facts})


@pytest.fixture
def plan(birkeby: KamstrupProfile, facts: dict[str, Any]) -> PatchPlan:
    results = {name: result(birkeby, name, facts) for name in ("birkeby-app", "birkeby-db")}
    return plan_of(birkeby, results, "r" * 64, NOW, security_only=False)


def planned(birkeby: KamstrupProfile, facts: dict[str, Any], **changes: Any) -> PatchPlan:
    arguments = {"revision": "r" * 64, "at": NOW, "security_only": False, **changes}
    return plan_of(birkeby, {name: result(birkeby, name, facts) for name in ("birkeby-app", "birkeby-db")},
                   arguments.pop("revision"), arguments.pop("at"), **arguments)


def test_a_plan_says_what_will_happen_on_each_host(plan: PatchPlan) -> None:
    assert [host.host for host in plan.hosts] == ["birkeby-db", "birkeby-app"]
    host = plan.hosts[0]
    assert [(package.name, package.installed, package.offered, package.security) for package in host.packages] == [
        ("libmeterproto", "1.0-1", "1.0-1+sec1", True), ("metertools", "2.0-1", "2.1-1", False),
        ("lab-kernel", "6.1-1", "6.1-2", False)]
    assert (host.reboot_by, host.restarts, host.held[0].name) == (
        ("lab-kernel",), ("lab-middleware.service",), "ready-server")
    assert not plan.nothing_to_do and plan.problems == ()
    assert 0 < plan.predicted < 1


def test_a_plan_names_what_only_a_reboot_renews(birkeby: KamstrupProfile, facts: dict[str, Any],
                                                plan: PatchPlan) -> None:
    facts["reboot_used"] = [{"package": "libmeterproto", "units": ["dbus.service", "init"]},
                            {"package": "metertools", "units": ["systemd-logind.service"]}]
    facts["install"] = facts["install"][:1]
    used = planned(birkeby, facts, security_only=True)
    assert used.hosts[0].reboot_by == ("dbus.service", "init"), "metertools is not to be installed"
    left = planned(birkeby, {**facts, "install": [], "only_by_reboot": ["dbus.service"]}, security_only=True)
    assert left.hosts[0].reboot_by == ("dbus.service",)
    assert not left.nothing_to_do, "a reboot that was left is work to do"
    without = planned(birkeby, {**facts, "reboot_used": []}, security_only=True)
    assert "birkeby-db: what asks for a reboot changed from nothing to dbus.service, init" in differences(without, used)


def test_only_what_is_to_be_installed_counts(birkeby: KamstrupProfile, facts: dict[str, Any]) -> None:
    facts["install"] = facts["install"][:1]
    host = planned(birkeby, facts, security_only=True).hosts[0]
    assert [package.name for package in host.packages] == ["libmeterproto"]
    assert host.reboot_by == (), "the kernel is not installed, so nothing asks for a reboot"


def test_nothing_to_do_needs_every_host_read(birkeby: KamstrupProfile, facts: dict[str, Any]) -> None:
    quiet = {**facts, "install": [], "upgrades": [], "units": [], "reboot_expected": []}
    assert planned(birkeby, quiet).nothing_to_do
    for pending in ({"reboot_required": ["lab-kernel"]}, {"only_by_reboot": ["dbus.service"]},
                    {"stale": ["cron.service"]}, {"interrupted": ["x"]}):
        assert not planned(birkeby, {**quiet, **pending}).nothing_to_do, pending
    down = {"birkeby-db": result(birkeby, "birkeby-db", None, HostState.UNREACHABLE, "No route to host"),
            "birkeby-app": result(birkeby, "birkeby-app", quiet)}
    partly = plan_of(birkeby, down, "r", NOW, security_only=False)
    assert not partly.nothing_to_do
    assert partly.problems == ("birkeby-db: the host could not be read: unreachable: No route to host",)
    assert plan_of(birkeby, {}, "r", NOW, security_only=False).problems, "a host without any result is no good news"


@pytest.mark.parametrize(("changed", "problem"), [
    ({"removals": ["apache2"]}, "would remove apache2"),
    ({"differences": ["x 1 comes along, but is not in the plan"]}, "x 1 comes along")])
def test_what_apt_would_not_do_exactly_is_a_problem(facts: dict[str, Any], birkeby: KamstrupProfile,
                                                    changed: dict[str, Any], problem: str) -> None:
    assert problem in planned(birkeby, {**facts, **changed}).problems[0]


def test_a_hold_that_is_missing_and_a_held_security_fix_are_warned_about(facts: dict[str, Any],
                                                                         birkeby: KamstrupProfile) -> None:
    facts["unheld"], facts["held"][0]["security"] = ["ready-server"], True
    warnings = host_plan("birkeby-db", result(birkeby, "birkeby-db", facts)).warnings
    assert ["apt-mark hold ready-server" in warnings[0], "security fix waits" in warnings[1]] == [True, True]


def test_the_hash_covers_all_that_an_approval_is_about(birkeby: KamstrupProfile, facts: dict[str, Any],
                                                       plan: PatchPlan) -> None:
    newer = deepcopy(facts)
    newer["upgrades"][0]["to"] = newer["install"][0]["to"] = "1.0-1+sec2"
    longer = birkeby.model_copy(update={"agreement": AgreementPart(
        reference="OTHER", valid_from=birkeby.hosting_from, valid_to=birkeby.hosting_from)})
    moved = birkeby.model_copy(update={"hosts": tuple(
        host.model_copy(update={"address": "192.0.2.9"}) if host.name == "birkeby-app" else host
        for host in birkeby.hosts)})
    others = {
        "package": planned(birkeby, newer), "reboot": planned(birkeby, {**facts, "reboot_required": ["other"]}),
        "terms": planned(longer, facts), "inventory": planned(moved, facts),
        "revision": planned(birkeby, facts, revision="s" * 64), "choice": planned(birkeby, facts, security_only=True),
        "restart": planned(birkeby, {**facts, "stale": ["cron.service"]})}
    hashes = {name: other.hash for name, other in others.items()}
    assert len({plan.hash, *hashes.values()}) == len(hashes) + 1, "each change gives another hash"
    for name, other in others.items():
        assert differences(plan, other), f"{name}: the difference is told"
    assert differences(plan, planned(birkeby, deepcopy(facts))) == ()


def test_what_nothing_is_done_about_leaves_the_hash(birkeby: KamstrupProfile, facts: dict[str, Any],
                                                    plan: PatchPlan) -> None:
    facts["held"][0]["offered"] = "6.0.0"
    assert planned(birkeby, {**facts, "down": ["cron.service is failed"]}).hash == plan.hash


def test_a_plan_file_gives_the_same_plan_back(plan: PatchPlan) -> None:
    text = json.dumps({**plan.document(), "hash": plan.hash})
    assert plan_from(json.loads(text)) == plan
    assert plan_from(json.loads(text)).hash == plan.hash


def test_the_differences_are_for_people(plan: PatchPlan) -> None:
    host = plan.hosts[0]
    changed = replace(plan, hosts=(replace(host, packages=host.packages[:1], reboot_by=()), plan.hosts[1]))
    assert differences(plan, changed) == (
        "birkeby-db: lab-kernel 6.1-2 is no longer to be installed",
        "birkeby-db: metertools 2.1-1 is no longer to be installed",
        "birkeby-db: what asks for a reboot changed from lab-kernel to nothing")
    assert differences(plan, replace(plan, hosts=plan.hosts[:1])) == ("birkeby-app: is gone",)
