"""A release that was installed: its file may change only with a raised revision."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from opsctl.core.clock import SystemClock
from opsctl.core.errors import ConfigurationError, ExitCode
from opsctl.core.outcome import Outcome, Status
from opsctl.core.progress import Silent
from opsctl.fleet.sealing import SEALED, require_seals, seal
from opsctl.ledger import open_ledger
from opsctl.profiles.settings import Settings
from opsctl.releases.catalogue import load
from opsctl.runs.workplace import Workplace

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Workplace]:
    shutil.copytree(ROOT / "releases", tmp_path / "releases")
    ledger = open_ledger(f"sqlite:///{tmp_path}/ledger.db", SystemClock())
    settings = Settings(releases=tmp_path / "releases")
    yield Workplace(settings, ledger, SystemClock(), Silent(), "tests", tmp_path / "runs", tmp_path / "drafts")
    ledger.close()


def edit(place: Workplace, old: str, new: str) -> None:
    file = place.settings.releases / "5.5.0.yml"
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


def test_an_edit_needs_a_raised_revision(place: Workplace) -> None:
    seal(place, load(place.settings.releases), ["5.5.0"])
    seal(place, load(place.settings.releases), ["5.5.0"])
    assert len(list(place.ledger.entries("operator"))) == 1
    edit(place, "downtime_minutes: 15", "downtime_minutes: 16")
    with pytest.raises(ConfigurationError) as refused:
        require_seals(place, load(place.settings.releases))
    assert "raise `revision` above 1" in refused.value.details[0]
    edit(place, "status: published", "status: published\nrevision: 2")
    seal(place, load(place.settings.releases), ["5.5.0"])
    assert len(list(place.ledger.entries("operator"))) == 2
    edit(place, "downtime_minutes: 16", "downtime_minutes: 17")
    with pytest.raises(ConfigurationError):
        seal(place, load(place.settings.releases), ["5.4.1"])


def test_a_file_that_is_gone_is_told_and_one_never_installed_may_change(place: Workplace) -> None:
    edit(place, "downtime_minutes: 15", "downtime_minutes: 16")
    require_seals(place, load(place.settings.releases))
    seal(place, load(place.settings.releases), ["6.0.1"])
    (place.settings.releases / "6.0.1.yml").unlink()
    with pytest.raises(ConfigurationError) as refused:
        require_seals(place, load(place.settings.releases))
    assert refused.value.details == ("6.0.1: its file is gone, although the release was installed",)


def test_the_first_night_seals_what_is_published_and_an_edit_is_neither_installed_nor_announced(
        place: Workplace) -> None:
    from tests.unit.fleet.test_nightly import ROOMS, night, profile

    installed: list[str] = []
    rooms = replace(ROOMS, install=lambda where, found, releases, patched, earlier: _noted(installed, found.customer))
    both = [profile("aalund"), profile("dalmose")]
    night(place, both, rooms, load(place.settings.releases))
    sealed = {entry.payload["version"] for entry in place.ledger.entries("operator", kinds=(SEALED,))}
    assert "6.0.0" in sealed and installed == ["sample-aalund"]
    edit(place, "downtime_minutes: 15", "downtime_minutes: 16")
    found = night(place, both, rooms, load(place.settings.releases))
    told = found["operator", "releases"]
    assert told.code is ExitCode.CONFIGURATION and "raise `revision` above 1" in told.data["details"][0]
    assert installed == ["sample-aalund"], "nothing more"
    assert found["dalmose", "software-update-minor"].code is ExitCode.CONFIGURATION
    assert found["aalund", "backup"].code is ExitCode.OK
    edit(place, "status: published", "status: published\nrevision: 2")
    night(place, both, rooms, load(place.settings.releases))
    assert installed == ["sample-aalund"] * 2


def _noted(installed: list[str], customer: str) -> Outcome:
    installed.append(customer)
    return Outcome(customer, "software-update-minor", Status.DONE, "installed")
