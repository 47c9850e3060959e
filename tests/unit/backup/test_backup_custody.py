"""Catalog, verify, prune, clean and the daily promise, on a real ledger and stores in memory and on disk."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from opsctl.adapters.objects import ObjectStore, Retention, Unreachable, open_store
from opsctl.adapters.objects.memory import MemoryObjects
from opsctl.backup.catalog import catalog
from opsctl.backup.cleaning import clean
from opsctl.backup.contents import Evidence, State
from opsctl.backup.days import DayVerdict, days
from opsctl.backup.pinning import pin, pins, unpin
from opsctl.backup.presence import still_stored
from opsctl.backup.prune import plan_prune, prune
from opsctl.backup.retention import Decision
from opsctl.backup.terms import READING
from opsctl.backup.verify import verify
from opsctl.contract.services import Hosting
from opsctl.core.clock import FixedClock
from opsctl.core.errors import ExitCode, Locked, NotCovered, OperationFailed, UsageError
from opsctl.core.outcome import Status
from opsctl.ledger import held
from opsctl.profiles.hosted import DirectoryStore
from opsctl.profiles.parts import EarlierTerms
from tests.unit.backup.made import NOON, Bench, bench


@pytest.fixture
def found(tmp_path: Path) -> Bench:
    return bench(tmp_path, minimum_good=2)


@pytest.fixture
def store(found: Bench) -> MemoryObjects:
    return MemoryObjects(found.clock)


def _nights(found: Bench, store: ObjectStore, count: int) -> list[str]:
    """One backup each night; the clock stands one day after the last."""
    ids = []
    for _ in range(count):
        ids.append(found.make(store).backup_id)
        found.clock.move(timedelta(days=1))
    return ids


def test_the_catalog_tells_every_state(found: Bench, store: MemoryObjects) -> None:
    good, short, forged, broken, unknown = (found.make(store) for _ in range(5))
    store.put(short.prefix + "volume-0001.age", b"cut")
    store.put(forged.manifest, store.get(forged.manifest) + b"\n")
    store.put(broken.manifest, b"not a manifest")
    stranger = found.make(store, recorded=False)
    broken_off = found.make(store, recorded=False)
    for place in (unknown, broken_off):
        store.delete(place.manifest)
    store.put(f"{found.profile.customer}/notes.txt", b"")
    upload = store.begin(f"{found.profile.customer}/ready/20261123T000000Z-aaaaaa/volume-0001.age")
    shown = catalog(found.workplace, found.profile, store=store)
    told = {backup.place.backup_id: (backup.state, backup.evidence, backup.good) for backup in shown.backups}
    assert told == {
        good.backup_id: (State.GOOD, Evidence.RECORDED, True),
        short.backup_id: (State.INCOMPLETE, Evidence.RECORDED, False),
        forged.backup_id: (State.GOOD, Evidence.DIFFERS, False),
        broken.backup_id: (State.UNREADABLE, Evidence.UNRECORDED, False),
        stranger.backup_id: (State.GOOD, Evidence.UNRECORDED, False)}
    assert all(backup.reason for backup in shown.backups if not backup.good)
    assert {(left.what, left.upload, left.key) for left in shown.leftovers} == {
        ("upload", upload, f"{found.profile.customer}/ready/20261123T000000Z-aaaaaa/volume-0001.age"),
        ("object without a manifest", "", broken_off.prefix + "volume-0001.age")}
    assert shown.foreign == (f"{found.profile.customer}/notes.txt",)
    assert shown.missing == (unknown.backup_id,)
    assert [(one.place, one.state, one.good) for one in shown.lost] == [(unknown, State.LOST, False)]


def test_a_manifest_copied_to_another_backup_is_not_good(found: Bench, store: MemoryObjects) -> None:
    first = found.make(store)
    found.clock.move(timedelta(seconds=5))
    second = found.make(store)
    store.put(second.manifest, store.get(first.manifest))
    shown = catalog(found.workplace, found.profile, store=store).find(second.backup_id)
    assert (shown.state, shown.good) == (State.INCOMPLETE, False)


def test_verify_reads_everything(found: Bench, store: MemoryObjects) -> None:
    place = found.make(store)
    outcome = verify(found.workplace, found.profile, place.backup_id, store=store)
    assert (outcome.status, outcome.data["parts"], outcome.data["bytes"]) == (Status.DONE, 3, 100)
    for at in (0, 55, 99):
        body = bytearray(b"0123456789" * 10)
        body[at] ^= 0x20
        store.put(place.prefix + "volume-0001.age", bytes(body))
        outcome = verify(found.workplace, found.profile, place.backup_id, store=store)
        assert outcome.code is ExitCode.CHECK_FAILED
        assert f"volume-0001.age at byte {at // 40 * 40}" in outcome.summary
    assert found.kinds().count("backup.verified") == 1
    assert found.kinds().count("backup.damaged") == 3


def test_verify_refuses_what_the_ledger_does_not_have(found: Bench, store: MemoryObjects) -> None:
    stranger = found.make(store, recorded=False)
    forged = found.make(store)
    store.put(forged.manifest, store.get(forged.manifest) + b" ")
    for place in (stranger, forged):
        outcome = verify(found.workplace, found.profile, place.backup_id, store=store)
        assert outcome.code is ExitCode.EVIDENCE_DAMAGED
    missing = verify(found.workplace, found.profile, "20200101T000000Z-aaaaaa", store=store)
    assert missing.code is ExitCode.CONFIGURATION


def test_prune_keeps_thirty_days_and_proves_what_went(found: Bench, store: MemoryObjects) -> None:
    ids = _nights(found, store, 40)
    dry = prune(found.workplace, found.profile, dry_run=True, store=store)
    assert (dry.status, dry.data["removed"]) == (Status.UNCHANGED, [])
    assert len(store.objects) == 80
    outcome = prune(found.workplace, found.profile, store=store)
    # The clock stands 40 days after the first: those that are 30 days old or more go.
    assert outcome.data["removed"] == ids[:11]
    left = catalog(found.workplace, found.profile, store=store)
    assert [backup.place.backup_id for backup in left.backups] == ids[11:]
    assert (left.leftovers, left.missing) == ((), ())
    assert found.kinds().count("backup.removed") == 11
    assert prune(found.workplace, found.profile, store=store).status is Status.UNCHANGED


def test_prune_never_empties_a_store_that_gets_no_new_backups(found: Bench, store: MemoryObjects) -> None:
    ids = _nights(found, store, 5)
    found.clock.move(timedelta(days=500))
    outcome = prune(found.workplace, found.profile, store=store)
    assert outcome.data["removed"] == ids[:3]


def test_what_a_check_found_damaged_does_not_push_out_the_last_good_one(found: Bench, store: MemoryObjects) -> None:
    ids = _nights(found, store, 4)
    for name in ids[2:]:
        key = f"{found.profile.customer}/ready/{name}/volume-0001.age"
        store.put(key, b"X" + store.get(key)[1:])
        assert verify(found.workplace, found.profile, name, store=store).code is ExitCode.CHECK_FAILED
    found.clock.move(timedelta(days=100))
    outcome = prune(found.workplace, found.profile, store=store)
    assert outcome.data["removed"] == ids[2:]
    for name in ids[:2]:
        assert verify(found.workplace, found.profile, name, store=store).status is Status.DONE


def test_a_control_clock_set_wrong_removes_nothing(found: Bench, store: MemoryObjects) -> None:
    _nights(found, store, 35)
    before = dict(store.objects)
    store.clock = FixedClock(found.clock.now())
    for days_off in (-400, -1, 1, 400):
        found.clock.move(timedelta(days=days_off))
        outcome = prune(found.workplace, found.profile, store=store)
        assert outcome.status is Status.UNCHANGED
        assert "apart" in outcome.data["verdicts"][0]["reason"]
        found.clock.move(timedelta(days=-days_off))
    assert store.objects == before
    assert prune(found.workplace, found.profile, store=store).status is Status.DONE


def test_locked_and_pinned_ones_stay(found: Bench, store: MemoryObjects) -> None:
    ids = _nights(found, store, 40)
    customer = found.profile.customer
    store.locks[f"{customer}/ready/{ids[0]}/volume-0001.age"] = Retention(NOON + timedelta(days=4000), "compliance")
    store.locks[f"{customer}/ready/{ids[2]}/manifest.json"] = Retention(NOON, "expired")
    found.workplace.ledger.append(customer, "backup.pinned", {"backup_id": ids[1], "reason": "audit"}, actor="test")
    _, verdicts = plan_prune(found.workplace, found.profile, store=store)
    told = {verdict.backup.backup_id: verdict.decision for verdict in verdicts}
    assert [told[name] for name in ids[:3]] == [Decision.RETAINED, Decision.KEEP, Decision.REMOVE]
    found.workplace.ledger.append(customer, "backup.unpinned", {"backup_id": ids[1]}, actor="test")
    _, verdicts = plan_prune(found.workplace, found.profile, store=store)
    assert verdicts[1].decision is Decision.REMOVE


def test_pins_are_set_and_lifted_with_a_reason(tmp_path: Path) -> None:
    root = tmp_path / "store"
    root.mkdir(mode=0o700)
    found = bench(tmp_path, store=DirectoryStore(kind="directory", path=str(root)))
    backup_id = found.make(open_store(found.profile.backup.store)).backup_id
    assert pin(found.workplace, found.profile, backup_id, "audit of 2026").status is Status.DONE
    assert pins(found.workplace, found.profile.customer) == {backup_id: "audit of 2026"}
    assert unpin(found.workplace, found.profile, backup_id, "audit is over").status is Status.DONE
    assert pins(found.workplace, found.profile.customer) == {}
    assert unpin(found.workplace, found.profile, backup_id, "").status is Status.UNCHANGED
    assert pin(found.workplace, found.profile, "20260101T000000Z-aaaaaa", "x").code is ExitCode.CONFIGURATION
    with pytest.raises(UsageError):
        pin(found.workplace, found.profile, backup_id, " ")


def test_nothing_is_removed_while_somebody_reads(found: Bench, store: MemoryObjects) -> None:
    ids = _nights(found, store, 40)
    with held(found.workplace.ledger, f"{found.profile.customer}/{READING}", "a restore", 60):
        assert prune(found.workplace, found.profile, store=store).status is Status.LOCKED
        with pytest.raises(Locked):
            verify(found.workplace, found.profile, ids[0], store=store)
        assert prune(found.workplace, found.profile, dry_run=True, store=store).status is Status.UNCHANGED
    assert len(store.objects) == 80


def test_a_removal_cut_short_is_taken_up_by_clean(found: Bench, store: MemoryObjects,
                                                  monkeypatch: pytest.MonkeyPatch) -> None:
    ids = _nights(found, store, 40)
    whole = store.delete

    def once(key: str) -> None:
        if key.endswith(".age"):
            raise OperationFailed("the store went away")
        whole(key)

    monkeypatch.setattr(store, "delete", once)
    assert prune(found.workplace, found.profile, store=store).status is Status.FAILED
    monkeypatch.setattr(store, "delete", whole)
    shown = catalog(found.workplace, found.profile, store=store)
    assert ids[0] not in {backup.place.backup_id for backup in shown.backups}
    assert [left.what for left in shown.leftovers] == ["object without a manifest"]
    assert clean(found.workplace, found.profile, store=store).status is Status.DONE
    assert catalog(found.workplace, found.profile, store=store).leftovers == ()
    assert clean(found.workplace, found.profile, store=store).status is Status.UNCHANGED


def test_foreign_files_are_never_removed(found: Bench, store: MemoryObjects) -> None:
    customer = found.profile.customer
    keys = [f"{customer}/keep.txt", f"{customer}/ready/20200101T000000Z-aaaaaa/thesis.doc", "other/ready/x"]
    for key in keys:
        store.put(key, b"mine")
    _nights(found, store, 40)
    found.clock.move(timedelta(days=900))
    prune(found.workplace, found.profile, store=store)
    clean(found.workplace, found.profile, store=store)
    assert set(keys) <= store.objects.keys()


def test_custody_follows_the_contract_at_the_backups_date(tmp_path: Path) -> None:
    """Hosted by the customer before and by Kamstrup since: a backup is judged by its own day, not by today."""
    found = bench(tmp_path)
    store = MemoryObjects(found.clock)
    place = found.make(store)
    earlier = (EarlierTerms(effective_from=date(2020, 1, 1), hosting=Hosting.CUSTOMER),)
    profile = found.profile.model_copy(update={"hosting_from": date(2026, 11, 23), "earlier": earlier})
    assert verify(found.workplace, profile, place.backup_id, store=store).status is Status.DONE
    with pytest.raises(NotCovered):
        verify(found.workplace, profile, "20261001T000000Z-aaaaaa", store=store)


def test_the_days_of_the_promise(found: Bench, store: MemoryObjects) -> None:
    """Copenhagen: a backup begun at 23:30 UTC in winter counts for the next local day."""
    customer_days = [datetime(2026, 11, 20, 23, 30, tzinfo=UTC), datetime(2026, 11, 22, 12, tzinfo=UTC)]
    for started in customer_days:
        found.make(store, started=started)
    shown = catalog(found.workplace, found.profile, store=store)
    since = datetime(2026, 11, 1, tzinfo=UTC)
    told = {day.day.day: day.verdict for day in
            days(found.profile, shown, NOON, count=4, records_since=since)}
    assert told == {23: DayVerdict.NOT_DUE, 22: DayVerdict.KEPT, 21: DayVerdict.KEPT, 20: DayVerdict.BROKEN}


def test_a_day_with_only_a_damaged_backup_is_broken(found: Bench, store: MemoryObjects) -> None:
    place = found.make(store, started=NOON - timedelta(days=1))
    store.delete(place.prefix + "volume-0001.age")
    shown = catalog(found.workplace, found.profile, store=store)
    day = days(found.profile, shown, NOON, count=2, records_since=NOON - timedelta(days=9))[1]
    assert (day.verdict, day.backups) == (DayVerdict.BROKEN, (place.backup_id,))
    assert "missing" in day.reason


def test_days_of_another_hosting_are_not_covered(found: Bench, store: MemoryObjects) -> None:
    earlier = (EarlierTerms(effective_from=date(2020, 1, 1), hosting=Hosting.CUSTOMER),)
    profile = found.profile.model_copy(update={"hosting_from": date(2026, 11, 22), "earlier": earlier})
    shown = catalog(found.workplace, profile, store=store)
    told = [day.verdict for day in days(profile, shown, NOON, count=4, records_since=NOON - timedelta(days=60))]
    assert told == [DayVerdict.NOT_DUE, DayVerdict.BROKEN, DayVerdict.NOT_COVERED, DayVerdict.NOT_COVERED]


def test_only_the_stored_manifest_proves_a_backup(found: Bench, store: MemoryObjects) -> None:
    kept, changed, lost = (found.make(store) for _ in range(3))
    store.put(changed.manifest, b"{}")
    store.delete(lost.manifest)
    completed = [entry.payload for entry in found.workplace.ledger.entries(kinds=["backup.completed"])]
    assert [payload["backup_id"] for payload in still_stored(found.profile, completed, store=store)] == [kept.backup_id]
    assert still_stored(found.profile, []) == ()


def test_clean_keeps_what_is_locked_and_acts_on_no_wrong_clock(found: Bench, store: MemoryObjects) -> None:
    customer = found.profile.customer
    keys = [f"{customer}/ready/20261101T000000Z-aaaaaa/volume-000{number}.age" for number in (1, 2)]
    for key in keys:
        store.put(key, b"part")
    store.locks[keys[0]] = Retention(NOON + timedelta(days=9), "compliance")
    found.clock.move(timedelta(days=-1))
    store.clock = FixedClock(NOON)
    wrong = clean(found.workplace, found.profile, store=store)
    assert (wrong.status, len(store.objects)) == (Status.FAILED, 2)
    found.clock.move(timedelta(days=1))
    outcome = clean(found.workplace, found.profile, store=store)
    assert "1 leftovers removed" in outcome.summary
    assert "1 are retained" in outcome.summary
    assert set(store.objects) == {keys[0]}


def test_one_whose_manifest_is_gone_goes_when_its_time_is_over_and_not_before(found: Bench,
                                                                              store: MemoryObjects) -> None:
    ids = _nights(found, store, 40)
    for name in (ids[0], ids[38]):
        store.delete(f"{found.profile.customer}/ready/{name}/manifest.json")
    outcome = prune(found.workplace, found.profile, store=store)
    assert outcome.data["removed"] == ids[:11]
    assert [one.place.backup_id for one in catalog(found.workplace, found.profile, store=store).lost] == [ids[38]]


def test_where_there_are_too_few_good_ones_one_without_its_manifest_stays(found: Bench, store: MemoryObjects) -> None:
    """Its manifest may come back; the bench wants two good ones."""
    ids = _nights(found, store, 4)
    for name in ids[1:]:
        store.delete(f"{found.profile.customer}/ready/{name}/manifest.json")
    found.clock.move(timedelta(days=100))
    assert prune(found.workplace, found.profile, store=store).data["removed"] == ids[1:3]
    _, verdicts = plan_prune(found.workplace, found.profile, store=store)
    assert ["its manifest is missing" in one.reason for one in verdicts] == [False, True]


def test_one_whose_manifest_is_gone_can_be_pinned(tmp_path: Path) -> None:
    root = tmp_path / "store"
    root.mkdir(mode=0o700)
    found = bench(tmp_path, store=DirectoryStore(kind="directory", path=str(root)))
    objects = open_store(found.profile.backup.store)
    place = found.make(objects)
    objects.delete(place.manifest)
    assert pin(found.workplace, found.profile, place.backup_id, "until its manifest is back").status is Status.DONE


@pytest.mark.parametrize("error", [Unreachable("ReadTimeoutError"), OperationFailed("the store answered 503")])
def test_a_manifest_that_the_store_did_not_give_is_no_damage_and_nothing_is_pruned(
        found: Bench, store: MemoryObjects, monkeypatch: pytest.MonkeyPatch, error: OperationFailed) -> None:
    ids = _nights(found, store, 40)
    whole = store.get

    def get(key: str, start: int = 0, size: int | None = None) -> bytes:
        if key.endswith(f"{ids[20]}/manifest.json"):
            raise error
        return whole(key, start, size)

    monkeypatch.setattr(store, "get", get)
    shown = catalog(found.workplace, found.profile, store=store).find(ids[20])
    assert (shown.state, shown.manifest, error.message in shown.reason) == (State.UNREAD, None, True)
    outcome = verify(found.workplace, found.profile, ids[20], store=store)
    assert (outcome.code, error.message in outcome.summary) == (ExitCode.FAILED, True)
    assert "backup.damaged" not in found.kinds()
    assert prune(found.workplace, found.profile, store=store).status is Status.UNCHANGED
    told = {(day.database, day.day): day.verdict for day in days(
        found.profile, catalog(found.workplace, found.profile, store=store), found.clock.now(), count=30,
        records_since=NOON)}
    assert told["ready", NOON.date() + timedelta(days=20)] is DayVerdict.UNKNOWN
