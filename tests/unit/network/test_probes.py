"""Probes against real servers on loopback: sound ones, closed ones, silent ones, and ones that answer with garbage."""

import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path

import paramiko
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from opsctl.adapters import probes
from opsctl.adapters.probes import Probe, Target, probe, probe_all, shown
from opsctl.network.decisions import judge
from opsctl.network.model import State
from opsctl.profiles.hosted import Component, Thresholds

HOST = "127.0.0.1"


@contextmanager
def serving(answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """A TCP server that hands each connection to `answer`."""
    with socket.create_server((HOST, 0)) as listener:
        def accept() -> None:
            while True:
                try:
                    link, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=_handled, args=(link,), daemon=True).start()

        def _handled(link: socket.socket) -> None:
            with link:
                try:
                    answer(link)
                except OSError:
                    return

        threading.Thread(target=accept, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


class Health(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response({"/health": 200, "/ill": 503}.get(self.path, 404))
        self.end_headers()

    def log_message(self, *_: object) -> None:
        return


def certificate(folder: Path, days: int, name: str = HOST) -> Path:
    """A self-signed certificate with its key in one PEM file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "odd: ænd ,name=*")])
    now = datetime.now(UTC)
    san = x509.IPAddress(ip_address(name)) if name == HOST else x509.DNSName(name)
    made = (x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=90))
            .not_valid_after(now + timedelta(days=days, hours=1))
            .add_extension(x509.SubjectAlternativeName([san]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256()))
    path = folder / f"{name}-{days}.pem"
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return path


@contextmanager
def web(pem: Path | None = None) -> Iterator[int]:
    server = ThreadingHTTPServer((HOST, 0), Health)
    if pem is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(probes, "TALK_SECONDS", 5.0)


def asked(port: int, **more: object) -> Probe:
    return probe(Target("k", HOST, port, **more))  # type: ignore[arg-type]


def test_a_port_that_opens_and_one_that_does_not() -> None:
    with serving(lambda link: None) as port:
        found = asked(port)
    assert (found.problem, found.answered) == ("", probes.ATTEMPTS)
    assert found.round_trip is not None
    closed = asked(port)
    assert "does not answer" in closed.problem
    assert closed.answered == 0


def test_health_by_http_and_the_clock_of_the_server() -> None:
    with web() as port:
        good, ill, gone = (asked(port, protocol="http", path=path) for path in ("/health", "/ill", "/x"))
    assert (good.problem, ill.problem, gone.problem) == ("", "/ill answers 503", "/x answers 404")
    assert good.clock is not None
    assert abs(good.clock) < 30


def test_a_certificate_that_is_trusted(tmp_path: Path) -> None:
    pem = certificate(tmp_path, 60)
    with web(pem) as port:
        found = asked(port, protocol="https", path="/health", ca_file=str(pem))
    assert found.problem == ""
    assert found.expires is not None
    assert (found.expires - datetime.now(UTC)).days == 60
    assert len(found.facts["certificate"]) == 64


@pytest.mark.parametrize(("days", "name", "words"), [(60, "other.example", "IP address mismatch"),
                                                     (-2, HOST, "expired")])
def test_a_certificate_that_is_not_valid_is_shown_all_the_same(tmp_path: Path, days: int, name: str,
                                                               words: str) -> None:
    pem = certificate(tmp_path, days, name)
    with web(pem) as port:
        found = asked(port, protocol="tls", ca_file=str(pem))
        named = asked(port, protocol="tls", ca_file=str(pem), server_name=name if name != HOST else "")
    assert words in found.problem
    assert len(found.facts["certificate"]) == 64
    assert (named.problem == "") == (days > 0)


def test_the_certificate_shown_is_read_whole_whether_it_is_trusted_or_not(tmp_path: Path) -> None:
    pem = certificate(tmp_path, -2)
    with web(pem) as port:
        seen = shown(Target("k", HOST, port, "tls", server_name="api.example.com"))
    assert seen == x509.load_pem_x509_certificate(pem.read_bytes()).public_bytes(serialization.Encoding.DER)
    assert shown(Target("k", HOST, port, "tls")) == b"", "nobody answers any more"


def test_a_certificate_that_nobody_vouches_for(tmp_path: Path) -> None:
    with web(certificate(tmp_path, 60)) as port:
        assert "not valid" in asked(port, protocol="tls").problem


@pytest.mark.parametrize("protocol", ["tls", "http", "https", "ssh"])
@pytest.mark.parametrize("garbage", [b"", b"\x00" * 400, b"HTTP/1.1 99999 \xff\r\n\r\n", b"SSH-9.9-\xfe\r\n"])
def test_garbage_is_a_finding(protocol: str, garbage: bytes) -> None:
    def answer(link: socket.socket) -> None:
        link.sendall(garbage)

    with serving(answer) as port:
        assert asked(port, protocol=protocol).problem


def test_a_name_that_does_not_resolve() -> None:
    assert "does not resolve" in probe(Target("k", "absent.invalid", 443)).problem


class Login(paramiko.ServerInterface):
    pass


@pytest.fixture
def ssh(tmp_path: Path) -> Iterator[tuple[int, paramiko.PKey]]:
    key = paramiko.ECDSAKey.generate()

    def answer(link: socket.socket) -> None:
        transport = paramiko.Transport(link)
        transport.add_server_key(key)
        try:
            transport.start_server(event=threading.Event(), server=Login())
            transport.join(10)
        finally:
            transport.close()

    with serving(answer) as port:
        yield port, key


def test_host_keys_known_unknown_and_changed(ssh: tuple[int, paramiko.PKey], tmp_path: Path) -> None:
    port, key = ssh
    known = tmp_path / "known_hosts"
    known.write_text(f"[{HOST}]:{port} {key.get_name()} {key.get_base64()}\n", encoding="utf-8")
    other = paramiko.ECDSAKey.generate()
    changed = tmp_path / "changed"
    changed.write_text(f"[{HOST}]:{port} {other.get_name()} {other.get_base64()}\n", encoding="utf-8")
    empty = tmp_path / "empty"
    empty.touch()
    good, absent, wrong = (asked(port, protocol="ssh", known_hosts=path) for path in (known, empty, changed))
    assert (good.problem, good.facts["host_key"]) == ("", f"{key.get_name()} {key.fingerprint}")
    assert "not in known_hosts" in absent.problem
    assert "not the one" in wrong.problem


def test_a_file_of_this_machine_that_cannot_be_used_is_no_finding_about_the_component(
        ssh: tuple[int, paramiko.PKey], tmp_path: Path) -> None:
    port, key = ssh
    odd = tmp_path / "odd"
    for content in (f"[{HOST}]:{port} {key.get_name()} A\n".encode(), b"\xff\xfe\x00 ssh-rsa x\n"):
        odd.write_bytes(content)
        unread = asked(port, protocol="ssh", known_hosts=odd)
        assert unread.problem == f"not probed: {odd}: a line of it holds no host key"
    for path, why in ((tmp_path / "none", "No such file or directory"), (tmp_path, "Is a directory")):
        assert asked(port, protocol="ssh", known_hosts=path).problem == f"not probed: {path}: {why}"
    missing = tmp_path / "ca.pem"
    with web(certificate(tmp_path, 60)) as secured:
        for protocol in ("tls", "https"):
            found = asked(secured, protocol=protocol, ca_file=str(missing))
            assert found.problem == f"not probed: {missing}: No such file or directory"
            empty = asked(secured, protocol=protocol, ca_file=str(odd))
            assert empty.problem == f"not probed: {odd}: it holds no certificate authority"
    for probed in (found, empty):
        component = Component.model_validate({"name": "k", "kind": "service", "address": HOST, "port": secured,
                                              "protocol": "tls", "delivered_by": "kamstrup"})
        standing = judge(component, probed, (), Thresholds(), datetime.now(UTC), "")
        assert standing.state is State.UNKNOWN and "not probed" in standing.detail


@pytest.mark.slow
def test_a_server_that_hangs_up_before_it_greets_prints_nothing() -> None:
    code = ("import sys; from opsctl.adapters.probes import Target, probe; "
            "print(probe(Target('k', '127.0.0.1', int(sys.argv[1]), 'ssh')).problem)")
    with serving(lambda link: None) as port:
        done = subprocess.run([sys.executable, "-c", code, str(port)], capture_output=True, text=True, timeout=60,
                              check=True)
    assert done.stdout.startswith("no SSH: ")
    assert done.stderr == ""


def test_all_at_once_and_one_result_each() -> None:
    with serving(lambda link: None) as port:
        found = probe_all([Target(str(number), HOST, port) for number in range(40)])
    assert set(found) == {str(number) for number in range(40)}
    assert all(one.answered for one in found.values())
    assert probe_all([]) == {}
