"""API Access: what refuses it, what its findings are worth, and the key's files through every crash."""

import http.server
import ssl
import subprocess
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from opsctl.adapters.ready_api import Answer, Endpoint, ask
from opsctl.adapters.secrets import resolve
from opsctl.core.errors import ConfigurationError, OperationFailed
from opsctl.core.secret import Secret
from opsctl.records import api_keys
from opsctl.records.api_check import Level, certificate, guard, key_accepted, same_version
from opsctl.records.api_keys import KeyFiles, Stage, fingerprint, key_files
from tests.unit.records.conftest import Run

LATER = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("command", ["check", "rotate", "withdraw"])
@pytest.mark.parametrize(("customer", "promise"), [("sample-birkeby", "P18"), ("sample-dalmose", "P27")])
def test_what_was_not_bought_or_is_hosted_by_the_customer_is_refused(command: str, customer: str, promise: str,
                                                                    opsctl: Run) -> None:
    answer = opsctl("api", command, customer)
    assert (answer.code, promise in answer.stdout) == (4, True), answer


def test_a_bought_access_without_settings_says_what_to_write(opsctl: Run) -> None:
    assert opsctl("order", "add", "sample-birkeby", "O-1", "--by", "B", "--addon", "api-access").code == 0
    answer = opsctl("api", "check", "sample-birkeby")
    assert (answer.code, "api: {credentials: file:/path}" in answer.stdout) == (3, True)


def test_show_tells_who_has_bought_it(opsctl: Run) -> None:
    assert opsctl("order", "add", "sample-dalmose", "O-2", "--by", "D", "--addon", "api-access").code == 0
    rows = {row["customer"]: row for row in opsctl("api", "show", "--json").data["customers"]}
    assert (rows["sample-aalund"]["order"], rows["sample-aalund"]["allowed"]) == ("ORDER-SAMPLE-17", True)
    assert (rows["sample-birkeby"]["order"], rows["sample-birkeby"]["allowed"]) == ("", False)
    assert (rows["sample-dalmose"]["order"], rows["sample-dalmose"]["allowed"]) == ("O-2", False)
    assert rows["sample-aalund"]["credentials"].startswith("file:")


@pytest.mark.parametrize(("days", "level"), [(-1, Level.CRITICAL), (6, Level.CRITICAL), (7, Level.WARNING),
                                             (29, Level.WARNING), (30, Level.OK)])
def test_a_certificate_s_days(days: int, level: Level) -> None:
    assert certificate(timedelta(days=days))[0] is level


@pytest.mark.parametrize(("status", "accepted", "guarded"), [
    (200, Level.OK, Level.CRITICAL), (401, Level.CRITICAL, Level.OK), (503, Level.CRITICAL, Level.CRITICAL)])
def test_answers_to_who_has_a_key_and_who_has_none(status: int, accepted: Level, guarded: Level) -> None:
    answer = Answer(status, {}, LATER)
    assert (key_accepted(answer)[0], guard(answer)[0]) == (accepted, guarded)


@pytest.mark.parametrize(("status", "found", "expected", "level"), [
    (200, "5.4.0", "5.4.0", Level.OK), (200, "5.4.1", "5.4.0", Level.CRITICAL), (200, "5.4.0", None, Level.WARNING),
    (503, "5.4.0", "5.4.0", Level.CRITICAL)])
def test_versions(status: int, found: str, expected: str | None, level: Level) -> None:
    assert same_version(Answer(status, {"version": found}, LATER), expected)[0] is level


@pytest.fixture
def keys(tmp_path: Path) -> KeyFiles:
    path = tmp_path / "token"
    path.write_text("the-old-key\n")
    path.chmod(0o600)
    return key_files(f"file:{path}")


def test_a_key_is_replaced_in_steps(keys: KeyFiles) -> None:
    assert keys.stage() is Stage.SETTLED
    new = keys.prepare()
    assert (keys.stage(), keys.prepare()) == (Stage.PREPARED, new), "a run that goes on takes the same key"
    assert len(new.reveal()) >= 43
    keys.switch()
    assert keys.stage() is Stage.OVERLAPPING
    assert (resolve(f"file:{keys.current}"), resolve(f"file:{keys.previous}").reveal()) == (new, "the-old-key")
    assert {path.stat().st_mode & 0o777 for path in keys.current.parent.iterdir()} == {0o600}
    keys.forget_previous()
    assert keys.stage() is Stage.SETTLED
    assert [path.name for path in keys.current.parent.iterdir()] == ["token"]


def test_a_crash_in_the_middle_of_the_switch_is_taken_up(keys: KeyFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    new = keys.prepare()
    whole = api_keys._rename

    def crash(source: Path, target: Path) -> None:
        if target == keys.current:
            raise KeyboardInterrupt
        whole(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(api_keys, "_rename", crash)
        with pytest.raises(KeyboardInterrupt):
            keys.switch()
    assert keys.stage() is Stage.PREPARED
    assert resolve(f"file:{keys.current}").reveal() == "the-old-key"
    assert keys.prepare() == new
    keys.switch()
    assert (resolve(f"file:{keys.current}"), resolve(f"file:{keys.previous}").reveal()) == (new, "the-old-key")


def test_a_link_to_the_key_stays_a_link(keys: KeyFiles, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "elsewhere" / "link"
    link.symlink_to(keys.current)
    linked = key_files(f"file:{link}")
    new = linked.prepare()
    linked.switch()
    assert link.is_symlink() and resolve(f"file:{link}") == new
    assert [path.name for path in link.parent.iterdir()] == ["link"]


def test_a_key_in_the_environment_cannot_be_replaced() -> None:
    with pytest.raises(ConfigurationError, match="environment variable"):
        key_files("env:READY_KEY")


def test_a_fingerprint_gives_nothing_away() -> None:
    assert fingerprint(Secret("abc")) == "ba7816bf8f01"


class _Server(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        known = self.headers.get("Authorization") == "Bearer right"
        self.send_response(302 if self.path == "/moved" else 200 if known else 401)
        self.send_header("Location", "https://elsewhere.example/")
        self.end_headers()
        self.wfile.write(b'{"version": "5.4.0"}' if known else b"not json")

    def log_message(self, format: str, *args: object) -> None:
        return None


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Endpoint]:
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-days", "10", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout",
                    str(tmp_path / "key.pem"), "-out", str(tmp_path / "ca.pem")], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "ca.pem", tmp_path / "key.pem")
    listener = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Server)
    listener.socket = context.wrap_socket(listener.socket, server_side=True)
    thread = threading.Thread(target=listener.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield Endpoint("127.0.0.1", listener.server_port, str(tmp_path / "ca.pem"))
    listener.shutdown()
    thread.join()
    listener.server_close()


def test_asking_over_verified_tls(server: Endpoint) -> None:
    answer = ask(server, "/version", Secret("right"))
    assert (answer.status, answer.content) == (200, {"version": "5.4.0"})
    assert timedelta(days=9) < answer.certificate_ends - datetime.now(UTC) <= timedelta(days=10)
    assert (ask(server, "/version", Secret("wrong")).status, ask(server, "/version").content) == (401, {})
    assert ask(server, "/moved").status == 302, "the key follows no redirect"
    with pytest.raises(OperationFailed, match="does not hold"):
        ask(Endpoint(server.address, server.port), "/version", Secret("right"))
    with pytest.raises(OperationFailed, match="does not hold"):
        ask(Endpoint("localhost", server.port, server.ca_file), "/version", Secret("right"))


def test_a_key_that_no_header_can_carry_is_not_repeated(server: Endpoint) -> None:
    with pytest.raises(ConfigurationError) as refused:
        ask(server, "/version", Secret("two\nlines"))
    assert "lines" not in refused.value.message
    nobody = Endpoint("127.0.0.1", 1, server.ca_file)
    with pytest.raises(OperationFailed, match="does not answer"):
        ask(nobody, "/version")
