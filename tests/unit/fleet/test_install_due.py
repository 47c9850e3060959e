"""Which release is due tonight, and why none is; what a release means for each customer. No host is asked."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from opsctl.core.clock import SystemClock
from opsctl.core.errors import ConfigurationError, NotCovered, OperationFailed, OutsideWindow
from opsctl.core.outcome import Outcome, Status
from opsctl.fleet import changing
from opsctl.fleet.hosted_night import Rooms, hosted_night
from opsctl.fleet.impact import Verdict, impact
from opsctl.fleet.install_due import install_due
from opsctl.fleet.installing import install_release, put_right
from opsctl.fleet.modules import switch_module
from opsctl.fleet.rings import Rings
from opsctl.fleet.upgrading import require_apart
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


def unasked(*_: Any) -> Any:
    raise OperationFailed("not asked for")


NOTHING = Rooms(check_storage=unasked, back_up=unasked, prune=unasked, patch=unasked, draft=unasked,
                stored=lambda profile, found: found)


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


@pytest.fixture
def broken_off(place: Workplace, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """An installation at aalund that a run left open; gives whoever it was taken back for."""
    place.ledger.append("sample-aalund", "release.started", {"from": "5.4.0", "to": "5.5.0"}, actor="tests")
    asked: list[str] = []

    def taken_back(place: Workplace, found: Any) -> Outcome:
        asked.append(found.customer)
        place.ledger.append(found.customer, "release.taken_back", {"version": "5.4.0"}, actor="tests")
        return Outcome(found.customer, "x", Status.DONE, "READY 5.4.0 runs and is healthy")

    monkeypatch.setattr("opsctl.fleet.installing.roll_back", taken_back)
    return asked


def failed_run(place: Workplace) -> None:
    place.ledger.append("sample-aalund", "run.finished", {"operation": "release install", "status": "failed",
                                                          "exit_code": 1, "summary": "cancelled"}, actor="tests",
                        run="r-1")


@pytest.mark.parametrize("releases", [RELEASES, ConfigurationError("a release file was edited")])
def test_what_was_broken_off_is_taken_back_first_of_all(releases: Any, place: Workplace, broken_off: list[str]) -> None:
    """No closed window, no failure that waits for its cause, no release file keeps READY stopped."""
    failed_run(place)

    def back_up(place: Workplace, found: Any) -> Outcome:
        assert broken_off, "a backup of a system that stands still comes after it"
        raise OperationFailed("no further")

    rooms = replace(NOTHING, back_up=back_up, put_right=put_right)
    rows = list(hosted_night(place, profile("aalund", windows=()), releases, rooms, Rings(place, [])))
    assert broken_off == ["sample-aalund"] and rows[0].status is Status.DONE
    assert any("a release file was edited" in line for line in rows[0].warnings) is (releases is not RELEASES)
    assert put_right(place, profile("aalund"), RELEASES) is None, "once"


def test_a_way_back_that_failed_waits_for_people(place: Workplace, broken_off: list[str]) -> None:
    place.ledger.append("sample-aalund", "release.stuck", {}, actor="tests")
    failed_run(place)
    with pytest.raises(OperationFailed, match="not marked resolved"):
        put_right(place, profile("aalund"), RELEASES)
    assert not broken_off
    place.ledger.append("sample-aalund", "failure.resolved", {"reason": "room was made"}, actor="tests")
    assert put_right(place, profile("aalund"), RELEASES) is not None and broken_off


def test_meanwhile_nothing_else_is_changed(place: Workplace, broken_off: list[str]) -> None:
    for act in (lambda: changing.patch(place, profile("aalund"), {"security_only": False, "reboot": True}),
                lambda: switch_module(place, profile("aalund"), RELEASES, "leak-alarm", True),
                lambda: require_apart(place, profile("aalund"))):
        with pytest.raises(OperationFailed, match="an installation of READY 5"):
            act()
