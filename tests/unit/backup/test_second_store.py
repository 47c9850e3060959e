"""The second store on real directories: what is copied, what is never silent, and its own retention."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from opsctl.adapters.objects import ObjectStore, Unreachable, open_store
from opsctl.backup.catalog import catalog, damaged_copies
from opsctl.backup.cleaning import clean
from opsctl.backup.copying import Copies, copy_missing, with_copies
from opsctl.backup.keys import keys
from opsctl.backup.listing import listing
from opsctl.backup.naming import Place
from opsctl.backup.pinning import pin
from opsctl.backup.prune import plan_prune, prune
from opsctl.backup.rehearse import _chosen
from opsctl.backup.retention import Decision
from opsctl.backup.shelves import second_shelf
from opsctl.backup.terms import READING
from opsctl.backup.verify import verify
from opsctl.core.clock import SystemClock
from opsctl.core.errors import ConfigurationError, ExitCode, Locked, OperationFailed
from opsctl.core.outcome import Outcome, Status
from opsctl.fleet.returning import SUMS, erase, hand_over
from opsctl.ledger import held
from opsctl.profiles.hosted import BackupRecipient, DirectoryStore, SecondStore
from opsctl.promises.backups import COPY_KINDS, KINDS, copied, good_backups
from opsctl.runs.service import HOSTS
from tests.unit.backup.made import Bench, bench

BODY = bytes(range(250))


class Two:
    """A bench with two directories; its backups are of now, by the real clock, as the directories' times are."""

    def __init__(self, folder: Path, keep_days: int = 30) -> None:
        for name in ("first", "second"):
            (folder / name).mkdir(mode=0o700)
        self.folder = folder
        self.bench: Bench = bench(
            folder, store=DirectoryStore(kind="directory", path=str(folder / "first")), minimum_good=1,
            recipients=tuple(BackupRecipient(key=f"age1{letter * 58}", kept=kept)
                             for letter, kept in (("p", "online"), ("x", "offline"))),
            second_store=SecondStore(store=DirectoryStore(kind="directory", path=str(folder / "second")),
                                     keep_days=keep_days, minimum_good=1))
        self.profile, self.workplace = self.bench.profile, self.bench.workplace
        self.bench.clock.move(SystemClock().now() - self.bench.clock.now())
        self.first, self.second = (open_store(DirectoryStore(kind="directory", path=str(folder / name)))
                                   for name in ("first", "second"))

    def make(self) -> Place:
        self.bench.clock.move(timedelta(seconds=1))
        return self.bench.make(self.first, BODY)

    def copy(self) -> Outcome:
        return copy_missing(self.workplace, self.profile)

    def age(self, place: Place, days: int, *names: str) -> None:
        """Let a backup be so old in the stores named."""
        for name in names:
            for path in (self.folder / name / place.prefix).iterdir():
                import os

                os.utime(path, (path.stat().st_atime, path.stat().st_mtime - days * 86_400))

    def there(self) -> list[str]:
        found = catalog(self.workplace, self.profile, shelf=second_shelf(self.profile))
        return [backup.place.backup_id for backup in found.backups if backup.good]


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Two]:
    found = Two(tmp_path)
    yield found
    found.workplace.ledger.close()


def test_what_the_second_store_lacks_is_brought_there_once(two: Two) -> None:
    places = [two.make(), two.make()]
    shown = listing(two.workplace, two.profile).second
    assert shown is not None
    assert shown.uncopied == (places[1].backup_id, places[0].backup_id)
    outcome = two.copy()
    assert (outcome.status, len(outcome.data["copies"])) == (Status.DONE, 2)
    for place in places:
        for name in ("manifest.json", "volume-0001.age"):
            assert two.second.get(place.prefix + name) == two.first.get(place.prefix + name)
    assert two.there() == [place.backup_id for place in places]
    assert two.copy().status is Status.UNCHANGED
    assert two.bench.kinds().count("backup.copied") == 2
    again = listing(two.workplace, two.profile).second
    assert again is not None
    assert (again.uncopied, again.catalog is not None and again.catalog.missing) == ((), ())


def test_a_part_changed_in_the_first_store_is_not_copied(two: Two) -> None:
    place = two.make()
    body = bytearray(BODY)
    body[100] ^= 1
    two.first.put(place.prefix + "volume-0001.age", bytes(body))
    outcome = two.copy()
    assert (outcome.status, outcome.code) == (Status.FAILED, ExitCode.FAILED)
    assert "not what the manifest says" in outcome.summary
    found = catalog(two.workplace, two.profile, shelf=second_shelf(two.profile))
    assert (found.backups, found.leftovers) == ((), ())
    assert "backup.copy-failed" in two.bench.kinds()


def test_a_second_store_that_is_not_there_is_a_failure_and_told_by_the_list(two: Two) -> None:
    two.make()
    shutil.rmtree(two.folder / "second")
    outcome = two.copy()
    assert outcome.status is Status.FAILED
    assert "is not there" in outcome.summary
    shown = listing(two.workplace, two.profile)
    assert shown.second is not None
    assert (shown.second.catalog, "is not there" in shown.second.reason) == (None, True)


def test_without_a_second_store_there_is_nothing_to_copy_to(two: Two) -> None:
    profile = two.profile.model_copy(update={"backup": two.profile.backup.model_copy(update={"second_store": None})})
    with pytest.raises(ConfigurationError):
        copy_missing(two.workplace, profile)


def test_a_copy_that_is_lost_short_or_damaged_is_made_again(two: Two) -> None:
    lost, short, damaged = (two.make() for _ in range(3))
    two.copy()
    two.second.delete(lost.manifest)
    two.second.put(short.prefix + "volume-0001.age", b"cut")
    two.second.put(damaged.prefix + "volume-0001.age", BODY[::-1])
    assert verify(two.workplace, two.profile, damaged.backup_id, second=True).code is ExitCode.CHECK_FAILED
    shelf = second_shelf(two.profile)
    assert shelf is not None
    assert damaged_copies(two.workplace.ledger, two.profile.customer, shelf) == {damaged.backup_id}
    # The backup itself is as good as before, in the promise's eyes too.
    entries = tuple(two.workplace.ledger.entries(two.profile.customer, kinds=(*KINDS, *COPY_KINDS)))
    assert [len(day) for day in good_backups(entries).values()] == [1]
    assert damaged.backup_id not in copied(entries)
    assert len(two.copy().data["copies"]) == 3
    for place in (lost, short, damaged):
        assert verify(two.workplace, two.profile, place.backup_id, second=True).status is Status.DONE
    assert damaged_copies(two.workplace.ledger, two.profile.customer, shelf) == frozenset()


def _damaged_copy(two: Two) -> Place:
    place = two.make()
    two.copy()
    two.second.put(place.prefix + "volume-0001.age", BODY[:-1] + b"X")
    assert verify(two.workplace, two.profile, place.backup_id, second=True).code is ExitCode.CHECK_FAILED
    return place


def test_a_damaged_copy_stays_until_the_first_is_known_to_be_whole(two: Two) -> None:
    place = _damaged_copy(two)
    # Nobody has checked the first one: damage elsewhere in it is found before anything is removed.
    two.first.put(place.prefix + "volume-0001.age", b"X" + BODY[1:])
    outcome = two.copy()
    assert (outcome.status, "its copy stays" in outcome.summary) == (Status.FAILED, True)
    assert two.second.get(place.prefix + "volume-0001.age") == BODY[:-1] + b"X"
    assert "backup.copy-removed" not in two.bench.kinds()
    # Checked and found damaged, it is nothing to copy.
    assert verify(two.workplace, two.profile, place.backup_id).code is ExitCode.CHECK_FAILED
    assert two.copy().status is Status.UNCHANGED
    shown = listing(two.workplace, two.profile).second
    assert shown is not None
    assert (shown.uncopied, two.there()) == ((), [place.backup_id])


def test_a_damaged_copy_is_not_replaced_while_somebody_reads_and_others_are_copied(two: Two) -> None:
    place = _damaged_copy(two)
    other = two.make()
    with held(two.workplace.ledger, f"{two.profile.customer}/{READING}", "a restore", 60):
        outcome = two.copy()
        assert (outcome.code, [row["backup_id"] for row in outcome.data["failed"]]) == (
            ExitCode.PARTIAL, [place.backup_id])
        assert "while it may be read" in outcome.summary
        assert two.there() == [place.backup_id, other.backup_id]
    assert [row["backup_id"] for row in two.copy().data["copies"]] == [place.backup_id]


def _silent(two: Two, monkeypatch: pytest.MonkeyPatch, store: ObjectStore, key: str, error: OperationFailed) -> None:
    """One read of `key` in this one of the two stores fails as `error` says; everything else goes on."""
    from opsctl.backup import copying

    whole = store.get

    def get(asked: str, start: int = 0, size: int | None = None) -> bytes:
        if asked == key:
            raise error
        return whole(asked, start, size)

    monkeypatch.setattr(store, "get", get)
    monkeypatch.setattr(copying, "open_store", lambda one: store if one.path == store.place else open_store(one))


@pytest.mark.parametrize("error", [Unreachable("ReadTimeoutError"), OperationFailed("the store answered 503")])
def test_a_copy_whose_manifest_the_store_did_not_give_stays(two: Two, monkeypatch: pytest.MonkeyPatch,
                                                            error: OperationFailed) -> None:
    place = two.make()
    two.copy()
    other = two.make()
    before = {entry.key: two.second.get(entry.key) for entry in two.second.list(place.prefix).objects}
    with monkeypatch.context() as patch:
        _silent(two, patch, two.second, place.manifest, error)
        outcome = two.copy()
    # The other is copied all the same.
    assert (outcome.code, [row["backup_id"] for row in outcome.data["failed"]]) == (
        ExitCode.PARTIAL, [place.backup_id])
    assert [row["backup_id"] for row in outcome.data["copies"]] == [other.backup_id]
    assert error.message in outcome.summary and outcome.resolution
    assert {key: two.second.get(key) for key in before} == before
    assert not {"backup.copy-removing", "backup.copy-removed"} & set(two.bench.kinds())
    assert two.copy().status is Status.UNCHANGED


def test_a_copy_whose_manifest_was_read_and_is_none_is_made_again(two: Two) -> None:
    broken, differs = two.make(), two.make()
    two.copy()
    two.second.put(broken.manifest, b"not a manifest")
    two.second.put(differs.manifest, two.second.get(differs.manifest) + b" ")
    assert len(two.copy().data["copies"]) == 2
    for place in (broken, differs):
        assert verify(two.workplace, two.profile, place.backup_id, second=True).status is Status.DONE


def test_a_damaged_copy_does_not_push_out_a_good_one(two: Two) -> None:
    good, damaged = two.make(), two.make()
    two.copy()
    two.second.put(damaged.prefix + "volume-0001.age", BODY[::-1])
    assert verify(two.workplace, two.profile, damaged.backup_id, second=True).code is ExitCode.CHECK_FAILED
    two.age(good, 50, "second")
    two.age(damaged, 40, "second")
    _, verdicts = plan_prune(two.workplace, two.profile, shelf=second_shelf(two.profile))
    assert [one.decision for one in verdicts] == [Decision.KEEP, Decision.REMOVE]
    # The first store's is as good as ever; what is damaged is not rehearsed.
    assert _chosen(two.workplace, two.profile, "", "", second=False).place.backup_id == damaged.backup_id
    assert _chosen(two.workplace, two.profile, "", "", second=True).place.backup_id == good.backup_id


def test_each_store_has_its_own_retention(tmp_path: Path) -> None:
    two = Two(tmp_path, keep_days=5)
    old, recent = two.make(), two.make()
    two.copy()
    two.age(old, 10, "first", "second")
    outcome = prune(two.workplace, two.profile)
    assert (outcome.status, outcome.data["removed"]) == (Status.DONE, [old.backup_id])
    assert two.there() == [recent.backup_id]
    assert len(catalog(two.workplace, two.profile).backups) == 2
    assert {row["store"] for row in outcome.data["verdicts"]} == {"first", "second"}
    assert two.bench.kinds().count("backup.copy-removed") == 1
    assert two.bench.kinds().count("backup.removed") == 0
    # What is too old for the second store does not come back.
    assert two.copy().status is Status.UNCHANGED
    _, verdicts = plan_prune(two.workplace, two.profile, shelf=second_shelf(two.profile))
    assert [(one.decision, "(the second store)" in one.reason) for one in verdicts] == [(Decision.KEEP, True)]


def test_a_second_store_that_fails_keeps_the_first_from_nothing(two: Two) -> None:
    old, _ = two.make(), two.make()
    two.age(old, 40, "first")
    two.first.begin(f"{two.profile.customer}/ready/20261123T000000Z-aaaaaa/volume-0001.age")
    shutil.rmtree(two.folder / "second")
    outcome = prune(two.workplace, two.profile)
    assert (outcome.code, outcome.data["removed"]) == (ExitCode.PARTIAL, [old.backup_id])
    assert "is not there" in outcome.summary
    assert outcome.resolution
    cleaned = clean(two.workplace, two.profile)
    assert (cleaned.code, len(cleaned.data["leftovers"])) == (ExitCode.PARTIAL, 1)
    assert catalog(two.workplace, two.profile).leftovers == ()


def test_a_run_whose_copy_failed_is_partly_done(two: Two) -> None:
    done = Outcome("c", "backup", Status.DONE, "ready 1: 3 MB", data={"failed": []})
    failed = Copies(failed={"1": OperationFailed("no space", "make room")})
    told = with_copies(done, failed)
    assert (told.code, told.summary) == (ExitCode.PARTIAL, "ready 1: 3 MB; the second copy of 1 failed: no space")
    assert "opsctl backup copy" in told.resolution
    assert with_copies(done, Copies()).status is Status.DONE


def test_an_identity_is_needed_as_long_as_the_last_copy(two: Two) -> None:
    places = [two.make(), two.make()]
    two.copy()
    two.first.delete(places[0].manifest)
    two.first.delete(places[0].prefix + "volume-0001.age")
    uses = keys(two.workplace, two.profile)
    assert {use.backups for use in uses if not use.in_profile} == {2}


def test_what_is_left_only_in_the_second_store_can_be_pinned_and_stays(two: Two) -> None:
    old, _ = two.make(), two.make()
    two.copy()
    for name in ("manifest.json", "volume-0001.age"):
        two.first.delete(old.prefix + name)
    two.age(old, 90, "second")
    assert pin(two.workplace, two.profile, old.backup_id, "a dispute").status is Status.DONE
    assert prune(two.workplace, two.profile).status is Status.UNCHANGED
    assert old.backup_id in two.there()
    unknown = "20260101T000000Z-aaaaaa"
    assert pin(two.workplace, two.profile, unknown, "x").code is ExitCode.CONFIGURATION
    # A store that cannot be asked may have it: that is what is told.
    shutil.rmtree(two.folder / "second")
    assert "is not there" in pin(two.workplace, two.profile, unknown, "x").summary


def test_a_backup_damaged_in_the_first_store_is_handed_over_from_the_second(two: Two) -> None:
    damaged, whole = two.make(), two.make()
    two.copy()
    two.first.put(damaged.prefix + "volume-0001.age", BODY[:-1] + b"X")
    target = two.folder / "returned"
    outcome = hand_over(two.workplace, two.profile, target)
    assert (outcome.status, outcome.data["backups"]) == (Status.DONE, 2)
    for place in (damaged, whole):
        assert (target / "ready" / place.backup_id / "volume-0001.age").read_bytes() == BODY
    assert len((target / SUMS).read_text().splitlines()) == 4
    # Damaged in both it is not whole anywhere.
    two.second.put(damaged.prefix + "volume-0001.age", b"X" + BODY[1:])
    again = hand_over(two.workplace, two.profile, two.folder / "again")
    assert (again.code, "is not what the manifest says" in again.summary) == (ExitCode.CHECK_FAILED, True)


def test_nothing_is_erased_while_a_backup_is_taken_or_copied(two: Two) -> None:
    two.make()
    hand_over(two.workplace, two.profile, two.folder / "returned")
    with held(two.workplace.ledger, f"{two.profile.customer}/{HOSTS}", "a copy", 60), pytest.raises(Locked):
        erase(two.workplace, two.profile)
    assert len(two.first.list("").objects) == 2
    assert erase(two.workplace, two.profile).status is Status.DONE


def test_a_customer_that_leaves_gets_the_copies_too_and_nothing_of_them_stays(two: Two) -> None:
    old, recent = two.make(), two.make()
    two.copy()
    for name in ("manifest.json", "volume-0001.age"):
        two.first.delete(old.prefix + name)
    target = two.folder / "returned"
    assert hand_over(two.workplace, two.profile, target).data["backups"] == 2
    assert (target / "ready" / old.backup_id / "manifest.json").exists()
    outcome = erase(two.workplace, two.profile)
    assert outcome.status is Status.DONE, outcome
    assert two.first.list("").objects == two.second.list("").objects == ()
    entry = two.workplace.ledger.last(two.profile.customer, "customer.backups-erased")
    assert entry is not None
    assert entry.payload["copies"] == {str(two.folder / "second"): 2}
    assert recent.backup_id in entry.payload["backups"]


def test_what_a_store_did_not_give_is_neither_left_out_nor_erased(two: Two, tmp_path: Path,
                                                                  monkeypatch: pytest.MonkeyPatch) -> None:
    place = two.make()
    whole = two.first.get
    profile = two.profile.model_copy(update={"backup": two.profile.backup.model_copy(update={"second_store": None})})

    def get(key: str, start: int = 0, size: int | None = None) -> bytes:
        if key == place.manifest:
            raise Unreachable("ReadTimeoutError")
        return whole(key, start, size)

    monkeypatch.setattr(two.first, "get", get)
    handed = hand_over(two.workplace, profile, tmp_path / "handed", store=two.first)
    assert (handed.status, "ReadTimeoutError" in handed.summary) == (Status.FAILED, True)
    assert "customer.backups-returned" not in two.bench.kinds()
    refused = erase(two.workplace, profile, store=two.first)
    assert (refused.status, "not handed over" in refused.summary) == (Status.FAILED, True)
    assert len(two.first.list(place.prefix).objects) == 2
