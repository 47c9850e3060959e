"""What keeps an upgrade of the platform and a release apart, and from being left half done. No host is asked."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from opsctl.core.clock import SystemClock
from opsctl.core.errors import OperationFailed, OutsideWindow
from opsctl.core.outcome import Outcome, Status
from opsctl.core.progress import Silent
from opsctl.fleet.changing import patch
from opsctl.fleet.install_due import install_due
from opsctl.fleet.installing import install_release
from opsctl.fleet.planfiles import read_patch_plan, read_upgrade_plan, text_of
from opsctl.fleet.rings import Rings
from opsctl.fleet.upgrading import require_apart, upgrade_platform
from opsctl.installs import evidence
from opsctl.installs.model import Hop, ReleasePlan
from opsctl.ledger import open_ledger
from opsctl.profiles.loader import load_profile
from opsctl.profiles.settings import Settings
from opsctl.releases.catalogue import load
from opsctl.releases.version import Step
from opsctl.runs.installed import stand
from opsctl.runs.service import begun, gate
from opsctl.runs.workplace import Workplace
from opsctl.upgrades.finish import finish, kept_words
from opsctl.upgrades.model import Platform, Target
from opsctl.upgrades.planning import plan_of
from opsctl.upgrades.way_back import REQUEST, roll_back

ROOT = Path(__file__).resolve().parents[3]
RELEASES = load(ROOT / "releases")
NAME = "sample-aalund"
TARGET = Target(Platform.POSTGRESQL, 17)
COMPLETED = {"target": {"platform": "postgresql", "version": 17}, "snapshot": "", "hosts": ["aalund-1"],
             "clusters": {"aalund-1": [{"cluster": "main", "version": 15, "port": 5432}]}, "note": ""}


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Workplace]:
    ledger = open_ledger(f"sqlite:///{tmp_path}/ledger.db", SystemClock())
    yield Workplace(Settings(), ledger, SystemClock(), Silent(), "tests", tmp_path / "runs", tmp_path / "drafts")
    ledger.close()


@pytest.fixture
def aalund() -> Any:
    return load_profile(ROOT / "inventories", NAME)


def no_backup(place: Workplace, found: Any) -> Outcome:
    raise AssertionError("nothing is upgraded, so nothing is backed up")


def note(place: Workplace, what: str, **payload: Any) -> None:
    place.ledger.append(NAME, what, payload, actor="tests")


def test_no_upgrade_on_the_day_of_a_major_release(place: Workplace, aalund: Any) -> None:
    note(place, "release.installed", to="6.0.0", kind="major")
    with pytest.raises(OutsideWindow, match="P12"):
        upgrade_platform(place, aalund, TARGET, no_backup)


@pytest.mark.parametrize("step", [Step.MAJOR, Step.MINOR])
def test_a_release_that_was_found_well_is_still_of_its_kind(step: Step, place: Workplace, aalund: Any) -> None:
    hop = Hop("6.0.0", "6.0.0-1", step, False, True, 10, 100, "f")
    wanted = ReleasePlan(NAME, "5.5.0", "6.0.0", step, (hop,), (), (), "t", "i", "r")
    with begun(place, NAME, REQUEST, "release install", gate(aalund, REQUEST, place.clock.now())) as run:
        evidence.started(run, wanted, hop, "5.5.0", "5.5.0-1")
        evidence.found_well(run, stand(place, NAME).open_payload, "the machine went down")
    if step is Step.MAJOR:
        with pytest.raises(OutsideWindow, match="P12"):
            require_apart(place, aalund)
    else:
        require_apart(place, aalund)


def test_no_upgrade_while_a_release_is_unfinished(place: Workplace, aalund: Any) -> None:
    note(place, "release.started", to="5.5.0")
    with pytest.raises(OperationFailed, match=r"READY 5\.5\.0 is unfinished"):
        upgrade_platform(place, aalund, TARGET, no_backup)


def test_no_upgrade_in_a_closed_window(place: Workplace, aalund: Any) -> None:
    with pytest.raises(OutsideWindow):
        upgrade_platform(place, aalund.model_copy(update={"windows": ()}), TARGET, no_backup)


def test_no_major_release_on_the_day_of_an_upgrade(place: Workplace, aalund: Any) -> None:
    note(place, "upgrade.applied", host="aalund-1")
    found = install_due(place, aalund, RELEASES, no_backup, patched=False, rings=Rings(place, [aalund]))
    assert found.status is Status.SKIPPED and "P12" in found.summary


def test_while_an_upgrade_is_unfinished_nothing_else_is_changed(place: Workplace, aalund: Any) -> None:
    note(place, "upgrade.started", **COMPLETED)
    for act in (lambda: patch(place, aalund, {"security_only": True, "reboot": False}),
                lambda: install_release(place, aalund, RELEASES, no_backup)):
        with pytest.raises(OperationFailed, match="upgrade of the platform was broken off") as refused:
            act()
        assert refused.value.resolution == f"`opsctl upgrade rollback {NAME}` first"
    left = finish(place, aalund)
    assert left.status is Status.FAILED and "way back" in left.summary


def test_what_ended_well_is_not_taken_back(place: Workplace, aalund: Any) -> None:
    assert roll_back(place, aalund).status is Status.UNCHANGED
    assert finish(place, aalund).status is Status.UNCHANGED
    note(place, "upgrade.completed", **COMPLETED)
    assert kept_words(place, NAME) == ("the stopped cluster 15/main on aalund-1",)
    with pytest.raises(OperationFailed, match="READY has taken writes since"):
        roll_back(place, aalund)


def test_a_plan_file_is_for_its_own_command(aalund: Any, tmp_path: Path, place: Workplace) -> None:
    made = plan_of(aalund, TARGET, {}, {}, "r", place.clock.now(), snapshots=False)
    file = tmp_path / "plan.json"
    file.write_text(text_of(made), encoding="utf-8")
    assert read_upgrade_plan(file) == made
    with pytest.raises(Exception, match="a plan to upgrade the platform") as refused:
        read_patch_plan(file)
    assert "opsctl upgrade apply" in refused.value.resolution
