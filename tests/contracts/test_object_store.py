"""What every object store keeps: memory, a directory, and S3 against real server processes over TLS.

moto shows behaviour (versions, locks, settings); rclone judges signatures, expiry and digests, and holds large
objects; LocalStack checks checksums and locks.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import os
import ssl
import stat
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError

from opsctl.adapters.objects import ObjectStore, Protections, Retained, Retention, open_store
from opsctl.adapters.objects.memory import MemoryObjects
from opsctl.adapters.objects.s3 import S3Objects
from opsctl.core.errors import ConfigurationError, OperationFailed
from opsctl.profiles.hosted import DirectoryStore, S3Store
from tests.contracts.s3_servers import running_localstack, running_rclone
from tests.unit.backup.s3_server import S3Server, running_s3


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with running_s3(tmp_path_factory.mktemp("s3")) as found:
        found.make("contract")
        found.client().put_bucket_versioning(Bucket="contract", VersioningConfiguration={"Status": "Enabled"})
        yield found


@pytest.fixture(scope="module")
def rclone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with running_rclone(tmp_path_factory.mktemp("rclone")) as found:
        found.client().create_bucket(Bucket="contract")
        yield found


@pytest.fixture(scope="module")
def localstack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with running_localstack(tmp_path_factory.mktemp("localstack")) as found:
        found.make("contract")
        found.client().put_bucket_versioning(Bucket="contract", VersioningConfiguration={"Status": "Enabled"})
        yield found


# It needs a newer Python than the project and an environment of its own: run-tests makes it where it can.
LOCALSTACK = bool(os.environ.get("OPSCTL_TEST_LOCALSTACK"))


@pytest.fixture(params=["memory", "directory", "s3", "rclone", *(["localstack"] if LOCALSTACK else [])])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    if request.param == "memory":
        return MemoryObjects()
    if request.param == "directory":
        tmp_path.chmod(0o700)
        return open_store(DirectoryStore(kind="directory", path=str(tmp_path)))
    server: S3Server = request.getfixturevalue("server" if request.param == "s3" else request.param)
    return open_store(server.store("contract", f"{tmp_path.name}/"))


# What a server does not judge, the others of this suite do.
LEFT_TO_OTHERS = {("localstack", "test_upload_in_parts"): "refuses parts below 5 MiB, as AWS does",
                  ("localstack", "test_protections_and_strangers_are_told"): "lets strangers read"}


@pytest.fixture(autouse=True)
def _left_to_others(request: pytest.FixtureRequest) -> None:
    name, _, parameter = request.node.name.partition("[")
    if reason := LEFT_TO_OTHERS.get((parameter.split("-")[0].rstrip("]"), name)):
        pytest.skip(f"left to the other servers: this one {reason}")


def test_put_get_list_delete(store: ObjectStore) -> None:
    before = datetime.now(UTC) - timedelta(seconds=2)
    store.put("a/one", b"1234567890")
    store.put("a/two", b"")
    store.put("b/three", b"3")
    listing = store.list("a/")
    assert [(entry.key, entry.size) for entry in listing.objects] == [("a/one", 10), ("a/two", 0)]
    assert all(before <= entry.modified <= datetime.now(UTC) + timedelta(seconds=2) for entry in listing.objects)
    assert abs(listing.now - datetime.now(UTC)) < timedelta(seconds=3)
    assert listing.now.tzinfo is UTC
    assert store.get("a/one") == b"1234567890"
    assert store.get("a/one", 2, 3) == b"345"
    assert store.get("a/one", 8) == b"90"
    store.delete("a/one")
    store.delete("a/one")
    assert [entry.key for entry in store.list("").objects] == ["a/two", "b/three"]


def test_a_deleted_object_leaves_no_version(store: ObjectStore) -> None:
    store.put("x/gone", b"first")
    store.put("x/gone", b"second")
    store.put("x/gone-not", b"stays")
    assert {version.key for version in store.versions("x/")} == {"x/gone", "x/gone-not"}
    store.delete("x/gone")
    assert [version.key for version in store.versions("x/")] == ["x/gone-not"]


def test_missing_or_short_objects_are_errors(store: ObjectStore) -> None:
    with pytest.raises(OperationFailed):
        store.get("not/there")
    store.put("short", b"abc")
    with pytest.raises(OperationFailed):
        store.get("short", 1, 10)


def test_upload_in_parts(store: ObjectStore) -> None:
    upload = store.begin("big/volume")
    assert store.list("big/").objects == ()
    assert [(found.key, found.upload) for found in store.uploads("big/")] == [("big/volume", upload)]
    bodies = [b"a" * 7000, b"b" * 7000, b"c" * 11]
    parts = [store.put_part("big/volume", upload, number, body) for number, body in enumerate(bodies, 1)]
    assert [(part.size, part.etag) for part in parts] == [
        (len(body), hashlib.md5(body, usedforsecurity=False).hexdigest()) for body in bodies]
    assert store.parts("big/volume", upload) == tuple(parts)
    store.complete("big/volume", upload, parts)
    assert store.get("big/volume") == b"".join(bodies)
    assert store.get("big/volume", 13_999, 2) == b"bc"
    assert store.uploads("") == ()


def test_an_upload_with_other_parts_is_not_completed(store: ObjectStore) -> None:
    upload = store.begin("big/volume")
    kept = [store.put_part("big/volume", upload, number, bytes([number]) * 6000) for number in (1, 2)]
    with pytest.raises(OperationFailed):
        store.complete("big/volume", upload, kept[:1])
    with pytest.raises(OperationFailed):
        store.complete("big/volume", upload, ())
    assert store.list("").objects == ()


def test_an_aborted_upload_leaves_nothing(store: ObjectStore) -> None:
    upload = store.begin("big/volume")
    store.put_part("big/volume", upload, 1, b"x" * 6000)
    store.abort("big/volume", upload)
    store.abort("big/volume", upload)
    assert store.uploads("") == ()
    assert store.list("").objects == ()
    with pytest.raises(OperationFailed):
        store.parts("big/volume", upload)


@pytest.mark.parametrize("key", ["", "/abs", "a//b", "../up", "a/../b", ".hidden", "a/.b", "a/", "a b", "a\nb", "ä",
                                 "x" * 901])
def test_keys_that_opsctl_does_not_write_are_refused(store: ObjectStore, key: str) -> None:
    with pytest.raises(ConfigurationError):
        store.put(key, b"")
    with pytest.raises(ConfigurationError):
        store.begin(key)


def test_protections_and_strangers_are_told(store: ObjectStore) -> None:
    store.put("free", b"x")
    found = store.protections("")
    assert (found.lock_days, found.expires_days) == (0, None)
    assert (found.free is None) is (store.signs or store.place == "memory")
    assert not store.open_to_all("free")


def test_no_lock_means_no_retention(store: ObjectStore) -> None:
    store.put("free", b"")
    assert store.retention("free") is None


def _request(server: S3Server, method: str, address: str, body: bytes | None = None) -> http.client.HTTPResponse:
    target = urlsplit(address)
    context = ssl.create_default_context(cafile=str(server.ca_file))
    connection = http.client.HTTPSConnection(str(target.hostname), target.port, timeout=20, context=context)
    connection.putrequest(method, f"{target.path}?{target.query}", skip_accept_encoding=True)
    if body is not None:
        connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body)
    return connection.getresponse()


def test_signed_addresses_carry_parts_and_objects(server: S3Server) -> None:
    store = open_store(server.store("contract", "signed/"))
    assert store.signs
    upload = store.begin("volume")
    answer = _request(server, "PUT", store.sign_part("volume", upload, 1, 60).reveal(), b"z" * 6000)
    assert answer.status == 200
    assert "X-Amz-Expires=60" in store.sign_part("volume", upload, 1, 60).reveal()
    assert "AWS4-HMAC-SHA256" in store.sign_part("volume", upload, 1, 60).reveal()
    store.complete("volume", upload, store.parts("volume", upload))
    answer = _request(server, "GET", store.sign_get("volume", 60).reveal())
    assert (answer.status, answer.read()) == (200, b"z" * 6000)


@pytest.fixture
def rclone_store(rclone: S3Server, tmp_path: Path) -> ObjectStore:
    return open_store(rclone.store("contract", f"{tmp_path.name}/"))


def test_a_signed_address_is_for_one_part_and_one_time(rclone: S3Server, rclone_store: ObjectStore) -> None:
    """rclone judges what moto lets pass: the signature, what it was made for, and its end."""
    upload = rclone_store.begin("volume")
    address = rclone_store.sign_part("volume", upload, 1, 60).reveal()
    assert _request(rclone, "PUT", address.replace("partNumber=1", "partNumber=2"), b"x").status == 403
    assert _request(rclone, "PUT", address.replace("volume", "another"), b"x").status == 403
    assert _request(rclone, "GET", address).status == 403
    assert _request(rclone, "PUT", address.split("&X-Amz-Signature")[0], b"x").status in {400, 403}
    rclone_store.put("kept", b"x")
    brief = rclone_store.sign_get("kept", 1).reveal()
    until = time.monotonic() + 30
    while (answer := _request(rclone, "GET", brief)).status == 200:
        assert time.monotonic() < until, "an address of one second does not end"
        time.sleep(0.3)
    # AWS says 403 here, rclone 400; the code is the same, and the host program goes by it.
    assert (answer.status, b"AccessDenied" in answer.read()) == (400, True)
    assert _request(rclone, "PUT", address, b"x" * 6000).status == 200
    rclone_store.abort("volume", upload)


def test_a_part_that_changed_on_its_way_is_refused(rclone: S3Server, rclone_store: ObjectStore) -> None:
    target = urlsplit(rclone_store.sign_part("volume", rclone_store.begin("volume"), 1, 60).reveal())
    connection = http.client.HTTPSConnection(str(target.hostname), target.port, timeout=20,
                                             context=ssl.create_default_context(cafile=str(rclone.ca_file)))
    wrong = base64.b64encode(hashlib.md5(b"sent", usedforsecurity=False).digest()).decode()
    connection.request("PUT", f"{target.path}?{target.query}", b"came", {"Content-MD5": wrong})
    answer = connection.getresponse()
    assert (answer.status, b"BadDigest" in answer.read()) == (400, True)


@pytest.mark.skipif(not LOCALSTACK, reason="no LocalStack: it needs Python 3.13, see docs/backup.md")
def test_a_lock_cannot_be_shortened_and_holds(localstack: S3Server) -> None:
    """LocalStack keeps to the rules of Object Lock that moto lets pass."""
    client = localstack.client()
    localstack.make("locked", locked=True)
    store = open_store(localstack.store("locked"))
    store.put("kept", b"body")
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(days=2)
    client.put_object_retention(Bucket="locked", Key="kept", Retention={"Mode": "COMPLIANCE", "RetainUntilDate": until})
    with pytest.raises(ClientError, match="AccessDenied"):
        client.put_object_retention(Bucket="locked", Key="kept", Retention={
            "Mode": "COMPLIANCE", "RetainUntilDate": until - timedelta(days=1)})
    lock = store.retention("kept")
    assert lock is not None
    assert (lock.until, lock.mode) == (until, "compliance")
    with pytest.raises(Retained):
        store.delete("kept")


def test_a_bucket_in_which_no_upload_was_ever_begun_has_none(rclone: S3Server) -> None:
    """rclone answers NoSuchUpload then."""
    rclone.client().create_bucket(Bucket="unused")
    store = open_store(rclone.store("unused"))
    store.put("whole", b"at once")
    assert store.uploads("") == ()


def test_a_large_object_goes_in_parts_and_comes_back_in_pieces(rclone_store: ObjectStore) -> None:
    """Three real parts of 5 MiB and more: moto keeps everything in memory, rclone on disk."""
    upload = rclone_store.begin("large")
    bodies = [bytes([number]) * (6 << 20) for number in (1, 2)] + [b"end"]
    parts = [rclone_store.put_part("large", upload, number, body) for number, body in enumerate(bodies, 1)]
    rclone_store.complete("large", upload, parts)
    assert rclone_store.get("large", (6 << 20) - 1, 2) == b"\x01\x02"
    assert rclone_store.get("large", 12 << 20) == b"end"
    assert rclone_store.list("large").objects[0].size == (12 << 20) + 3


def test_a_locked_object_is_retained(server: S3Server) -> None:
    client = server.client()
    server.make("locked", locked=True)
    store = open_store(server.store("locked"))
    store.put("kept", b"body")
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    client.put_object_retention(Bucket="locked", Key="kept", Retention={"Mode": "GOVERNANCE", "RetainUntilDate": until})
    lock = store.retention("kept")
    assert lock is not None
    assert (lock.until, lock.mode) == (until, "governance")
    with pytest.raises(Retained):
        store.delete("kept")
    assert store.get("kept") == b"body"


def test_a_locked_object_behind_a_delete_marker_is_retained_too(server: S3Server) -> None:
    client = server.client()
    server.make("hidden", locked=True)
    store = open_store(server.store("hidden"))
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    for key in ("locked", "held", "free", "a-marker-alone"):
        store.put(key, b"body")
    client.put_object_retention(Bucket="hidden", Key="locked", Retention={"Mode": "COMPLIANCE",
                                                                          "RetainUntilDate": until})
    client.put_object_legal_hold(Bucket="hidden", Key="held", LegalHold={"Status": "ON"})
    for key in ("locked", "held", "free", "a-marker-alone"):
        client.delete_object(Bucket="hidden", Key=key)
    (version,) = [one for one in store.versions("a-marker-alone") if not one.marker]
    client.delete_object(Bucket="hidden", Key="a-marker-alone", VersionId=version.version)
    found = {key: store.retention(key) for key in ("locked", "held", "free", "a-marker-alone")}
    assert found == {"locked": Retention(until, "compliance"), "held": Retention(None, "legal hold"), "free": None,
                     "a-marker-alone": None}
    for key in ("locked", "held"):
        with pytest.raises(Retained):
            store.delete(key)
    for key in ("free", "a-marker-alone"):
        store.delete(key)
        assert store.versions(key) == ()
    with pytest.raises(OperationFailed):
        store.retention("never-there")


def test_a_store_locks_what_it_is_given_when_the_profile_says_so(server: S3Server) -> None:
    """Whole objects and those in parts; in a bucket without Object Lock the refusal says what is missing."""
    server.make("locking", locked=True)
    store = open_store(server.store("locking").model_copy(update={"lock_days": 3}))
    store.put("whole", b"body")
    upload = store.begin("parts")
    store.complete("parts", upload, [store.put_part("parts", upload, 1, b"body")])
    for key in ("whole", "parts"):
        lock = store.retention(key)
        assert lock is not None
        assert lock.until is not None
        assert (lock.mode, round((lock.until - datetime.now(UTC)).total_seconds() / 86_400)) == ("governance", 3)
        with pytest.raises(Retained):
            store.delete(key)


def test_a_bucket_s_own_protections_are_seen(server: S3Server) -> None:
    client = server.client()
    server.make("guarded", locked=True)
    store = open_store(server.store("guarded", "opsctl/"))
    client.put_object_lock_configuration(Bucket="guarded", ObjectLockConfiguration={
        "ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 30}}})
    client.put_bucket_encryption(Bucket="guarded", ServerSideEncryptionConfiguration={
        "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}]})
    client.put_public_access_block(Bucket="guarded", PublicAccessBlockConfiguration={
        "BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True, "RestrictPublicBuckets": True})
    rules = [{"ID": "others", "Status": "Enabled", "Filter": {"Prefix": "logs/"}, "Expiration": {"Days": 3}},
             {"ID": "own", "Status": "Enabled", "Filter": {"Prefix": "opsctl/"}, "Expiration": {"Days": 20}}]
    client.put_bucket_lifecycle_configuration(Bucket="guarded", LifecycleConfiguration={"Rules": rules})
    assert store.protections("sample/") == Protections(True, "compliance", 30, "aws:kms", 20, True)


def _ruled(server: S3Server, bucket: str, *rules: dict[str, object]) -> Protections:
    server.make(bucket)
    server.client().put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": [
        {"ID": str(number), "Status": "Enabled", **rule} for number, rule in enumerate(rules)]})
    return open_store(server.store(bucket, "opsctl/")).protections("sample/")


def test_rules_that_remove_at_a_date_or_archive_are_seen(server: S3Server) -> None:
    """The soonest of each; what concerns other objects, or keeps them readable at once, is none of them."""
    own, others, date = {"Prefix": "opsctl/"}, {"Prefix": "logs/"}, datetime(2027, 3, 1, tzinfo=UTC)
    found = _ruled(server, "dated", {"Filter": own, "Expiration": {"Date": date + timedelta(days=9)}},
                   {"Filter": own, "Expiration": {"Date": date}},
                   {"Filter": others, "Expiration": {"Date": datetime(2027, 1, 1, tzinfo=UTC)}})
    assert (found.expires_days, found.expires_on) == (None, date.date())
    found = _ruled(server, "archived", {"Filter": own, "Transitions": [{"Days": 5, "StorageClass": "STANDARD_IA"},
                                                                       {"Days": 7, "StorageClass": "GLACIER"},
                                                                       {"Days": 9, "StorageClass": "DEEP_ARCHIVE"}]},
                   {"Filter": others, "Transitions": [{"Days": 1, "StorageClass": "GLACIER"}]})
    assert (found.archives_days, found.archives_on, found.expires_on) == (7, None, None)
    found = _ruled(server, "archived-at-once", {"Filter": own, "Transitions": [
        {"Days": 1, "StorageClass": "GLACIER_IR"}, {"Date": date, "StorageClass": "DEEP_ARCHIVE"}]})
    assert (found.archives_days, found.archives_on) == (None, date.date())


def test_wrong_bucket_and_dead_endpoint_are_told_without_secrets(server: S3Server) -> None:
    with pytest.raises(OperationFailed) as error:
        open_store(server.store("no-such-bucket")).list("")
    assert "NoSuchBucket" in error.value.message
    dead = server.store("contract").model_copy(update={"endpoint": "https://127.0.0.1:9"})
    with pytest.raises(OperationFailed) as error:
        open_store(dead).list("")
    assert "test-secret" not in str(error.value) + error.value.resolution


def test_an_unknown_certificate_is_refused(server: S3Server) -> None:
    untrusting = server.store("contract").model_copy(update={"ca_file": None})
    with pytest.raises(OperationFailed) as error:
        open_store(untrusting).list("")
    assert "certificate" in error.value.resolution


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tmp_path.chmod(0o700)
    return tmp_path


def test_directory_keeps_to_itself(folder: Path) -> None:
    store = open_store(DirectoryStore(kind="directory", path=str(folder)))
    store.put("a/b/object", b"x")
    upload = store.begin("a/c/volume")
    store.put_part("a/c/volume", upload, 1, b"y")
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*")}
    assert all(mode == (0o700 if path.is_dir() else 0o600) for path, mode in modes.items()), modes


def test_directory_refuses_links_and_missing_roots(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (folder / "link").symlink_to(outside)
    store = open_store(DirectoryStore(kind="directory", path=str(folder)))
    with pytest.raises(OperationFailed):
        store.put("link/object", b"x")
    assert list(outside.iterdir()) == []
    with pytest.raises(ConfigurationError):
        open_store(DirectoryStore(kind="directory", path=str(folder / "not-mounted")))
    folder.chmod(0o777)
    with pytest.raises(ConfigurationError):
        open_store(DirectoryStore(kind="directory", path=str(folder)))


def test_directory_parts_come_in_order(folder: Path) -> None:
    store = open_store(DirectoryStore(kind="directory", path=str(folder)))
    upload = store.begin("volume")
    with pytest.raises(OperationFailed):
        store.put_part("volume", upload, 2, b"too early")


def test_directory_deletes_empty_folders_but_not_its_root(folder: Path) -> None:
    store = open_store(DirectoryStore(kind="directory", path=str(folder)))
    store.put("a/b/object", b"x")
    store.delete("a/b/object")
    assert not (folder / "a").exists()
    assert folder.exists()


def test_an_object_is_locked_where_the_store_can_and_kept_where_it_cannot(store: ObjectStore) -> None:
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(days=2)
    assert store.put_locked("kept/under/lock", b"body", until) is None
    assert store.get("kept/under/lock") == b"body"


def test_a_bucket_with_object_lock_keeps_what_is_put_under_lock(server: S3Server) -> None:
    server.make("kept", locked=True)
    store = open_store(server.store("kept"))
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(days=2)
    lock = store.put_locked("sealed", b"body", until)
    assert lock is not None and (lock.until, lock.mode) == (until, "compliance")
    with pytest.raises((Retained, OperationFailed)):
        store.delete("sealed")
    assert store.get("sealed") == b"body"


def test_clients_made_at_once_keep_their_own_credentials_and_authority(rclone: S3Server, tmp_path: Path) -> None:
    """They come from one session; rclone refuses every key but its own."""
    other = tmp_path / "other.json"
    other.touch(0o600)
    other.write_text(json.dumps({"access_key_id": "another", "secret_access_key": "key-of-another"}))
    right = rclone.store("contract")
    stores = [right, right.model_copy(update={"credentials": f"file:{other}"})] * 8

    def listed(store: S3Store) -> bool:
        try:
            open_store(store).list("nothing/")
        except OperationFailed:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(listed, stores)) == [True, False] * 8
    unsigned = right.model_copy(update={"ca_file": None})
    assert (listed(unsigned), listed(right)) == (False, True)


def test_a_refusal_in_a_bucket_called_lock_is_no_lock(server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """The policy's refusal quotes the bucket's name, as AWS does; no lock is on anything."""
    server.make("customer-block-backups")
    store = open_store(server.store("customer-block-backups"))
    store.put("there", b"body")

    def refuse(name: str) -> Callable[..., None]:
        def refused(**given: object) -> None:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": (
                "User: arn:aws:iam::1:user/opsctl is not authorized to perform this on resource: "
                '"arn:aws:s3:::customer-block-backups/there"')}}, name)
        return refused

    assert isinstance(store, S3Objects)
    for name in ("get_object", "put_object", "delete_object"):
        monkeypatch.setattr(store._client, name, refuse(name))
    for act in (lambda: store.get("there"), lambda: store.put("there", b""), lambda: store.delete("there")):
        with pytest.raises(OperationFailed) as error:
            act()
        assert not isinstance(error.value, Retained)
        assert ("AccessDenied" in error.value.message, "credentials" in error.value.resolution) == (True, True)


def test_a_deletion_that_says_it_was_the_lock_is_retained_where_the_lock_itself_is_not_told(
        server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    server.make("untold")
    store = open_store(server.store("untold"))
    store.put("there", b"body")

    def refused(**given: object) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": (
            "Access Denied because object protected by object lock.")}}, "DeleteObject")

    assert isinstance(store, S3Objects)
    monkeypatch.setattr(store._client, "delete_object", refused)
    with pytest.raises(Retained):
        store.delete("there")
