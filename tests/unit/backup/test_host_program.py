"""The host program itself, as a real process, against a real S3 server and a directory."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from opsctl.adapters.objects import ObjectStore, open_store
from opsctl.adapters.objects.memory import MemoryObjects
from opsctl.backup.dialogue import HostProgram
from opsctl.backup.engines.contract import decrypt, encrypt
from opsctl.backup.exchange import Command, Order
from opsctl.backup.naming import Place
from opsctl.backup.stores import StoreGiver
from opsctl.backup.uploads import Sizes, Uploads
from opsctl.core.errors import OperationFailed
from opsctl.core.secret import Secret
from opsctl.profiles.hosted import DirectoryStore
from tests.not_exercised import not_exercised
from tests.unit.backup.local_host import children, local_program, wait_until_empty
from tests.unit.backup.s3_server import S3Server, running_s3

pytestmark = pytest.mark.slow

PLACE = Place("customer", "ready", "20261123T021500Z-ab12cd")
SMALL = Sizes(part_bytes=64 * 1024, parts_per_volume=3, address_seconds=60)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with running_s3(tmp_path_factory.mktemp("s3")) as found:
        found.make("parts")
        yield found


@pytest.fixture(params=["directory", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    if request.param == "directory":
        (tmp_path / "store").mkdir(mode=0o700)
        return open_store(DirectoryStore(kind="directory", path=str(tmp_path / "store")))
    return open_store(request.getfixturevalue("server").store("parts", f"{tmp_path.name}/"))


@pytest.fixture
def certificate(request: pytest.FixtureRequest, store: ObjectStore) -> str:
    return str(request.getfixturevalue("server").ca_file.read_text()) if store.signs else ""


@pytest.fixture
def body(tmp_path: Path) -> Path:
    path = tmp_path / "body"
    path.write_bytes(os.urandom(64 * 1024 * 7 + 123))
    path.chmod(0o644)
    return path


def _order(store: ObjectStore, certificate: str, *stages: Command, sizes: Sizes = SMALL,
           bandwidth: int | None = None) -> Order:
    return Order("data", stages, store.signs, sizes.part_bytes, sizes.parts_per_volume, bandwidth, certificate)


def test_a_stream_becomes_volumes_and_comes_back(store: ObjectStore, certificate: str, body: Path) -> None:
    wanted = body.read_bytes()
    with local_program() as (program, _), Uploads(store, PLACE, SMALL) as uploads:
        sent = program.stream(_order(store, certificate, Command("cat", ("cat", str(body)))), uploads)
        sent.require("stream")
        assert (sent.size, sent.sha256) == (len(wanted), hashlib.sha256(wanted).hexdigest())
        objects = uploads.complete()
        uploads.publish(b"{}")
        assert [(entry.name, len(entry.parts)) for entry in objects] == [
            ("volume-0001.age", 3), ("volume-0002.age", 3), ("volume-0003.age", 2)]
        assert b"".join(store.get(PLACE.prefix + entry.name) for entry in objects) == wanted

        parts = [{"key": PLACE.prefix + entry.name, "offset": sum(part.size for part in entry.parts[:number]),
                  "size": part.size, "sha256": part.sha256}
                 for entry in objects for number, part in enumerate(entry.parts)]
        copy = body.with_name("copy")
        order = Order("data", (Command("dd", ("dd", f"of={copy}", "status=none")),), store.signs, ca=certificate,
                      parts=parts)
        program.receive(order, StoreGiver(store)).require("receive")
        program.end()
    assert copy.read_bytes() == wanted


def test_addresses_are_renewed_before_they_end(server: S3Server, body: Path, tmp_path: Path) -> None:
    store = open_store(server.store("parts", f"{tmp_path.name}/"))
    asked: list[str] = []

    class Brief(Uploads):
        def addresses(self, key: str) -> tuple[Mapping[str, Secret], int]:
            asked.append(key)
            # Usable for one second by the host's reckoning, which turns to new ones 15 seconds before the end.
            return super().addresses(key)[0], 16

    slow = Command("slow", ("sh", "-c", f"head -c 200000 {body}; sleep 2; cat {body}"))
    with local_program() as (program, _), Brief(store, PLACE, Sizes(64 * 1024, 100, 60)) as uploads:
        program.stream(_order(store, server.ca_file.read_text(), slow, sizes=Sizes(64 * 1024, 100, 60)),
                       uploads).require("stream")
        assert uploads.complete()[0].size == 200_000 + body.stat().st_size
    assert len(asked) > 2


def test_an_address_that_ended_early_is_asked_for_again(server: S3Server, body: Path, tmp_path: Path) -> None:
    """The store's clock decides about expiry; its 403 makes the host ask for new addresses."""
    store = open_store(server.store("parts", f"{tmp_path.name}/"))

    class Ended(Uploads):
        asked = 0

        def addresses(self, key: str) -> tuple[Mapping[str, Secret], int]:
            signed = super().addresses(key)[0]
            Ended.asked += 1
            if Ended.asked <= 2:
                time.sleep(5.5)
            return signed, 3600

    # Five seconds: on a busy machine shorter ones end before they are used, however often they are renewed.
    brief = Sizes(64 * 1024, 100, 5)
    with local_program() as (program, _), Ended(store, PLACE, brief) as uploads:
        program.stream(_order(store, server.ca_file.read_text(), Command("cat", ("cat", str(body))), sizes=brief),
                       uploads).require("stream")
        assert uploads.complete()[0].size == body.stat().st_size
    assert Ended.asked > 2


def test_a_store_that_is_busy_for_a_while_is_waited_for(server: S3Server, body: Path, tmp_path: Path) -> None:
    store = open_store(server.store("parts", f"{tmp_path.name}/"))
    begun = time.monotonic()

    class Busy(Uploads):
        def addresses(self, key: str) -> tuple[Mapping[str, Secret], int]:
            found = super().addresses(key)
            if time.monotonic() - begun < 2:
                server.faults.write_text('{"errors": true}')
                threading.Timer(3, server.faults.unlink, kwargs={"missing_ok": True}).start()
            return found

    try:
        with local_program() as (program, _), Busy(store, PLACE, Sizes(64 * 1024, 100, 60)) as uploads:
            order = _order(store, server.ca_file.read_text(), Command("cat", ("cat", str(body))),
                           sizes=Sizes(64 * 1024, 100, 60))
            program.stream(order, uploads).require("stream")
            assert uploads.complete()[0].size == body.stat().st_size
    finally:
        server.faults.unlink(missing_ok=True)
    assert time.monotonic() - begun > 3


@pytest.mark.parametrize("stages", [
    (Command("producer", ("sh", "-c", "head -c 300000 /dev/zero; kill -9 $$")), Command("cat", ("cat",))),
    (Command("producer", ("sh", "-c", "head -c 300000 /dev/zero; exit 3")), Command("cat", ("cat",))),
    (Command("producer", ("head", "-c", "300000", "/dev/zero")), Command("middle", ("sh", "-c", "cat; kill -9 $$")),
     Command("cat", ("cat",))),
    (Command("producer", ("head", "-c", "300000", "/dev/zero")), Command("last", ("sh", "-c", "head -c 100000"))),
], ids=["killed", "exit-3", "middle-killed", "last-stops-reading"])
def test_every_stage_counts_and_nothing_is_left(store: ObjectStore, certificate: str,
                                                stages: tuple[Command, ...]) -> None:
    with local_program() as (program, _):
        with pytest.raises(OperationFailed) as error, Uploads(store, PLACE, SMALL) as uploads:
            program.stream(_order(store, certificate, *stages), uploads).require("the stream")
        assert error.value.details
        program.end()
    assert store.list("").objects == ()
    assert store.uploads("") == ()


def test_a_refused_part_stops_the_pipeline(server: S3Server, tmp_path: Path) -> None:
    store = open_store(server.store("parts", f"{tmp_path.name}/"))

    class Astray(Uploads):
        def addresses(self, key: str) -> tuple[Mapping[str, Secret], int]:
            wrong, seconds = super().addresses(key)
            return {name: Secret(url.reveal().replace("/parts/", "/no-such-bucket/"))
                    for name, url in wrong.items()}, seconds

    endless = Command("endless", ("cat", "/dev/zero"))
    with local_program() as (program, _):
        with pytest.raises(OperationFailed) as error, Astray(store, PLACE, SMALL) as uploads:
            program.stream(_order(store, server.ca_file.read_text(), endless), uploads).require("the stream")
        assert "SignatureDoesNotMatch" in str(error.value.details) + error.value.message
        assert "uploadId" not in str(error.value.details) + error.value.message
        program.end()
    assert store.uploads("") == ()


def test_a_certificate_for_another_name_is_refused(tmp_path: Path, server: S3Server) -> None:
    store = open_store(server.store("parts", f"{tmp_path.name}/"))

    class Untrusted(Uploads):
        def addresses(self, key: str) -> tuple[Mapping[str, Secret], int]:
            signed, seconds = super().addresses(key)
            return {name: Secret(url.reveal().replace("127.0.0.1", "localhost"))
                    for name, url in signed.items()}, seconds

    order = _order(store, server.ca_file.read_text(), Command("x", ("echo", "x")))
    with local_program() as (program, _), pytest.raises(OperationFailed) as error, \
            Untrusted(store, PLACE, SMALL) as uploads:
        program.stream(order, uploads).require("the stream")
    assert "SSLCertVerificationError" in str(error.value.details) + error.value.message


@pytest.mark.parametrize("how", ["end of input", "killed"])
def test_nothing_survives_the_control_side(how: str) -> None:
    with local_program() as (program, link):
        session = link.process.pid
        program.hold(("sh", "-c", "echo ready; exec sleep 600"), user=None, stdin="", marker="ready")
        program._send({"op": "stream", "sink": "channel", "threads": 1, "name": "data", "bandwidth": None, "ca": "",
                       "part_bytes": 1 << 16, "parts_per_volume": 9,
                       "stages": [{"name": "sleep", "argv": ["sleep", "600"], "user": None},
                                  {"name": "cat", "argv": ["cat"], "user": None}]})
        time.sleep(0.5)
        assert len(children(session)) == 4
        if how == "killed":
            os.kill(link.process.pid, signal.SIGKILL)
        else:
            assert link.process.stdin is not None
            link.process.stdin.close()
        link.process.wait(10)
        assert wait_until_empty(session) == []


def test_a_held_session_that_ends_early_fails_the_stream(tmp_path: Path) -> None:
    store = MemoryObjects()
    with local_program() as (program, _), pytest.raises(OperationFailed) as error:
        program.hold(("sh", "-c", "echo held; sleep 0.3"), user=None, stdin="", marker="held")
        with Uploads(store, PLACE, SMALL) as uploads:
            program.stream(_order(store, "", Command("slow", ("sh", "-c", "sleep 0.8; echo x"))),
                           uploads).require("the stream")
    assert "ended early" in error.value.message
    assert store.objects == {}


def test_a_session_that_does_not_get_ready_is_told() -> None:
    with local_program() as (program, _), pytest.raises(OperationFailed) as error:
        program.hold(("sh", "-c", "echo all slots are in use >&2; exit 1"), user=None, stdin="", marker="held")
    assert "all slots are in use" in error.value.message


def test_a_session_that_fails_after_it_was_ready_is_told() -> None:
    """What it counted is not whole then."""
    with local_program() as (program, _):
        program.hold(("sh", "-c", "echo held; read end; echo 7; exit 3"), user=None, stdin="", marker="held")
        with pytest.raises(OperationFailed) as error:
            program.release()
        program.hold(("sh", "-c", "echo first; echo held; echo 7; cat"), user=None, stdin="", marker="held")
        assert program.release() == "7\n"
    assert "failed" in error.value.message


def test_commands_of_the_preflight(tmp_path: Path) -> None:
    with local_program() as (program, _):
        assert program.hello.user == os.geteuid()
        found = program.which(["sh", "no-such-program"])
        assert found["sh"] and found["no-such-program"] is None
        said = program.run(("sh", "-c", "cat; echo oh >&2; exit 7"), stdin="hello")
        assert (said.code, said.out, said.err) == (7, "hello", "oh\n")
        assert program.run(("id", "-un"), user="nobody" if _has_group("nobody") else "daemon").code == 0
        environment = program.run(("env",)).out.split()
        assert sorted(line.split("=")[0] for line in environment) == ["LC_ALL", "PATH"]
        with pytest.raises(OperationFailed):
            program.run(("sleep", "30"), seconds=1)
        program.end()


def _has_group(name: str) -> bool:
    return any(line.startswith(f"{name}:") for line in Path("/etc/group").read_text().splitlines())


def test_bandwidth_is_limited(server: S3Server, tmp_path: Path, body: Path) -> None:
    store = open_store(server.store("parts", f"{tmp_path.name}/"))
    rate = 200_000
    begun = time.monotonic()
    with local_program() as (program, _), Uploads(store, PLACE, SMALL) as uploads:
        program.stream(_order(store, server.ca_file.read_text(), Command("cat", ("cat", str(body))), bandwidth=rate),
                       uploads).require("stream")
        took = time.monotonic() - begun
    size = body.stat().st_size
    # The first chunks go at once; from there on the rate holds.
    assert took > (size - 3 * SMALL.part_bytes) / rate
    assert took < size / rate + 5


def test_memory_stays_bounded(server: S3Server, tmp_path: Path) -> None:
    store = open_store(server.store("parts", f"{tmp_path.name}/"))
    peak = 0

    def look(done: int) -> None:
        nonlocal peak
        for line in Path(f"/proc/{link.process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                peak = max(peak, int(line.split()[1]))

    with local_program(look) as (program, link), Uploads(store, PLACE, Sizes()) as uploads:
        source = Command("zero", ("head", "-c", str(200 << 20), "/dev/zero"))
        program.stream(_order(store, server.ca_file.read_text(), source, sizes=Sizes()), uploads).require("stream")
        look(0)
    assert 0 < peak < 110 * 1024, f"{peak} KiB"


def test_memory_stays_bounded_on_the_way_back(tmp_path: Path) -> None:
    """Over the channel, where each part passes the link's buffer as well."""
    size, count = 16 << 20, 12
    (tmp_path / "store").mkdir(mode=0o700)
    (tmp_path / "store" / "volume").write_bytes(bytes(size) * count)
    store = open_store(DirectoryStore(kind="directory", path=str(tmp_path / "store")))
    digest = hashlib.sha256(bytes(size)).hexdigest()
    parts = [{"key": "volume", "offset": number * size, "size": size, "sha256": digest} for number in range(count)]
    order = Order("data", (Command("dd", ("dd", "of=/dev/null", "status=none")),), store.signs, parts=parts)
    with local_program() as (program, link):
        program.receive(order, StoreGiver(store)).require("receive")
        status = Path(f"/proc/{link.process.pid}/status").read_text()
        program.end()
    peak = int(status.split("VmHWM:")[1].split()[0])
    assert 0 < peak < 110 * 1024, f"{peak} KiB"


def test_the_identity_stays_in_memory(tmp_path: Path, body: Path) -> None:
    """age decrypts with it; no argument list and no file of the host ever has it."""
    made = subprocess.run(["age-keygen"], capture_output=True, text=True, check=True)
    identity = made.stdout.splitlines()[-1]
    recipient = made.stderr.split()[-1] if "age1" in made.stderr else made.stdout.split("public key: ")[1].split()[0]
    store = MemoryObjects()
    with local_program() as (program, link), Uploads(store, PLACE, SMALL) as uploads:
        program.stream(_order(store, "", Command("cat", ("cat", str(body))), encrypt([recipient], "root")),
                       uploads).require("stream")
        uploads.complete()
        parts = [{"key": key, "offset": 0, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
                 for key, (content, _) in sorted(store.objects.items())]
        copy = tmp_path / "copy"
        seen: list[str] = []

        class Watching(StoreGiver):
            def part(self, key: str, offset: int, size: int) -> bytes:
                seen.extend((Path("/proc") / str(pid) / "cmdline").read_text() for pid in children(link.process.pid))
                return super().part(key, offset, size)

        order = Order("data", (decrypt(), Command("dd", ("dd", f"of={copy}", "status=none"))), False, parts=parts,
                      identity=Secret(identity))
        program.receive(order, Watching(store)).require("receive")
        program.end()
    assert copy.read_bytes() == body.read_bytes()
    assert any("age" in line for line in seen)
    assert identity not in json.dumps(seen)


@pytest.mark.parametrize("user", [None, "daemon"])
def test_no_other_stage_can_read_the_identity(body: Path, user: str | None) -> None:
    """What runs as the database's user could be read by whatever else runs as that user."""
    if user and os.geteuid():
        not_exercised("stages of another user: needs root")
    content = body.read_bytes()
    store = MemoryObjects()
    store.put("volume", content)
    parts = [{"key": "volume", "offset": 0, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}]
    seen: dict[str, set[str]] = {}

    class Watching(StoreGiver):
        def part(self, key: str, offset: int, size: int) -> bytes:
            until = time.monotonic() + 20
            while len(names(link.process.pid)) < 3 and time.monotonic() < until:
                time.sleep(0.05)
            for pid, name in names(link.process.pid).items():
                for number in (Path("/proc") / str(pid) / "fd").iterdir():
                    if "memfd" in str(number.readlink()):
                        seen.setdefault(name, set()).add(oct(number.stat().st_mode & 0o777))
            return super().part(key, offset, size)

    opened = Command("age", ("sh", "-c", "exec 8< {identity}; read -r line <&8; [ \"$line\" = secret ] && exec cat"))
    stages = (opened, Command("zstd", ("dd", "status=none"), user), Command("tar", ("tee",), user))
    with local_program() as (program, link):
        order = Order("data", stages, by_address=False, parts=parts, identity=Secret("secret\n"))
        program.receive(order, Watching(store)).require("receive")
        program.end()
    assert seen == {"cat": {"0o400"}}


def names(session: int) -> dict[int, str]:
    """The stages that run, by process: those that are still to become another program left out."""
    found = {pid: (Path("/proc") / str(pid) / "comm").read_text().strip() for pid in children(session)}
    return {pid: name for pid, name in found.items() if name in {"cat", "dd", "tee"}}


def test_no_stage_of_another_user_gets_the_identity() -> None:
    order = Order("data", (Command("age", ("cat", "{identity}"), "daemon"),), by_address=False, parts=[],
                  identity=Secret("secret"))
    with local_program() as (program, _), pytest.raises(OperationFailed, match="another user"):
        program.receive(order, StoreGiver(MemoryObjects()))


def test_a_changed_part_is_refused_before_it_is_used(tmp_path: Path, body: Path) -> None:
    store = MemoryObjects()
    wanted = body.read_bytes()
    store.put("volume", wanted[:100] + b"X" + wanted[101:])
    parts = [{"key": "volume", "offset": 0, "size": len(wanted), "sha256": hashlib.sha256(wanted).hexdigest()}]
    copy = tmp_path / "copy"
    order = Order("data", (Command("dd", ("dd", f"of={copy}", "status=none")),), False, parts=parts)
    with local_program() as (program, _), pytest.raises(OperationFailed) as error:
        program.receive(order, StoreGiver(store)).require("receive")
    assert "hash differs" in error.value.message + str(error.value.details)
    assert not copy.exists() or copy.read_bytes() == b""


def test_the_program_runs_on_the_oldest_supported_python() -> None:
    """Debian 11 has 3.9: the grammar is checked with the compiler's feature version."""
    import ast

    from tests.unit.backup.local_host import PLAYBOOKS

    for path in (PLAYBOOKS / "roles/database_backup/files").glob("opsctl_*.py"):
        ast.parse(path.read_text(), feature_version=(3, 9))
        assert len(path.read_text().splitlines()) <= 300


def test_parts_go_from_one_bucket_to_another_over_the_host(server: S3Server, body: Path, tmp_path: Path) -> None:
    """Bit by bit the same, each part checked; a part that changed is refused, and nothing stands in the other one."""
    first, second = (open_store(server.store("parts", f"{tmp_path.name}/{name}/")) for name in ("first", "second"))
    certificate = server.ca_file.read_text()
    with local_program() as (program, _), Uploads(first, PLACE, SMALL) as uploads:
        program.stream(_order(first, certificate, Command("cat", ("cat", str(body)))), uploads).require("stream")
        objects = uploads.complete()
        uploads.publish(b"{}")
        parts = [{"key": PLACE.prefix + entry.name, "offset": sum(part.size for part in entry.parts[:number]),
                  "size": part.size, "sha256": part.sha256, "put": f"data/{volume}/{number + 1}"}
                 for volume, entry in enumerate(objects, 1) for number, part in enumerate(entry.parts)]
        order = Order("", (), by_address=True, ca=certificate, source_ca=certificate, parts=parts)
        with Uploads(second, PLACE, SMALL) as copies:
            moved = program.relay(order, StoreGiver(first), copies).require("relay")
            assert (moved.size, copies.complete()) == (body.stat().st_size, objects)
            copies.publish(b"{}")
        assert b"".join(second.get(PLACE.prefix + entry.name) for entry in objects) == body.read_bytes()
        parts[4] = {**parts[4], "sha256": "0" * 64}
        third = open_store(server.store("parts", f"{tmp_path.name}/third/"))
        with Uploads(third, PLACE, SMALL) as copies, pytest.raises(OperationFailed, match="its hash differs"):
            program.relay(order, StoreGiver(first), copies).require("relay")
        assert (third.list("").objects, third.uploads("")) == ((), ())
        program.end()


BAD_AUTHORITIES = pytest.mark.parametrize("ca", [
    "-----BEGIN CERTIFICATE-----\nbm90aGluZw==\n-----END CERTIFICATE-----\n", "# Prøvebænk\n"],
    ids=["broken", "not ASCII"])


@contextmanager
def _ending() -> Iterator[HostProgram]:
    """A program that is killed after a while: what would wait for hours fails the test instead."""
    with local_program() as (program, link):
        timer = threading.Timer(20, link.process.kill)
        timer.start()
        yield program
        timer.cancel()


@BAD_AUTHORITIES
@pytest.mark.parametrize("size", [1000, 64 * 1024 * 9], ids=["fits the buffers", "larger"])
def test_an_authority_that_the_host_refuses_ends_a_stream(server: S3Server, tmp_path: Path, ca: str, size: int) -> None:
    store = open_store(server.store("parts", f"{tmp_path.name}/"))
    source = Command("source", ("head", "-c", str(size), "/dev/zero"))
    with _ending() as program, pytest.raises(OperationFailed) as error, Uploads(store, PLACE, SMALL) as uploads:
        program.stream(_order(store, ca, source), uploads).require("the stream")
    assert "does not take the store's CA" in str(error.value.details) + error.value.message
    assert store.uploads("") == ()


@BAD_AUTHORITIES
def test_an_authority_that_the_host_refuses_ends_a_reception_and_a_relay(server: S3Server, tmp_path: Path,
                                                                         ca: str) -> None:
    store = open_store(server.store("parts", f"{tmp_path.name}/"))
    part = {"key": PLACE.prefix + "volume-0001.age", "offset": 0, "size": 3, "put": "data/1/1",
            "sha256": hashlib.sha256(b"abc").hexdigest()}
    store.put(part["key"], b"abc")  # type: ignore[arg-type]
    order = Order("data", (Command("cat", ("cat",)),), by_address=True, ca=ca, source_ca=server.ca_file.read_text(),
                  parts=[part] * 5)
    with _ending() as program, Uploads(store, PLACE, SMALL) as uploads:
        for move in (lambda: program.receive(order, StoreGiver(store)),
                     lambda: program.relay(order, StoreGiver(store), uploads)):
            with pytest.raises(OperationFailed) as error:
                move().require("it")
            assert "does not take the store's CA" in str(error.value.details) + error.value.message


class Said:
    """A host that says what the test gives it."""

    def __init__(self, *messages: Mapping[str, object]) -> None:
        self.lines = [json.dumps(message).encode() + b"\n" for message in messages]

    def write(self, data: bytes) -> None:
        pass

    def read_line(self, seconds: float) -> bytes:
        return self.lines.pop(0)

    def read_exactly(self, count: int, seconds: float) -> bytes:
        raise AssertionError("no bytes come over this channel")


def test_a_transfer_without_an_error_counts_only_when_its_parts_add_up() -> None:
    """Of 9 bytes that the pipeline gave, 5 were stored; nobody said why."""
    sha256 = "0" * 64
    part = {"event": "part", "name": "data", "volume": 1, "number": 1, "size": 5, "md5": "0" * 32, "sha256": sha256,
            "etag": "0" * 32}
    ended = {"error": "", "stages": [], "size": 9, "sha256": sha256}
    wanted = [{"key": "k", "offset": 0, "size": 12, "sha256": sha256, "put": "data/1/1"}]
    order = Order("data", (), by_address=True, parts=wanted)
    store = MemoryObjects()
    for moved in (
            HostProgram(Said(part, {**ended, "event": "streamed"}), "db-1").stream(order, Uploads(store, PLACE, SMALL)),
            HostProgram(Said(part, {**ended, "event": "relayed"}), "db-1").relay(
                order, StoreGiver(store), Uploads(store, PLACE, SMALL)),
            HostProgram(Said({**ended, "event": "received"}), "db-1").receive(order, StoreGiver(store))):
        with pytest.raises(OperationFailed, match="9 bytes"):
            moved.require("it")
    whole = HostProgram(Said(part, {**ended, "event": "streamed", "size": 5}), "db-1").stream(
        order, Uploads(store, PLACE, SMALL))
    assert whole.require("it").size == 5
