"""Hosts one after the other: the window is asked before each, the first included, and none is begun outside it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from opsctl.core.clock import SystemClock
from opsctl.core.errors import ExitCode, OutsideWindow
from opsctl.core.outcome import Outcome, Status
from opsctl.core.progress import Silent
from opsctl.ledger import open_ledger
from opsctl.maintenance import service
from opsctl.maintenance.model import HostPlan, Package, PatchPlan
from opsctl.profiles.model import KamstrupProfile
from opsctl.profiles.settings import Settings
from opsctl.runs import leftovers
from opsctl.runs.workplace import Workplace

PACKAGES = (Package("metertools", "2.0-1", "2.1-1", security=False),)
FACTS = {"sound": True, "before": {}, "after": {}, "reboot": {
    "needed": False, "by": [], "boot_before": "", "boot_after": ""}}
MADE = PatchPlan("sample-birkeby", False, (HostPlan("birkeby-db", PACKAGES), HostPlan("birkeby-app", PACKAGES)),
                 "terms", "inventory", "revision", 1.0)


@pytest.fixture
def happened() -> list[str]:
    return []


@pytest.fixture
def may_reboot() -> dict[str, bool]:
    """By host whether it was allowed."""
    return {}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, happened: list[str], may_reboot: dict[str, bool]
          ) -> Iterator[Workplace]:
    """What happens on the hosts is noted; nothing is asked of one."""
    def mend(*_: object) -> tuple[str, ...]:
        happened.append("mended")
        return ()

    def plan(*_: object, **__: object) -> tuple[PatchPlan, ...]:
        happened.append("planned")
        return (MADE,)

    def play(run: object, targets: Sequence[Any], *_: object, on_data: Callable[..., None], **__: object) -> Any:
        happened.append(targets[0].host.name)
        may_reboot[targets[0].host.name] = targets[0].variables["platform_patch_reboot"]
        on_data(targets[0], {"platform_patch": FACTS})
        return SimpleNamespace(hosts={})

    monkeypatch.setattr(leftovers, "mend", mend)
    monkeypatch.setattr(service, "plan", plan)
    monkeypatch.setattr(service, "play", play)
    ledger = open_ledger(f"sqlite:///{tmp_path}/ledger.db", SystemClock())
    yield Workplace(Settings(), ledger, SystemClock(), Silent(), "tests", tmp_path / "runs", tmp_path / "drafts")
    ledger.close()


def patched(place: Workplace, profile: KamstrupProfile, happened: list[str], answers: int) -> Outcome:
    """Patch with a window that is open for so many questions."""
    def may_start() -> None:
        happened.append("asked")
        if happened.count("asked") > answers:
            raise OutsideWindow("the window closes too soon")

    return service.apply(place, profile, may_start=may_start)


def test_the_window_is_asked_before_every_host(place: Workplace, birkeby: KamstrupProfile, happened: list[str]) -> None:
    assert patched(place, birkeby, happened, 2).status is Status.DONE
    assert happened == ["mended", "planned", "asked", "birkeby-db", "asked", "birkeby-app"]


def test_a_window_that_closed_before_the_first_host_leaves_all_untouched(
        place: Workplace, birkeby: KamstrupProfile, happened: list[str]) -> None:
    outcome = patched(place, birkeby, happened, 0)
    assert (outcome.status, outcome.code) == (Status.FAILED, ExitCode.OUTSIDE_WINDOW), outcome
    assert "closes too soon" in outcome.summary
    assert happened == ["mended", "planned", "asked"]
    assert [entry.kind for entry in place.ledger.entries(birkeby.customer)] == ["run.started", "run.finished"]


def test_a_window_that_closes_midway_leaves_the_rest(place: Workplace, birkeby: KamstrupProfile,
                                                     happened: list[str]) -> None:
    outcome = patched(place, birkeby, happened, 1)
    assert (outcome.status, outcome.code) == (Status.PARTIAL, ExitCode.OUTSIDE_WINDOW), outcome
    assert happened[2:] == ["asked", "birkeby-db", "asked"]
    assert [entry.payload["result"] for entry in place.ledger.entries(birkeby.customer, kinds=("patch.applied",))] == [
        "patched", "not reached"]


def test_a_run_that_is_ended_at_its_first_host_never_came_to_the_second(
        place: Workplace, birkeby: KamstrupProfile, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(service, "play", interrupted)
    with pytest.raises(KeyboardInterrupt):
        service.apply(place, birkeby)
    assert [(entry.payload["host"], entry.payload["result"])
            for entry in place.ledger.entries(birkeby.customer, kinds=("patch.applied",))] == [
                ("birkeby-db", "failed"), ("birkeby-app", "not reached")]


@pytest.mark.parametrize("reboot", [True, False])
def test_only_hosts_that_the_plan_names_a_reboot_for_may_be_rebooted(
        place: Workplace, birkeby: KamstrupProfile, monkeypatch: pytest.MonkeyPatch, may_reboot: dict[str, bool],
        reboot: bool) -> None:
    db, app = MADE.hosts
    monkeypatch.setattr(service, "plan", lambda *_, **__: (
        replace(MADE, hosts=(replace(db, reboot_by=("dbus.service",)), app)),))
    assert service.apply(place, birkeby, reboot=reboot).status is Status.DONE
    assert may_reboot == {"birkeby-db": reboot, "birkeby-app": False}
