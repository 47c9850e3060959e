"""Reading hosts without Ansible says exactly what the role says with it: every survey, well, failed and unreachable."""

import secrets
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from opsctl.adapters.ansible import Order, run_playbook
from opsctl.adapters.ansible_catalogue import (
    BACKUP_SURVEY,
    LICENCE_INVENTORY,
    PATCH_PLAN,
    READY_SURVEY,
    STORAGE_CHECK,
    Operation,
)
from opsctl.adapters.ansible_events import HostResult, HostState
from opsctl.lab import fault
from opsctl.profiles.model import KamstrupProfile
from opsctl.runs.playbook import identity, survey, targets_of
from opsctl.runs.workplace import Workplace
from tests.lab.guests import on
from tests.lab.patch_support import CUSTOMERS, apt_lock, offered
from tests.lab.surroundings import Opsctl, hosted

pytestmark = pytest.mark.lab
MEASURED = {"seconds", "latency", "bytes", "bytes_used", "bytes_available", "inodes_used", "inodes_available",
            "wal_bytes", "cache_hit_percent", "checkpoints", "checkpoints_requested", "tables", "free_mb", "mb",
            "bytes_total", "free_bytes"}
"""What differs from one moment to the next; there only the kind of value is compared."""


def by_ansible(workplace: Workplace, profiles: list[KamstrupProfile], operation: Operation) -> dict[str, HostResult]:
    targets = [target for profile in profiles for target in targets_of(workplace, profile)]
    folder = workplace.runs / secrets.token_hex(4)
    folder.mkdir(parents=True, mode=0o700)
    return dict(run_playbook(Order(operation, targets, workplace.settings.playbooks, identity(workplace), folder,
                                   f"tests-{folder.name}", forks=10)).hosts)


def steady(value: Any, name: str = "") -> Any:
    if name in MEASURED:
        return type(value).__name__ if not isinstance(value, int | float) else "number"
    if isinstance(value, dict):
        return {key: steady(content, key) for key, content in value.items()}
    return [steady(one) for one in value] if isinstance(value, list | tuple) else value


@contextmanager
def faulty(target: str, kind: str) -> Iterator[None]:
    fault.set_fault(target, kind, on=True)
    try:
        yield
    finally:
        fault.set_fault(target, kind, on=False)


@pytest.mark.parametrize("operation", [BACKUP_SURVEY, STORAGE_CHECK, PATCH_PLAN, READY_SURVEY, LICENCE_INVENTORY],
                         ids=lambda operation: operation.playbook)
def test_both_ways_say_the_same(workplace: Workplace, operation: Operation) -> None:
    profiles = [hosted(workplace, customer) for customer in CUSTOMERS]
    with offered("libmeterproto", "metertools"):
        ours = survey(workplace, profiles, operation)
        theirs = by_ansible(workplace, profiles, operation)
    assert ours.status == "read", "no Ansible was needed"
    assert list(ours.hosts) == list(theirs)
    for name, result in ours.hosts.items():
        assert (result.state, theirs[name].state) == (HostState.OK, HostState.OK), (result, theirs[name])
        assert steady(dict(result.data)) == steady(dict(theirs[name].data))


def test_a_failure_has_the_same_words(workplace: Workplace) -> None:
    profiles = [hosted(workplace, "sample-cedervig")]
    with faulty("apt", "stop"):
        ours = survey(workplace, profiles, PATCH_PLAN).hosts["sample-cedervig--cedervig-1"]
        theirs = by_ansible(workplace, profiles, PATCH_PLAN)["sample-cedervig--cedervig-1"]
    assert (ours.state, theirs.state) == (HostState.FAILED, HostState.FAILED)
    assert ours.message.startswith("Ask the host what there is to patch: apt-get update failed with exit code 100")
    assert ours.message.split("E:")[0] == theirs.message.split("E:")[0]


def test_an_unreachable_host_spoils_no_other(workplace: Workplace) -> None:
    profiles = [hosted(workplace, customer) for customer in ("sample-birkeby", "sample-cedervig")]
    with faulty("birkeby-app", "link-down"):
        ours = survey(workplace, profiles, STORAGE_CHECK).hosts
        theirs = by_ansible(workplace, profiles, STORAGE_CHECK)
    states = {name: result.state for name, result in ours.items()}
    assert states == {name: result.state for name, result in theirs.items()}
    assert states["sample-birkeby--birkeby-app"] is HostState.UNREACHABLE
    assert ours["sample-birkeby--birkeby-app"].message


def test_a_host_whose_python_fails_is_a_failure_with_its_words(workplace: Workplace) -> None:
    on("cedervig-1", "mv /usr/bin/timeout /usr/bin/timeout.away")
    try:
        found = survey(workplace, [hosted(workplace, "sample-cedervig")], STORAGE_CHECK)
    finally:
        on("cedervig-1", "mv /usr/bin/timeout.away /usr/bin/timeout")
    result = found.hosts["sample-cedervig--cedervig-1"]
    assert result.state is HostState.FAILED
    assert "the host gave no result" in result.message and "timeout" in result.message


@pytest.mark.parametrize("operation", [PATCH_PLAN, READY_SURVEY], ids=lambda operation: operation.playbook)
def test_an_index_that_another_apt_refreshes_is_waited_for(workplace: Workplace, operation: Operation) -> None:
    profiles = [hosted(workplace, "sample-cedervig")]
    with apt_lock("cedervig-1", "/var/lib/apt/lists/lock", seconds=6):
        began = time.monotonic()
        found = survey(workplace, profiles, operation).hosts["sample-cedervig--cedervig-1"]
    assert found.state is HostState.OK, found.message
    assert time.monotonic() - began > 4, "the lock was held meanwhile"


@pytest.mark.parametrize("operation", [PATCH_PLAN, READY_SURVEY], ids=lambda operation: operation.playbook)
def test_many_that_read_one_host_at_once_all_get_an_answer(workplace: Workplace, operation: Operation) -> None:
    """Each refreshes the index, and apt puts its cache in place of the one that the others read."""
    profile = hosted(workplace, "sample-cedervig")
    same = [profile.model_copy(update={"customer": f"alias-{number}"}) for number in range(8)]
    for one in same:
        shutil.copytree(workplace.settings.inventories / "sample-cedervig",
                        workplace.settings.inventories / one.customer)
    found = survey(workplace, same, operation).hosts
    assert {name: result.message for name, result in found.items() if result.state is not HostState.OK} == {}
    assert len(found) == len(same)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
def test_reading_ends_at_once_when_it_is_interrupted(opsctl: Opsctl, number: signal.Signals) -> None:
    with apt_lock("cedervig-1", "/var/lib/apt/lists/lock"):
        child = opsctl.start("patch", "plan", "sample-cedervig")
        assert child.stderr is not None
        assert "Ask the host what there is to patch" in child.stderr.readline()
        time.sleep(4)
        assert child.poll() is None, "it waits for the lock"
        began = time.monotonic()
        child.send_signal(number)
        child.communicate(timeout=30)
        assert child.returncode not in {0, None}
        assert time.monotonic() - began < 8
