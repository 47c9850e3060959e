"""A recorded backup whose manifest is gone is no leftover: on every store `clean` leaves it and tells it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from opsctl.adapters.objects import ObjectStore, Retention, open_store
from opsctl.adapters.objects.memory import MemoryObjects
from opsctl.backup.catalog import catalog
from opsctl.backup.cleaning import clean
from opsctl.backup.naming import Place
from opsctl.backup.prune import prune
from opsctl.backup.verify import verify
from opsctl.core.clock import SystemClock
from opsctl.core.errors import ExitCode, OperationFailed
from opsctl.core.outcome import Status
from opsctl.profiles.hosted import DirectoryStore
from opsctl.profiles.model import KamstrupProfile
from tests.contracts.s3_servers import running_rclone
from tests.unit.backup.made import Bench, bench
from tests.unit.backup.s3_server import S3Server, running_s3


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with running_s3(tmp_path_factory.mktemp("s3")) as found:
        found.make("kept")
        found.client().put_bucket_versioning(Bucket="kept", VersioningConfiguration={"Status": "Enabled"})
        yield found


@pytest.fixture(scope="module")
def rclone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with running_rclone(tmp_path_factory.mktemp("rclone")) as found:
        found.client().create_bucket(Bucket="kept")
        yield found


@pytest.fixture
def found(tmp_path: Path) -> Iterator[Bench]:
    made = bench(tmp_path, minimum_good=1)
    made.clock.move(SystemClock().now() - made.clock.now())
    yield made
    made.workplace.ledger.close()


@pytest.fixture(params=["memory", "directory", "s3", "rclone"])
def store(request: pytest.FixtureRequest, found: Bench, tmp_path: Path) -> ObjectStore:
    if request.param == "memory":
        return MemoryObjects(found.clock)
    if request.param == "directory":
        (tmp_path / "store").mkdir(mode=0o700)
        return open_store(DirectoryStore(kind="directory", path=str(tmp_path / "store")))
    server: S3Server = request.getfixturevalue("server" if request.param == "s3" else request.param)
    return open_store(server.store("kept", f"{tmp_path.name}/"))


def _volume(place: Place) -> str:
    return place.prefix + "volume-0001.age"


def _keys(store: ObjectStore) -> list[str]:
    return [entry.key for entry in store.list("").objects]


def test_a_recorded_backup_whose_manifest_is_gone_is_kept_and_told(found: Bench, store: ObjectStore) -> None:
    """Its manifest put back, it is as good as before; what no run recorded goes as ever."""
    place, broken_off = found.make(store), found.make(store, recorded=False)
    manifest = store.get(place.manifest)
    store.delete(place.manifest)
    store.delete(broken_off.manifest)
    for dry_run in (True, False):
        outcome = clean(found.workplace, found.profile, store=store, dry_run=dry_run)
        assert (outcome.status, outcome.code) == (Status.CHECK_FAILED, ExitCode.CHECK_FAILED)
        assert place.backup_id in outcome.summary and "manifest" in outcome.summary
        assert place.manifest in outcome.resolution
        assert [one["backup_id"] for one in outcome.data["lost"]] == [place.backup_id]
        assert [row["key"] for row in outcome.data["leftovers"]] == [_volume(broken_off)]
    assert _keys(store) == [_volume(place)]
    shown = catalog(found.workplace, found.profile, store=store)
    assert (shown.leftovers, shown.missing) == ((), (place.backup_id,))
    assert [one.place.backup_id for one in shown.lost] == [place.backup_id]
    checked = verify(found.workplace, found.profile, place.backup_id, store=store)
    assert (checked.code, "manifest" in checked.summary) == (ExitCode.EVIDENCE_DAMAGED, True)
    store.put(place.manifest, manifest)
    assert verify(found.workplace, found.profile, place.backup_id, store=store).status is Status.DONE
    assert clean(found.workplace, found.profile, store=store).status is Status.UNCHANGED


def test_what_is_pinned_is_not_cleaned_whatever_the_ledger_has_of_it(found: Bench, store: ObjectStore) -> None:
    place = found.make(store, recorded=False)
    found.workplace.ledger.append(found.profile.customer, "backup.pinned",
                                  {"backup_id": place.backup_id, "reason": "audit"}, actor="test")
    store.delete(place.manifest)
    outcome = clean(found.workplace, found.profile, store=store)
    assert _keys(store) == [_volume(place)]
    assert [(row["removed"], row["kept"]) for row in outcome.data["leftovers"]] == [(False, "pinned: audit")]
    assert "pinned" in outcome.summary
    found.workplace.ledger.append(found.profile.customer, "backup.unpinned", {"backup_id": place.backup_id},
                                  actor="test")
    assert clean(found.workplace, found.profile, store=store).status is Status.DONE
    assert _keys(store) == []


def test_one_object_under_legal_hold_keeps_all_of_its_backup(found: Bench, store: ObjectStore,
                                                             monkeypatch: pytest.MonkeyPatch) -> None:
    place = found.make(store, recorded=False)
    store.delete(place.manifest)
    store.put(place.prefix + "volume-0002.age", b"held")
    held = {place.prefix + "volume-0002.age": Retention(None, "legal hold")}
    monkeypatch.setattr(store, "retention", held.get)
    outcome = clean(found.workplace, found.profile, store=store)
    assert (len(_keys(store)), outcome.status) == (2, Status.UNCHANGED)
    assert {row["kept"] for row in outcome.data["leftovers"]} == {"legal hold"}


def test_what_was_removed_before_an_error_is_on_record(found: Bench, store: ObjectStore,
                                                       monkeypatch: pytest.MonkeyPatch) -> None:
    places = sorted((found.make(store, recorded=False) for _ in range(3)), key=_volume)
    for place in places:
        store.delete(place.manifest)
    whole = store.delete

    def until_the_last(key: str) -> None:
        if key == _volume(places[2]):
            raise OperationFailed("the store went away")
        whole(key)

    monkeypatch.setattr(store, "delete", until_the_last)
    assert clean(found.workplace, found.profile, store=store).status is Status.FAILED
    told = [row["key"] for entry in found.workplace.ledger.entries(found.profile.customer, kinds=["backup.cleaned"])
            for row in entry.payload["objects"] if row["removed"]]
    assert sorted(told) == [_volume(place) for place in places[:2]]


def test_a_removal_that_was_cut_short_is_ended_by_clean_and_recorded(found: Bench, store: ObjectStore,
                                                                     monkeypatch: pytest.MonkeyPatch) -> None:
    """Also one that ended between its last object and its record."""
    profile = _past(found)
    cut, unrecorded, _ = (_later(found, store) for _ in range(3))
    whole, record = store.delete, type(found.workplace.ledger).append

    def no_volumes(key: str) -> None:
        if key == _volume(cut):
            raise OperationFailed("the store went away")
        whole(key)

    with monkeypatch.context() as patch:
        patch.setattr(store, "delete", no_volumes)
        assert prune(found.workplace, profile, store=store).status is Status.FAILED
    assert found.kinds().count("backup.removing") == 1

    def not_removed(ledger: object, customer: str, kind: str, *given: object, **named: object) -> object:
        if kind == "backup.removed":
            raise OperationFailed("the ledger went away")
        return record(ledger, customer, kind, *given, **named)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(type(found.workplace.ledger), "append", not_removed)
        assert prune(found.workplace, profile, store=store).status is Status.FAILED
    shown = catalog(found.workplace, found.profile, store=store)
    assert (shown.lost, [left.key for left in shown.leftovers]) == ((), [_volume(cut)])
    assert clean(found.workplace, profile, store=store).status is Status.DONE
    removed = [entry.payload for entry in found.workplace.ledger.entries(kinds=["backup.removed"])]
    assert {one["backup_id"] for one in removed} == {cut.backup_id, unrecorded.backup_id}
    assert all(one["manifest_sha256"] and one["reason"] for one in removed)
    assert catalog(found.workplace, found.profile, store=store).missing == ()


def _later(found: Bench, store: ObjectStore) -> Place:
    place = found.make(store)
    found.clock.move(timedelta(seconds=1))
    return place


@pytest.fixture
def bucket(server: S3Server, tmp_path: Path) -> ObjectStore:
    return open_store(server.store("kept", f"{tmp_path.name}/"))


def _hide(server: S3Server, tmp_path: Path, *keys: str) -> None:
    """As a deletion by other hands, or by a rule of the bucket, does: the versions stay behind a marker."""
    for key in keys:
        server.client().delete_object(Bucket="kept", Key=f"{tmp_path.name}/{key}")


def _forget(server: S3Server, bucket: ObjectStore, tmp_path: Path, prefix: str, *, markers: bool) -> None:
    """Remove the markers under `prefix`, or the versions behind them."""
    for version in bucket.versions(prefix):
        if version.marker is markers:
            server.client().delete_object(Bucket="kept", Key=f"{tmp_path.name}/{version.key}",
                                          VersionId=version.version)


def _past(found: Bench) -> KamstrupProfile:
    """The profile with a retention that lets everything go but the newest."""
    return found.profile.model_copy(update={"backup": found.profile.backup.model_copy(update={"keep_days": -1})})


def test_a_volume_behind_a_delete_marker_goes_with_its_backup(found: Bench, server: S3Server, bucket: ObjectStore,
                                                              tmp_path: Path) -> None:
    old, _ = _later(found, bucket), _later(found, bucket)
    _hide(server, tmp_path, _volume(old))
    assert "a delete marker hides it" in catalog(found.workplace, found.profile, store=bucket,
                                                 hidden=True).find(old.backup_id).reason
    outcome = prune(found.workplace, _past(found), store=bucket)
    assert (outcome.status, outcome.data["removed"]) == (Status.DONE, [old.backup_id])
    assert bucket.versions(old.prefix) == ()
    assert found.kinds().count("backup.removed") == 1


def test_what_a_removal_left_behind_delete_markers_is_found_and_goes(found: Bench, server: S3Server,
                                                                     bucket: ObjectStore, tmp_path: Path,
                                                                     monkeypatch: pytest.MonkeyPatch) -> None:
    old, newest = _later(found, bucket), _later(found, bucket)
    whole = bucket.delete

    def manifests_only(key: str) -> None:
        if key == _volume(old):
            raise OperationFailed("the store went away")
        whole(key)

    with monkeypatch.context() as patch:
        patch.setattr(bucket, "delete", manifests_only)
        assert prune(found.workplace, _past(found), store=bucket).status is Status.FAILED
    bucket.put(old.prefix + "volume-0002.age", b"of long ago")
    _hide(server, tmp_path, _volume(old), old.prefix + "volume-0002.age")
    _forget(server, bucket, tmp_path, old.prefix + "volume-0002.age", markers=False)
    shown = catalog(found.workplace, found.profile, store=bucket, hidden=True)
    assert [(left.what, left.key) for left in shown.leftovers] == [
        ("object behind a delete marker", _volume(old)), ("delete marker", old.prefix + "volume-0002.age")]
    assert clean(found.workplace, found.profile, store=bucket).status is Status.DONE
    assert bucket.versions(old.prefix) == ()
    assert found.kinds().count("backup.removed") == 1
    assert [one.place for one in catalog(found.workplace, found.profile, store=bucket).backups] == [newest]


@pytest.mark.parametrize("known", [True, False], ids=["recorded", "not in the ledger"])
def test_a_backup_behind_delete_markers_is_told_and_comes_back(found: Bench, server: S3Server, bucket: ObjectStore,
                                                               tmp_path: Path, known: bool) -> None:
    place = found.make(bucket, recorded=known)
    _hide(server, tmp_path, place.manifest, _volume(place))
    outcome = clean(found.workplace, found.profile, store=bucket)
    assert (outcome.code, outcome.data["leftovers"]) == (ExitCode.CHECK_FAILED, [])
    assert [(one["backup_id"], "a delete marker hides it" in one["reason"]) for one in outcome.data["lost"]] == [
        (place.backup_id, True)]
    _forget(server, bucket, tmp_path, place.prefix, markers=True)
    assert [one.good for one in catalog(found.workplace, found.profile, store=bucket).backups] == [known]
    assert clean(found.workplace, found.profile, store=bucket).status is Status.UNCHANGED
