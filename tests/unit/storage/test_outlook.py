"""The outlook from the release files, the ledger and a store's own folder."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from opsctl.core.clock import SystemClock
from opsctl.core.progress import Silent
from opsctl.ledger import open_ledger
from opsctl.profiles.hosted import DirectoryStore
from opsctl.profiles.model import KamstrupProfile
from opsctl.profiles.settings import Settings
from opsctl.releases.catalogue import load_or_error
from opsctl.runs.workplace import Workplace
from opsctl.storage.model import Finding, Level, Measurement, Volume
from opsctl.storage.outlook import outlook
from tests.unit.promises.register_values import ROOT, profile


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Workplace]:
    ledger = open_ledger(f"sqlite:///{tmp_path}/ledger.db", SystemClock())
    yield Workplace(Settings(releases=ROOT / "releases"), ledger, SystemClock(), Silent(), "tests",
                    tmp_path / "runs", tmp_path / "drafts")
    ledger.close()


def customer(store: Path | None = None) -> KamstrupProfile:
    found = profile()
    assert isinstance(found, KamstrupProfile)
    if store is None:
        return found
    backup = found.backup.model_copy(update={"store": DirectoryStore(kind="directory", path=str(store))})
    return found.model_copy(update={"backup": backup})


def host(free: int) -> list[Measurement]:
    return [Measurement("aalund-1", "", (Volume("aalund-1", "/", "ext4", bytes_used=1, bytes_available=free),))]


def seen(place: Workplace, found: KamstrupProfile, free: int) -> list[Finding]:
    return list(outlook(place, found, host(free), load_or_error(place.settings.releases)))


def test_the_next_release_needs_its_space(place: Workplace) -> None:
    (found,) = seen(place, customer(), 1000)
    assert (found.level, found.what) == (Level.WARNING, "aalund-1:/")
    assert not seen(place, customer(), 10**12)


def test_release_files_that_cannot_be_read_fail_no_check(place: Workplace, tmp_path: Path) -> None:
    elsewhere = replace(place, settings=place.settings.model_copy(update={"releases": tmp_path / "none"}))
    assert [one.level for one in seen(elsewhere, customer(), 1000)] == [Level.WARNING]


def test_a_store_is_judged_by_the_nights_on_record(place: Workplace, tmp_path: Path) -> None:
    def taken(day: int, size: int) -> None:
        place.ledger.append("sample-aalund", "backup.completed", {
            "backup_id": f"b{day}", "bytes": size, "day": f"2026-11-{day:02}", "database": "ready"}, actor="tests")

    absent = customer(tmp_path / "store")
    assert not seen(place, absent, 10**12)
    (tmp_path / "store").mkdir()
    for day in (1, 2, 3):
        taken(day, 1000)
    assert [one.level for one in seen(place, absent, 10**12)] == [Level.OK]
    for day in (4, 5, 6, 7):
        taken(day, 10**15)
    assert [one.level for one in seen(place, absent, 10**12)] == [Level.WARNING]
