"""What a customer's backups take of real stores: a bucket, a directory, and stores that do not answer."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from opsctl.adapters.objects import open_store
from opsctl.profiles.hosted import DirectoryStore, S3Store
from opsctl.profiles.model import KamstrupProfile
from opsctl.storage.model import Level
from opsctl.storage.stores import figures, findings, uses
from tests.unit.backup.s3_server import S3Server, running_s3
from tests.unit.promises.register_values import profile


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with running_s3(tmp_path_factory.mktemp("s3")) as found:
        found.make("backups")
        yield found


def having(store: S3Store | DirectoryStore, name: str = "aalund") -> KamstrupProfile:
    found = profile(name)
    assert isinstance(found, KamstrupProfile)
    return found.model_copy(update={"backup": found.backup.model_copy(update={"store": store, "second_store": None})})


def test_only_the_customer_s_own_backups_are_counted_in_each_store(server: S3Server, tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    bucket, folder = server.store("backups"), DirectoryStore(kind="directory", path=str(tmp_path))
    for store in map(open_store, (bucket, folder)):
        store.put("sample-aalund/ready/x/volume-0001.age", b"x" * 1000)
        store.put("sample-aalund/ready/x/manifest.json", b"y" * 24)
        store.put("sample-aalund-other/ready/x/volume-0001.age", b"z" * 5000)
    for store in (bucket, folder):
        (found,) = uses([having(store)])["sample-aalund"]
        assert (found.bytes, found.objects, found.error) == (1024, 2, "")
        assert [(one.value, one.unit) for one in figures([found])] == [(1024, "B")]
        assert list(findings([found])) == []


def test_a_store_that_does_not_answer_is_warned_of_and_hides_no_other(server: S3Server, tmp_path: Path) -> None:
    dead = server.store("backups").model_copy(update={"endpoint": "https://127.0.0.1:9"})
    gone = DirectoryStore(kind="directory", path=str(tmp_path / "gone"))
    found = uses([having(dead), having(gone, "birkeby"), having(server.store("backups"), "cedervig")])
    for customer in ("sample-aalund", "sample-birkeby"):
        (told,) = findings(found[customer])
        assert told.level is Level.WARNING and "not known" in told.reason
        assert figures(found[customer]) == ()
    assert list(findings(found["sample-cedervig"])) == []
