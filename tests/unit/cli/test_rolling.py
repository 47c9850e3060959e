"""A change for all while a profile is not valid: it may be the only canary's."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from opsctl.cli.rolling import changed, selected
from opsctl.core.clock import SystemClock
from opsctl.core.errors import ExitCode
from opsctl.core.outcome import Outcome, Status
from opsctl.core.progress import Silent
from opsctl.fleet.changing import PATCH
from opsctl.ledger import open_ledger
from opsctl.profiles.model import Profile
from opsctl.profiles.settings import Settings
from opsctl.runs.workplace import Workplace
from tests.unit.cli.conftest import ROOT, Run


@pytest.fixture
def inventories(tmp_path: Path, opsctl: Run, monkeypatch: pytest.MonkeyPatch) -> Path:
    """sample-aalund is general; north's profile is not valid."""
    folder = tmp_path / "inventories"
    shutil.copytree(ROOT / "inventories" / "sample-aalund", folder / "sample-aalund")
    profile = folder / "sample-aalund" / "profile.yml"
    lines = [line for line in profile.read_text(encoding="utf-8").splitlines() if not line.startswith("ring:")]
    profile.write_text("\n".join([*lines, "ring: general", ""]), encoding="utf-8")
    (folder / "north").mkdir()
    (folder / "north" / "profile.yml").write_text("ring: canary\n", encoding="utf-8")
    config = tmp_path / "opsctl.yml"
    config.write_text(config.read_text(encoding="utf-8").replace(f"{ROOT}/inventories", str(folder)), encoding="utf-8")
    monkeypatch.setenv("OPSCTL_CONFIG", str(config))
    return folder


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Workplace]:
    ledger = open_ledger(f"sqlite:///{tmp_path}/other.db", SystemClock())
    yield Workplace(Settings(), ledger, SystemClock(), Silent(), "tests", tmp_path / "runs", tmp_path / "drafts")
    ledger.close()


def act(place: Workplace, profile: Profile) -> Outcome:
    return Outcome(profile.customer, "x", Status.DONE, "done")


@pytest.mark.parametrize(("named", "everyone", "ring", "done"), [
    (None, True, None, False), (["sample-aalund"], False, None, True), (None, False, "general", True)])
def test_only_all_waits_for_a_profile_that_is_not_valid(inventories: Path, place: Workplace, named: Any,
                                                        everyone: bool, ring: Any, done: bool) -> None:
    found = changed(place, selected(named, everyone, ring), PATCH, {}, 0, act)
    assert isinstance(found.data, dict)
    rows = {row["customer"]: row for row in found.data["outcomes"]}
    assert (rows["sample-aalund"]["status"] == "done") is done
    assert done or "the profile of north is not valid" in rows["sample-aalund"]["summary"]


def test_a_resumption_waits_too_and_tells_which_profile_it_is(inventories: Path, opsctl: Run) -> None:
    first = opsctl("patch", "apply", "--all", "--yes", "--json")
    again = opsctl("resume", first.envelope["data"]["rollout"], "--yes", "--json")
    for answer in (first, again):
        rows = {row["customer"]: row for row in answer.envelope["data"]["outcomes"]}
        assert rows["north"]["exit_code"] == ExitCode.CONFIGURATION
        assert rows["sample-aalund"]["exit_code"] == ExitCode.PARTIAL
        assert "nobody of the ring canary has it yet" in rows["sample-aalund"]["summary"]


def test_where_no_profile_is_valid_there_is_nothing_to_roll_out(inventories: Path, place: Workplace) -> None:
    shutil.rmtree(inventories / "sample-aalund")
    found = changed(place, selected(None, True, None), PATCH, {}, 0, act)
    assert [row["customer"] for row in found.data["outcomes"]] == ["north"]
    assert "rollout" not in found.data
