"""Patching real hosts: plan, apply with reboot, proof, and a second run that finds nothing to do."""

from dataclasses import replace
from pathlib import Path

import pytest

from opsctl.core.errors import ExitCode
from opsctl.core.outcome import Status
from opsctl.lab import packages
from opsctl.maintenance.service import apply, plan
from opsctl.profiles.settings import Policy
from opsctl.runs.workplace import Workplace
from tests.lab.guests import boot_id, on
from tests.lab.patch_support import CUSTOMERS, current, installed, offered
from tests.lab.surroundings import Opsctl, hosted, set_in

pytestmark = pytest.mark.lab


def test_one_run_plans_for_all_customers_and_changes_nothing(workplace: Workplace) -> None:
    profiles = [hosted(workplace, customer) for customer in CUSTOMERS]
    with offered("libmeterproto", "metertools", "lab-kernel") as versions:
        before = {host.name: installed(host.name, *versions) for profile in profiles for host in profile.hosts}
        plans = plan(workplace, profiles)
        assert [made.customer for made in plans] == list(CUSTOMERS)
        assert [host.host for host in plans[1].hosts] == ["birkeby-db", "birkeby-app"]
        for host in (host for made in plans for host in made.hosts):
            assert host.problem == ""
            found = {package.name: package for package in host.packages}
            for name, version in versions.items():
                assert (found[name].installed, found[name].offered) == (before[host.host][name], version)
                assert found[name].security is (name == "libmeterproto")
            assert "lab-kernel" in host.reboot_by
        held = {host.host: [package.name for package in host.held] for made in plans for host in made.hosts}
        assert "ready-server" in held["birkeby-app"]
        assert held["birkeby-db"] == [], "READY is not installed there"
        assert {name: installed(name, *versions) for name in before} == before


def test_the_command_takes_a_backup_first_where_none_is_young(config: Path, opsctl: Opsctl, workplace: Workplace
                                                             ) -> None:
    set_in(config, policy={"patch_unbacked": Policy().patch_unbacked.value})
    current(workplace, "sample-aalund")
    seen = len(list(workplace.ledger.entries("sample-aalund")))
    with offered("metertools") as versions:
        answer = opsctl("patch", "apply", "sample-aalund", "--yes", "--json")
        assert answer.code == 0, answer
        assert installed("aalund-1", *versions) == versions
    told = [entry.kind for entry in workplace.ledger.entries("sample-aalund")][seen:]
    assert told.count("backup.completed") == 1
    assert told.index("backup.completed") < told.index("patch.applied")
    with offered("metertools"):
        assert opsctl("patch", "apply", "sample-aalund", "--yes", "--json").code == 0
    told = [entry.kind for entry in workplace.ledger.entries("sample-aalund")][seen:]
    assert (told.count("backup.completed"), told.count("patch.applied")) == (1, 2), "that one is young enough"


@pytest.mark.parametrize("customer", CUSTOMERS)
def test_patches_are_installed_with_a_proven_reboot_and_a_second_run_changes_nothing(
        workplace: Workplace, customer: str) -> None:
    profile = hosted(workplace, customer)
    names = [host.name for host in profile.hosts]
    with offered("libmeterproto", "metertools", "lab-middleware", "lab-kernel") as versions:
        before = {name: (boot_id(name), installed(name, *versions)) for name in names}
        ready = {host.name: on(host.name, "dpkg-query -W -f '${Version}' ready-server")
                 for host in profile.hosts if "application" in host.roles}
        outcome = apply(workplace, profile)
        assert (outcome.status, outcome.code) == (Status.DONE, ExitCode.OK), outcome
        entries = {entry.payload["host"]: entry.payload
                   for entry in workplace.ledger.entries(customer, kinds=["patch.applied"])}
        assert set(entries) == set(names)
        for name in names:
            entry = entries[name]
            assert installed(name, *versions) == versions
            assert {key: entry["after"][key] for key in versions} == versions
            assert {key: entry["before"][key] for key in versions} == before[name][1]
            assert entry["result"] == "patched"
            assert entry["reboot"] == {"needed": True, "by": ["lab-kernel"], "done": True,
                                       "boot_before": before[name][0], "boot_after": boot_id(name)}
            assert entry["reboot"]["boot_before"] != entry["reboot"]["boot_after"]
            assert len(entry["revision"]) == 64
            assert on(name, "test ! -e /run/reboot-required && echo gone") == "gone"
        assert {name: on(name, "dpkg-query -W -f '${Version}' ready-server") for name in ready} == ready
        boots = {name: boot_id(name) for name in names}
        second = apply(workplace, profile)
        assert second.status is Status.UNCHANGED, second
        assert all(name in second.summary for name in names)
        assert {name: boot_id(name) for name in names} == boots
        assert len(list(workplace.ledger.entries(customer, kinds=["patch.applied"]))) == len(names)


def test_databases_are_patched_before_applications(workplace: Workplace) -> None:
    with offered("metertools"):
        outcome = apply(workplace, hosted(workplace, "sample-birkeby"))
    assert outcome.status is Status.DONE, outcome
    order = [entry.payload["host"] for entry in workplace.ledger.entries("sample-birkeby", kinds=["patch.applied"])]
    assert order == ["birkeby-db", "birkeby-app"]


def test_security_alone_leaves_the_ordinary_update(workplace: Workplace) -> None:
    profile = current(workplace, "sample-cedervig")
    with offered("libmeterproto", "metertools") as versions:
        before = installed("cedervig-1", "metertools")
        outcome = apply(workplace, profile, security_only=True)
        assert outcome.status is Status.DONE, outcome
        assert installed("cedervig-1", "libmeterproto")["libmeterproto"] == versions["libmeterproto"]
        assert installed("cedervig-1", "metertools") == before
        assert apply(workplace, profile, security_only=True).status is Status.UNCHANGED
        assert apply(workplace, profile).status is Status.DONE
        assert installed("cedervig-1", "metertools")["metertools"] == versions["metertools"]


def test_a_reboot_that_is_not_allowed_is_left_and_told(workplace: Workplace) -> None:
    profile = current(workplace, "sample-cedervig")
    with offered("lab-kernel") as versions:
        boot = boot_id("cedervig-1")
        outcome = apply(workplace, profile, reboot=False)
        assert outcome.status is Status.WARNING, outcome
        assert boot_id("cedervig-1") == boot
        assert installed("cedervig-1", "lab-kernel") == versions
        entry = workplace.ledger.last("sample-cedervig", "patch.applied")
        assert entry is not None
        assert (entry.payload["reboot"]["needed"], entry.payload["reboot"]["done"]) == (True, False)
        later = apply(workplace, profile)
        assert later.status is Status.DONE, "the pending reboot alone is work to do"
        assert boot_id("cedervig-1") != boot
        assert apply(workplace, profile).status is Status.UNCHANGED


def test_what_only_a_reboot_renews_is_in_the_plan_and_when_left_in_the_next(workplace: Workplace) -> None:
    profile = current(workplace, "sample-cedervig")
    on("cedervig-1", "systemd-run --quiet --collect --unit=dbus-broker.service python3 -c \"import mmap, time; "
                     "f = open('/usr/lib/libmeterproto/version'); "
                     "m = mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ); time.sleep(600)\"; sleep 1")
    with offered("libmeterproto") as versions:
        made = plan(workplace, [profile])[0]
        assert made.hosts[0].reboot_by == ("dbus-broker.service",)
        boot = boot_id("cedervig-1")
        outcome = apply(workplace, profile, plan=made, reboot=False)
        assert (outcome.status, installed("cedervig-1", *versions)) == (Status.WARNING, versions), outcome
        later = plan(workplace, [profile])[0]
        assert (later.hosts[0].packages, later.hosts[0].reboot_by) == ((), ("dbus-broker.service",))
        assert boot_id("cedervig-1") == boot
        assert apply(workplace, profile, plan=later).status is Status.DONE
        assert boot_id("cedervig-1") != boot
        assert apply(workplace, profile).status is Status.UNCHANGED


def test_a_reboot_that_the_plan_does_not_name_is_left_for_the_next(workplace: Workplace,
                                                                   monkeypatch: pytest.MonkeyPatch) -> None:
    profile = current(workplace, "sample-cedervig")
    sound = packages.third_party
    boot = boot_id("cedervig-1")
    with monkeypatch.context() as patched:
        patched.setattr(packages, "third_party", lambda name, version: replace(
            sound(name, version), scripts={"postinst": "#!/bin/sh\ntouch /run/reboot-required\n"}))
        with offered("metertools") as versions:
            assert plan(workplace, [profile])[0].hosts[0].reboot_by == ()
            outcome = apply(workplace, profile)
            assert (outcome.status, installed("cedervig-1", *versions)) == (Status.WARNING, versions), outcome
            assert "the plan named no reboot" in outcome.data["details"][0]
            assert boot_id("cedervig-1") == boot
            assert apply(workplace, profile).status is Status.DONE
            assert boot_id("cedervig-1") != boot
    boot = boot_id("cedervig-1")
    with offered("metertools"):
        assert plan(workplace, [profile])[0].hosts[0].reboot_by == ("metertools",), "its script asked before"
        assert apply(workplace, profile).status is Status.DONE
    assert boot_id("cedervig-1") == boot, "nothing asked for it"


def test_a_middleware_is_started_anew_when_it_was_replaced(workplace: Workplace) -> None:
    profile = current(workplace, "sample-cedervig")
    with offered("lab-middleware") as versions:
        assert plan(workplace, [profile])[0].hosts[0].restarts == ("lab-middleware.service",)
        before = on("cedervig-1", "systemctl show -P InvocationID lab-middleware.service")
        outcome = apply(workplace, profile)
        assert outcome.status is Status.DONE, outcome
        assert on("cedervig-1", "systemctl show -P InvocationID lab-middleware.service") != before
        answer = on("cedervig-1", "python3 -c \"import socket; s = socket.create_connection(('127.0.0.1', 7070), 5); "
                                  "s.sendall(b'x\\n'); print(s.recv(100).decode().strip())\"")
        assert answer == f"lab-middleware {versions['lab-middleware']}"


def test_an_approved_plan_must_still_fit(workplace: Workplace) -> None:
    profile = current(workplace, "sample-cedervig")
    with offered("metertools") as versions:
        approved = plan(workplace, [profile])[0]
        with offered("lab-middleware") as more:
            refused = apply(workplace, profile, plan=approved)
            assert (refused.status, refused.code) == (Status.FAILED, ExitCode.APPROVAL)
            assert refused.data["details"] == [
                f"cedervig-1: lab-middleware {more['lab-middleware']} was not planned",
                "cedervig-1: what is restarted changed from nothing to lab-middleware.service"]
            assert installed("cedervig-1", "metertools") != versions, "nothing was touched"
        assert apply(workplace, profile, plan=approved).status is Status.DONE
        assert installed("cedervig-1", "metertools") == versions
