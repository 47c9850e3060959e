"""What patching leaves alone, refuses and repairs on real hosts."""

import re
from collections.abc import Callable
from contextlib import ExitStack

import pytest

from opsctl.adapters.ansible_catalogue import PATCH_APPLY
from opsctl.core.errors import ExitCode, OutsideWindow
from opsctl.core.outcome import Outcome, Status
from opsctl.lab import fault
from opsctl.maintenance.service import apply, plan, request
from opsctl.profiles.model import KamstrupProfile
from opsctl.profiles.rollout import ApprovalNeed, PlanApprovals
from opsctl.runs.playbook import play, targets_of
from opsctl.runs.service import Run, perform
from opsctl.runs.workplace import Workplace
from tests.lab.guests import on
from tests.lab.patch_support import CUSTOMERS, apt_lock, current, installed, offered, units
from tests.lab.surroundings import hosted

pytestmark = pytest.mark.lab
HOST = "cedervig-1"


@pytest.fixture
def cedervig(workplace: Workplace) -> KamstrupProfile:
    return current(workplace, "sample-cedervig")


def performed(workplace: Workplace, profile: KamstrupProfile, act: Callable[[Run], Outcome]) -> Outcome:
    return perform(workplace, profile, request(False), "patch apply", act)


def test_a_held_package_is_left_alone_and_told(workplace: Workplace, cedervig: KamstrupProfile) -> None:
    with offered("metertools", "libmeterproto") as versions, ExitStack() as stack:
        on(HOST, "apt-mark hold metertools")
        stack.callback(on, HOST, "apt-mark unhold metertools")
        before = installed(HOST, "metertools")
        host = plan(workplace, [cedervig])[0].hosts[0]
        assert [package.name for package in host.packages] == ["libmeterproto"]
        assert {held.name: held.offered for held in host.held}["metertools"] == versions["metertools"]
        assert apply(workplace, cedervig).status is Status.DONE
        assert installed(HOST, "metertools") == before
    assert "metertools" not in on(HOST, "apt-mark showhold")


def test_ready_is_not_installed_by_patching_even_without_its_hold(workplace: Workplace,
                                                                  cedervig: KamstrupProfile) -> None:
    with offered("metertools") as versions, ExitStack() as stack:
        on(HOST, "apt-mark unhold ready-server")
        stack.callback(on, HOST, "apt-mark hold ready-server")
        before = installed(HOST, "ready-server")
        made = plan(workplace, [cedervig])[0]
        assert [package.name for package in made.hosts[0].packages] == ["metertools"]
        assert "apt-mark hold ready-server" in made.hosts[0].warnings[0]
        outcome = apply(workplace, cedervig)
        assert outcome.status is Status.DONE, outcome
        assert (installed(HOST, "metertools"), installed(HOST, "ready-server")) == (versions, before)


def test_a_half_done_installation_is_finished_first(workplace: Workplace, cedervig: KamstrupProfile) -> None:
    with offered("metertools") as versions:
        on(HOST, "cd /tmp && apt-get update -q >/dev/null && apt-get download -q metertools >/dev/null && "
                 "dpkg --unpack metertools_*.deb >/dev/null; rm -f metertools_*.deb")
        assert on(HOST, "dpkg --audit") != ""
        made = plan(workplace, [cedervig])[0]
        assert made.hosts[0].interrupted and not made.nothing_to_do
        outcome = apply(workplace, cedervig)
        assert outcome.status is Status.DONE, outcome
        entry = workplace.ledger.last("sample-cedervig", "patch.applied")
        assert entry is not None and entry.payload["repaired"]
        assert on(HOST, "dpkg --audit") == ""
        assert installed(HOST, "metertools") == versions
        assert apply(workplace, cedervig).status is Status.UNCHANGED


def test_a_host_that_is_not_sound_is_not_patched(workplace: Workplace, cedervig: KamstrupProfile) -> None:
    def act(run: Run) -> Outcome:
        play(run, targets_of(workplace, cedervig), PATCH_APPLY, {"platform_patch_sound_seconds": 1})
        raise AssertionError("it went on")

    with offered("metertools") as versions, ExitStack() as stack:
        stack.callback(on, HOST, "systemctl start ready-server.service")
        on(HOST, "systemctl stop ready-server.service")
        outcome = performed(workplace, cedervig, act)
        assert outcome.status is Status.FAILED
        details = outcome.data["details"][0]
        assert "not sound before patching" in details
        assert "ready-server.service" in details and "/health" in details
        assert installed(HOST, "metertools") != versions


def test_another_run_on_the_host_is_respected(workplace: Workplace, cedervig: KamstrupProfile) -> None:
    with offered("metertools") as versions, ExitStack() as stack:
        on(HOST, "systemd-run --quiet --unit=opsctl-tests-backup sleep 100")
        stack.callback(on, HOST, "systemctl stop opsctl-tests-backup.service")
        outcome = apply(workplace, cedervig)
        assert outcome.status is Status.FAILED
        assert "opsctl-tests-backup.service is running" in outcome.data["details"][0]
        assert installed(HOST, "metertools") != versions
        assert "opsctl-tests-backup" in units(HOST), "it stops its own units only"


def test_the_lock_of_an_upgrade_at_night_is_named(workplace: Workplace, cedervig: KamstrupProfile) -> None:
    def act(run: Run) -> Outcome:
        play(run, targets_of(workplace, cedervig), PATCH_APPLY, {"platform_patch_lock_seconds": 2})
        raise AssertionError("it went on")

    with offered("metertools") as versions:
        with apt_lock(HOST):
            outcome = performed(workplace, cedervig, act)
        assert outcome.status is Status.FAILED
        assert re.search(r"held by process \d+ \(unattended-upgr\)", outcome.data["details"][0])
        assert installed(HOST, "metertools") != versions


def test_the_lock_is_waited_for(workplace: Workplace, cedervig: KamstrupProfile) -> None:
    with offered("metertools") as versions, apt_lock(HOST, seconds=12):
        outcome = apply(workplace, cedervig)
        assert outcome.status is Status.DONE, outcome
        assert installed(HOST, "metertools") == versions


def test_a_repository_that_is_down_is_never_up_to_date(workplace: Workplace, cedervig: KamstrupProfile) -> None:
    fault.set_fault("apt", "stop", on=True)
    try:
        made = plan(workplace, [cedervig])[0]
        assert "apt-get update failed" in made.problems[0]
        assert not made.nothing_to_do
        outcome = apply(workplace, cedervig)
        assert outcome.status is Status.FAILED
        assert "apt-get update failed" in outcome.data["details"][0]
    finally:
        fault.set_fault("apt", "stop", on=False)
    assert plan(workplace, [cedervig])[0].problems == ()


def test_check_mode_predicts_and_changes_nothing(workplace: Workplace, cedervig: KamstrupProfile) -> None:
    seen = []

    def act(run: Run) -> Outcome:
        seen.append(play(run, targets_of(workplace, cedervig), PATCH_APPLY, {}, check=True))
        return Outcome(run.customer, run.request.service, Status.DONE, "checked")

    with offered("metertools", "lab-kernel") as versions:
        before = (installed(HOST, *versions), on(HOST, "cat /proc/sys/kernel/random/boot_id"))
        performed(workplace, cedervig, act)
        assert (installed(HOST, *versions), on(HOST, "cat /proc/sys/kernel/random/boot_id")) == before
        found = next(iter(seen[0].hosts.values()))
        data = found.data["platform_patch"]
        assert {package["name"]: package["to"] for package in data["install"]} == versions
        assert data["reboot"]["by"] == ["lab-kernel"], "expected, since the package's script asks for it"
        assert found.changed >= 2, "it says that it would install and reboot"
        assert seen[0].predicted.tasks > seen[0].predicted.skipped


def test_an_unreachable_host_is_told_apart_and_nothing_is_begun(workplace: Workplace) -> None:
    profiles = [hosted(workplace, customer) for customer in CUSTOMERS]
    fault.set_fault("birkeby-app", "link-down", on=True)
    try:
        with offered("metertools") as versions:
            aalund, birkeby, cedervig = plan(workplace, profiles)
            assert (aalund.problems, cedervig.problems) == ((), ())
            assert [problem.split(":")[0] for problem in birkeby.problems] == ["birkeby-app"]
            assert "unreachable" in birkeby.problems[0]
            outcome = apply(workplace, profiles[1])
            assert outcome.status is Status.FAILED
            assert installed("birkeby-db", "metertools") != versions, "the other host was not begun"
    finally:
        fault.set_fault("birkeby-app", "link-down", on=False)


def test_a_host_that_fails_leaves_the_rest_untouched_or_done_and_the_next_run_takes_it_up(workplace: Workplace) -> None:
    birkeby = current(workplace, "sample-birkeby")

    def results(outcome: Outcome) -> dict[str, str]:
        return {host: entry["result"] for host, entry in outcome.data["hosts"].items()}

    with offered("metertools") as versions, ExitStack() as stack:
        for host in ("birkeby-db", "birkeby-app"):
            on(host, "systemd-run --quiet --collect --unit=opsctl-tests-busy sleep 200")
            stack.callback(on, host, "systemctl stop opsctl-tests-busy.service || true")
        first = apply(workplace, birkeby)
        assert (first.status, first.code) == (Status.FAILED, ExitCode.FAILED)
        assert results(first) == {"birkeby-db": "failed", "birkeby-app": "not reached"}
        on("birkeby-db", "systemctl stop opsctl-tests-busy.service")
        second = apply(workplace, birkeby)
        assert (second.status, second.code) == (Status.PARTIAL, ExitCode.PARTIAL)
        assert results(second) == {"birkeby-db": "patched", "birkeby-app": "failed"}
        on("birkeby-app", "systemctl stop opsctl-tests-busy.service")
        third = apply(workplace, birkeby)
        assert third.status is Status.DONE
        assert results(third) == {"birkeby-app": "patched"}, "what is patched already is not touched again"
        assert installed("birkeby-app", "metertools") == versions


def test_a_window_that_closes_midway_leaves_the_rest_for_the_next(workplace: Workplace) -> None:
    birkeby = current(workplace, "sample-birkeby")

    asked = []

    def closing() -> None:
        asked.append("once more")
        if len(asked) > 1:
            raise OutsideWindow("the window closes too soon")

    with offered("metertools") as versions:
        before = installed("birkeby-app", "metertools")
        outcome = apply(workplace, birkeby, may_start=closing)
        assert (outcome.status, outcome.code) == (Status.PARTIAL, ExitCode.OUTSIDE_WINDOW)
        assert [(host, entry["result"]) for host, entry in outcome.data["hosts"].items()] == [
            ("birkeby-db", "patched"), ("birkeby-app", "not reached")]
        assert "closes too soon" in outcome.data["hosts"]["birkeby-app"]["message"]
        assert (installed("birkeby-db", "metertools"), installed("birkeby-app", "metertools")) == (versions, before)


def test_a_plan_without_its_approval_is_not_applied(workplace: Workplace, cedervig: KamstrupProfile) -> None:
    careful = cedervig.model_copy(update={"approvals": PlanApprovals(patch=ApprovalNeed.ONE_PERSON)})
    with offered("metertools") as versions:
        refused = apply(workplace, careful)
        assert refused.code is ExitCode.APPROVAL and "not approved" in refused.summary
        assert installed("cedervig-1", "metertools") != versions
