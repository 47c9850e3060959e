"""A second store on the lab's hosts: bucket to bucket over the host, directories over this machine, locks, outages."""

from __future__ import annotations

from pathlib import Path

import pytest

from opsctl.adapters.objects import Retained, open_store
from opsctl.backup.copying import copy_missing
from opsctl.backup.rehearse import rehearse
from opsctl.backup.running import run_backup
from opsctl.backup.verify import verify
from opsctl.core.errors import ExitCode
from opsctl.core.outcome import Status
from opsctl.profiles.hosted import DirectoryStore, S3Store, SecondStore, Store
from opsctl.profiles.model import KamstrupProfile
from opsctl.runs.workplace import Workplace
from tests.lab.backup_support import identity
from tests.lab.surroundings import Opsctl, hosted

pytestmark = pytest.mark.lab


def with_second(profile: KamstrupProfile, store: Store) -> KamstrupProfile:
    return profile.model_copy(update={"backup": profile.backup.model_copy(
        update={"second_store": SecondStore(store=store)})})


@pytest.mark.parametrize("way", ["bucket to bucket", "bucket to directory", "directory to bucket"])
def test_a_backup_is_copied_verified_and_restored_from_its_copy(workplace: Workplace, lab: Path, tmp_path: Path,
                                                                way: str) -> None:
    customer = "sample-cedervig" if way.startswith("directory") else "sample-aalund"
    profile = hosted(workplace, customer)
    if way == "bucket to directory":
        (tmp_path / "copies").mkdir(mode=0o700)
        profile = with_second(profile, DirectoryStore(kind="directory", path=str(tmp_path / "copies")))
    elif way == "directory to bucket":
        other = hosted(workplace, "sample-aalund").backup.second_store
        assert other is not None
        profile = with_second(profile, other.store)
    outcome = run_backup(workplace, profile)
    assert outcome.status is Status.DONE, outcome
    [copied] = outcome.data["copies"]
    assert copied["way"] == ("over aalund-1" if way == "bucket to bucket" else "over this machine")
    assert copied["manifest_sha256"] == outcome.data["backups"][0]["manifest_sha256"]
    assert verify(workplace, profile, copied["backup_id"], second=True).status is Status.DONE
    # The first one is gone altogether: the copy alone brings the data back.
    first = open_store(profile.backup.store)
    for entry in first.list(f"{customer}/").objects:
        first.delete(entry.key)
    done = rehearse(workplace, profile, identity=identity(lab, customer), backup_id=copied["backup_id"], second=True)
    assert done.status is Status.DONE, done
    assert sum(done.data["rows"].values()) > 0


def test_copies_are_locked_when_the_profile_says_so(workplace: Workplace, lab: Path) -> None:
    profile = hosted(workplace, "sample-aalund")
    second = profile.backup.second_store
    assert second is not None
    assert isinstance(second.store, S3Store)
    profile = with_second(profile, second.store.model_copy(update={"lock_days": 1}))
    assert run_backup(workplace, profile).status is Status.DONE
    store = open_store(second.store)
    [manifest] = [entry.key for entry in store.list("sample-aalund/").objects if entry.key.endswith("manifest.json")]
    with pytest.raises(Retained):
        store.delete(manifest)
    assert copy_missing(workplace, profile).status is Status.UNCHANGED


def test_an_outage_of_the_second_store_is_partial_and_the_night_takes_the_copy_again(opsctl: Opsctl,
                                                                                     inventories: Path) -> None:
    path = inventories / "sample-aalund" / "profile.yml"
    text = path.read_text()
    head, tail = text.split("second_store:")
    path.write_text(f"{head}second_store:{tail.replace('198.51.100.1:9443', '198.51.100.1:9', 1)}")
    taken = opsctl("backup", "run", "sample-aalund", "--json")
    assert taken.code == ExitCode.PARTIAL, taken
    [row] = taken.envelope["data"]["outcomes"]
    assert "the second copy of" in row["summary"]
    assert "opsctl backup copy" in row["resolution"]
    shown = opsctl("backup", "list", "sample-aalund")
    assert (shown.code, "the second store cannot be read" in shown.stdout) == (0, True), shown
    [promise] = [one for one in opsctl("promise", "list", "sample-aalund", "--json").envelope["data"]["promises"]
                 if one["promise"] == "P16"]
    assert ["no second copy" in one["detail"] for one in promise["events"] if one["verdict"] == "kept"] == [True]
    path.write_text(text)
    night = opsctl("nightly", "sample-aalund", "--json")
    assert night.code == 0, night
    summaries = [one["summary"] for one in night.envelope["data"]["outcomes"] if one["service"] == "backup"]
    assert any("1 backups copied to the second store" in one for one in summaries), summaries
    assert any("was restored on aalund-1" in one for one in summaries), summaries
    [status] = opsctl("status", "sample-aalund", "--json").envelope["data"]["customers"]
    assert "copied" in status["backup"]["detail"]
    assert status["rehearsal"]["verdict"] == "kept"
    again = opsctl("nightly", "sample-aalund", "--json")
    assert {one["status"] for one in again.envelope["data"]["outcomes"]} <= {"skipped", "unchanged"}, again
