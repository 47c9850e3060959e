"""Which release is due tonight, and why none is; what a release means for each customer. No host is asked."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from opsctl.core.clock import SystemClock
from opsctl.core.errors import NotCovered, OperationFailed, OutsideWindow
from opsctl.core.outcome import Outcome, Status
from opsctl.fleet.impact import Verdict, impact
from opsctl.fleet.install_due import install_due
from opsctl.fleet.installing import install_release
from opsctl.fleet.rings import Rings
from opsctl.fleet.windows import WEEKDAYS
from opsctl.profiles.loader import load_profile
from opsctl.profiles.parts import Window
from opsctl.profiles.settings import Settings
from opsctl.releases.catalogue import load
from opsctl.releases.version import Version
from opsctl.runs.workplace import Workplace
from tests.unit.workplaces import opened

ROOT = Path(__file__).resolve().parents[3]
RELEASES = load(ROOT / "releases")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Workplace]:
    with opened(tmp_path, SystemClock(), Settings()) as found:
        yield found


def profile(name: str, **changed: Any) -> Any:
    return load_profile(ROOT / "inventories", f"sample-{name}").model_copy(update=changed)


def no_backup(place: Workplace, found: Any) -> Outcome:
    raise AssertionError("nothing is due, so nothing is backed up")


def due(place: Workplace, found: Any, *, patched: bool = False) -> Outcome:
    return install_due(place, found, RELEASES, no_backup, patched=patched, rings=Rings(place, [found]))


def installed(place: Workplace, version: str) -> None:
    place.ledger.append("sample-aalund", "release.installed", {"to": version}, actor="tests")


def test_a_major_release_waits_for_another_night(place: Workplace) -> None:
    found = due(place, profile("aalund"), patched=True)
    assert found.status is Status.SKIPPED and "P12" in found.summary
    assert found.service == "software-update-major"
    place.ledger.append("sample-aalund", "patch.applied", {"host": "aalund-1"}, actor="tests")
    assert "P12" in due(place, profile("aalund")).summary, "nor in a second run on the same day"


def test_a_release_that_is_held_is_not_installed_by_anybody(place: Workplace) -> None:
    held = profile("aalund", hold_releases="summer campaign")
    assert "summer campaign" in due(place, held).summary
    with pytest.raises(OutsideWindow, match="summer campaign"):
        install_release(place, held, RELEASES, no_backup)
    assert impact(place, held, RELEASES, Version.parse("6.0.0")).verdict is Verdict.BLOCKED


def test_the_newest_is_there_already_by_the_ledger(place: Workplace) -> None:
    installed(place, "6.0.0")
    assert "6.0.0 is the newest" in due(place, profile("aalund")).summary


def test_a_window_that_is_too_short_is_not_used(place: Workplace) -> None:
    short = Window(name="short", weekdays=WEEKDAYS, start="00:00", end="00:05")
    found = due(place, profile("aalund", windows=(short,)))
    assert found.status is Status.SKIPPED and "window" in found.summary
    blocked = impact(place, profile("aalund", windows=(short,)), RELEASES, Version.parse("5.5.0"))
    assert blocked.verdict is Verdict.BLOCKED and "15 minutes" in blocked.reasons[0]


def test_an_open_failure_keeps_everybody_from_trying_again(place: Workplace) -> None:
    place.ledger.append("sample-aalund", "run.finished", {
        "operation": "release install", "status": "failed", "exit_code": 1, "summary": "it failed"}, actor="tests",
        run="r")
    with pytest.raises(OperationFailed, match="not marked resolved"):
        due(place, profile("aalund"))


def test_a_system_that_the_customer_hosts_is_told_and_not_installed(place: Workplace) -> None:
    with pytest.raises(NotCovered, match="P23"):
        due(place, profile("elmegaard"))


@pytest.mark.parametrize(("name", "version", "verdict", "reason"), [
    ("aalund", "6.0.0", Verdict.AUTOMATIC, "by way of 5.5.0"), ("aalund", "5.4.0", Verdict.ALREADY_THERE, ""),
    ("cedervig", "6.0.0", Verdict.NEEDS_AGREEMENT, "P13"), ("dalmose", "6.0.0", Verdict.NOTICE, ""),
    ("aalund", "6.0.1", Verdict.BLOCKED, "withdrawn")])
def test_what_a_release_means(place: Workplace, name: str, version: str, verdict: Verdict, reason: str) -> None:
    found = impact(place, profile(name), RELEASES, Version.parse(version))
    assert found.verdict is verdict
    assert reason in "; ".join(found.reasons)


def test_what_was_broken_off_is_taken_back_also_outside_the_window(place: Workplace,
                                                                   monkeypatch: pytest.MonkeyPatch) -> None:
    place.ledger.append("sample-aalund", "release.started", {"from": "5.4.0", "to": "5.5.0"}, actor="tests")
    asked: list[str] = []

    def taken_back(place: Workplace, found: Any) -> Outcome:
        asked.append(found.customer)
        place.ledger.append(found.customer, "release.taken_back", {"version": "5.4.0"}, actor="tests")
        return Outcome(found.customer, "x", Status.DONE, "READY 5.4.0 runs and is healthy")

    monkeypatch.setattr("opsctl.fleet.installing.roll_back", taken_back)
    found = due(place, profile("aalund", windows=()))
    assert asked == ["sample-aalund"] and found.status is Status.DONE
    assert "window" in found.warnings[-1], "nothing is installed after it that no other night would install"
    assert due(place, profile("aalund", windows=())).status is Status.SKIPPED
