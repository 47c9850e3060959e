"""What `doctor` finds of a store: a real cycle of put, read and removal, its settings, and its room."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from opsctl.adapters.objects import Protections, Retention
from opsctl.adapters.objects.memory import MemoryObjects
from opsctl.backup.shelves import first_shelf
from opsctl.backup.storecheck import examine_store, guarded, room
from opsctl.core.clock import FixedClock
from opsctl.core.errors import OperationFailed
from opsctl.profiles.hosted import DirectoryStore
from tests.unit.backup.made import NOON, Bench, bench

GOOD = Protections(versioning=True, lock_mode="compliance", lock_days=30, encryption="aws:kms", public_blocked=True)


@pytest.fixture
def found(tmp_path: Path) -> Bench:
    return bench(tmp_path)


@pytest.fixture
def store(found: Bench) -> MemoryObjects:
    return MemoryObjects(found.clock)


def told(found: Bench, store: MemoryObjects) -> dict[str, bool | None]:
    return {one.what: one.fit for one in examine_store(found.workplace, found.profile, store=store)}


def test_a_fit_store_is_put_read_and_left_as_it_was(found: Bench, store: MemoryObjects) -> None:
    assert told(found, store)["put, read, remove"] is True
    assert store.objects == {}


def test_a_locked_probe_is_refused_removal_and_used_again(found: Bench, store: MemoryObjects,
                                                          monkeypatch: pytest.MonkeyPatch) -> None:
    key = f"{found.profile.customer}/doctor-probe"
    put, puts = store.put, []

    def locking(name: str, body: bytes) -> None:
        put(name, body)
        puts.append(name)
        store.locks[name] = Retention(found.clock.now() + timedelta(days=30), "compliance")

    monkeypatch.setattr(store, "put", locking)
    for _ in range(2):
        [cycle] = [one for one in examine_store(found.workplace, found.profile, store=store)
                   if one.what == "put, read, remove"]
        assert (cycle.fit, "refused until" in cycle.detail) == (True, True)
    assert puts == [key]


def test_a_lock_that_does_not_hold_is_a_failure(found: Bench, store: MemoryObjects,
                                                monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "retention", lambda key: Retention(NOON + timedelta(days=9), "governance"))
    assert told(found, store)["put, read, remove"] is False


def test_what_cannot_be_removed_without_a_lock_is_a_failure(found: Bench, store: MemoryObjects,
                                                            monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(key: str) -> None:
        raise OperationFailed("AccessDenied")

    monkeypatch.setattr(store, "delete", refused)
    assert told(found, store)["backup store"] is False


def test_a_store_open_to_all_and_one_whose_clock_is_off(found: Bench, store: MemoryObjects) -> None:
    store.guards = replace(GOOD, public_blocked=False)
    [*_, last] = examine_store(found.workplace, found.profile, store=store)
    assert (last.fit, "anybody" in last.detail) == (False, True)
    assert store.objects == {}
    store.guards, store.clock = GOOD, FixedClock(NOON + timedelta(minutes=11))
    assert told(found, store)["backup store"] is False


@pytest.mark.parametrize(("change", "what", "fit"), [
    ({}, "lock", True), ({"lock_days": 0}, "lock", None), ({"lock_days": 31}, "lock", None),
    ({"expires_days": 29}, "lifecycle", False), ({"expires_days": 30}, "lifecycle", True),
    ({"versioning": False}, "versioning", None), ({"encryption": ""}, "encryption", None),
    ({"public_blocked": False}, "public access", None), ({"unknown": ("lifecycle",)}, "settings", None),
    ({"expires_on": date(2026, 11, 24)}, "lifecycle", False), ({"expires_on": date(2026, 1, 1)}, "lifecycle", False),
    ({"archives_days": 29}, "lifecycle", False), ({"archives_days": 30}, "lifecycle", True),
    ({"archives_on": date(2026, 11, 24)}, "lifecycle", False)])
def test_each_setting_is_judged(change: dict[str, object], what: str, fit: bool | None, tmp_path: Path) -> None:
    shelf = first_shelf(bench(tmp_path).profile)
    findings = {one.what: one for one in guarded(replace(GOOD, **change), shelf)}  # type: ignore[arg-type]
    assert findings[what].fit is fit
    assert fit or findings[what].remedy


def test_each_rule_of_the_bucket_is_told_by_itself(tmp_path: Path) -> None:
    shelf = first_shelf(bench(tmp_path).profile)
    guards = replace(GOOD, expires_days=3, expires_on=date(2027, 3, 1), archives_days=7, archives_on=date(2027, 2, 1))
    told = [one.detail for one in guarded(guards, shelf) if one.what == "lifecycle"]
    assert len(told) == 4
    assert ["restored at once" in detail for detail in told] == [False, False, True, True]
    assert ["2027-03-01" in told[1], "7 days" in told[2], "2027-02-01" in told[3]] == [True, True, True]


def test_rules_that_the_store_does_not_tell_are_not_called_fit(tmp_path: Path) -> None:
    told = [one.what for one in guarded(replace(GOOD, unknown=("lifecycle",)), first_shelf(bench(tmp_path).profile))]
    assert ("lifecycle" in told, "settings" in told) == (False, True)


def test_a_store_that_locks_what_it_is_given_needs_no_lock_of_the_bucket(tmp_path: Path) -> None:
    shelf = first_shelf(bench(tmp_path).profile)
    locking = replace(shelf, store=shelf.store.model_copy(update={"lock_days": 20}))
    findings = {one.what: one for one in guarded(replace(GOOD, lock_days=0), locking)}
    assert (findings["lock"].fit, "20 days" in findings["lock"].detail) == (True, True)


def test_room_for_thirty_days_is_reckoned() -> None:
    sizes = [[10**9] * 20, [5 * 10**8]]
    assert room(sizes, 30, 0, 47 * 10**9).fit
    assert room(sizes, 30, 0, 46 * 10**9).fit is False
    # What is there already is not needed again; old sizes are forgotten.
    assert room(sizes, 30, 20 * 10**9, 27 * 10**9).fit
    assert room([[10**12] + [10**9] * 14], 30, 0, 32 * 10**9).fit
    assert room([[]], 30, 0, 1).fit
    assert room(sizes, 30, 0, None).fit


def test_a_directory_says_what_it_is(found: Bench, tmp_path: Path) -> None:
    root = tmp_path / "directory"
    root.mkdir(mode=0o700)
    shelf = replace(first_shelf(found.profile), store=DirectoryStore(kind="directory", path=str(root)))
    real = {one.what: one.fit for one in examine_store(found.workplace, found.profile, shelf=shelf)}
    # The bench's clock stands still: a real store's differs from it, and that is told.
    assert real == {"backup store": False, "put, read, remove": True, "lock": None, "room": True}
    assert [path.name for path in root.rglob("*")] == [".uploads"]
