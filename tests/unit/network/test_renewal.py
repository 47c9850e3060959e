"""What is signed, for which names, and what the host's module does with the files: with real keys and openssl(1)."""

import importlib.util
import os
import shutil
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from opsctl.adapters.authority import Signed, sign, vouched
from opsctl.core.clock import SystemClock
from opsctl.core.errors import ConfigurationError, ExitCode, Locked, OperationFailed, OpsctlError, OutsideWindow
from opsctl.core.outcome import Outcome, Status
from opsctl.core.progress import Silent
from opsctl.core.secret import Secret
from opsctl.ledger import open_ledger
from opsctl.network import renewal
from opsctl.network.names import names_of
from opsctl.network.renewal import RENEWED, TAKEN_BACK, Renewal, due, renew
from opsctl.profiles.hosted import Certificate, Component
from opsctl.profiles.loader import load_profile
from opsctl.profiles.model import KamstrupProfile
from opsctl.profiles.settings import AuthoritySettings, Settings
from opsctl.runs import leftovers
from opsctl.runs.service import Run
from opsctl.runs.workplace import Workplace
from tests.not_exercised import not_exercised
from tests.unit.backup.s3_server import make_certificate
from tests.unit.network.test_probes import serving
from tests.unit.workplaces import opened

ROOT = Path(__file__).resolve().parents[3]
NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, Secret]:
    certificate, key = make_certificate(tmp_path_factory.mktemp("ca"))
    return certificate.read_bytes(), Secret(key.read_text().rstrip("\n"))


def request(key: ec.EllipticCurvePrivateKey | None = None) -> str:
    own = key or ec.generate_private_key(ec.SECP256R1())
    built = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(own, hashes.SHA256())
    return built.public_bytes(serialization.Encoding.PEM).decode()


def component(**changes: object) -> Component:
    return Component.model_validate({"name": "api", "kind": "service", "address": "192.0.2.7", "port": 443,
                                     "protocol": "https", "delivered_by": "kamstrup", **changes})


def test_what_is_signed_is_for_the_names_decided_here(authority: tuple[bytes, Secret]) -> None:
    signed = sign(request(), ("api.example.com", "192.0.2.7", "*.example.com"), *authority, 1, NOW)
    made = x509.load_pem_x509_certificate(signed.pem.encode())
    found = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert found.get_values_for_type(x509.DNSName) == ["api.example.com", "*.example.com"]
    assert [str(one) for one in found.get_values_for_type(x509.IPAddress)] == ["192.0.2.7"]
    assert not made.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    made.verify_directly_issued_by(x509.load_pem_x509_certificate(authority[0]))
    assert signed.fingerprint == made.fingerprint(hashes.SHA256()).hex()
    assert made.not_valid_before_utc < NOW < made.not_valid_after_utc


@pytest.mark.parametrize(("asked", "days", "words"), [
    ("rubbish", 1, "no signing request"), ("", 1, "no signing request"), (None, 9, "the authority ends on")])
def test_what_cannot_be_signed_is_refused(asked: str | None, days: int, words: str,
                                          authority: tuple[bytes, Secret]) -> None:
    with pytest.raises(OpsctlError, match=words) as error:
        sign(request() if asked is None else asked, ("api",), *authority, days, NOW)
    assert "PRIVATE" not in str(error.value)


def test_a_request_that_its_key_did_not_sign_is_refused(authority: tuple[bytes, Secret]) -> None:
    pem = request()
    body = pem.splitlines()
    body[-2] = body[-2][:8] + ("A" if body[-2][8] != "A" else "B") + body[-2][9:]
    with pytest.raises(OperationFailed):
        sign("\n".join(body), ("api",), *authority, 1, NOW)


def test_a_key_of_another_authority_and_no_key_at_all_are_told_apart(authority: tuple[bytes, Secret],
                                                                    tmp_path: Path) -> None:
    _, other = make_certificate(tmp_path)
    with pytest.raises(ConfigurationError, match="does not belong"):
        sign(request(), ("api",), authority[0], Secret(other.read_text().rstrip("\n")), 1, NOW)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        sign(request(), ("api",), authority[0], Secret("no key"), 1, NOW)


SAID = ("DNS:aalund-1, IP Address:198.51.100.11, DNS:*.example.com, email:someone@example.com, "
        "URI:https://x.example.com, DNS:bad_name;rm, DNS:, IP Address:1.2.3.4.5, IP Address:2001:DB8:0:0:0:0:0:1")


def test_what_a_host_says_is_not_signed_and_is_told() -> None:
    names, left = names_of(component(server_name="api.example.com"), SAID, ())
    assert names == ("api.example.com", "192.0.2.7")
    assert left == ("aalund-1", "198.51.100.11", "*.example.com", "2001:db8::1"), "odd ones are not repeated"


def test_what_the_authority_signed_before_is_signed_again_but_for_wildcards() -> None:
    names, left = names_of(component(), SAID, ("192.0.2.7", "aalund-1", "*.example.com"))
    assert names == ("192.0.2.7", "aalund-1")
    assert left == ("*.example.com", "198.51.100.11", "2001:db8::1")


def test_the_profile_s_names_are_signed_wildcards_too() -> None:
    written = {"host": "a", "certificate": "/a", "key": "/b", "unit": "a.service", "authority": "own",
               "names": ["*.example.com", "198.51.100.11"]}
    names, left = names_of(component(certificate=written), SAID, ("*.other.example",))
    assert names == ("192.0.2.7", "*.example.com", "198.51.100.11")
    assert left == ("*.other.example", "aalund-1", "2001:db8::1")
    for odd in ("*", "*.", "a.*.example", "**.example.com", "a b", ""):
        with pytest.raises(ValueError, match="names"):
            component(certificate={**written, "names": [odd]})


@given(st.text(max_size=200))
def test_whatever_openssl_says_only_the_component_s_own_names_are_signed(said: str) -> None:
    assert names_of(component(), said, ())[0] == ("192.0.2.7",)


def shown(pem: str) -> bytes:
    return x509.load_pem_x509_certificate(pem.encode()).public_bytes(serialization.Encoding.DER)


def test_only_this_very_authority_vouches_and_only_for_the_component(authority: tuple[bytes, Secret],
                                                                    tmp_path: Path) -> None:
    mine = shown(sign(request(), ("api.example.com", "aalund-1", "192.0.2.7"), *authority, 1, NOW).pem)
    assert vouched(mine, authority[0], ("API.example.com",)) == ("api.example.com", "aalund-1", "192.0.2.7")
    assert vouched(mine, authority[0], ("192.0.2.7",)) != ()
    assert vouched(mine, authority[0], ("other.example.com",)) == (), "another component's certificate, shown here"
    stranger, key = make_certificate(tmp_path)
    theirs = sign(request(), ("api.example.com", "bank.example"), stranger.read_bytes(),
                  Secret(key.read_text().rstrip("\n")), 1, NOW).pem
    assert vouched(shown(theirs), authority[0], ("api.example.com",)) == (), "signed by one of the same name"
    assert vouched(shown(theirs), stranger.read_bytes(), ("api.example.com",)) != ()
    for rubbish in (b"", b"\x30\x00", mine[:-9], b"x" * 99):
        assert vouched(rubbish, authority[0], ("api.example.com",)) == ()
    assert vouched(mine, b"no certificate", ("api.example.com",)) == ()


@pytest.fixture
def module() -> ModuleType:
    if shutil.which("openssl") is None:
        not_exercised("openssl(1) is not on this machine")
    spec = importlib.util.spec_from_file_location("opsctl_certificate",
                                                  ROOT / "playbooks/library/opsctl_certificate.py")
    assert spec is not None and spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


@pytest.fixture
def pair(tmp_path: Path) -> tuple[str, str]:
    certificate, key = make_certificate(tmp_path)
    key.chmod(0o640)
    return str(certificate), str(key)


def renewed(module: ModuleType, pair: tuple[str, str], authority: tuple[bytes, Secret]) -> Signed:
    return sign(module.request(pair[1]), ("api",), *authority, 1, NOW)


def test_the_pair_goes_into_use_keeps_rights_and_comes_back(module: ModuleType, pair: tuple[str, str],
                                                            authority: tuple[bytes, Secret]) -> None:
    before = [Path(path).read_text() for path in pair]
    signed = renewed(module, pair, authority)
    assert module.names(pair[0]) == "IP Address:127.0.0.1"
    assert module.install(*pair, signed.pem) is True
    assert module.install(*pair, signed.pem) is False
    assert Path(pair[0]).read_text() == signed.pem and Path(pair[1]).read_text() != before[1]
    assert Path(pair[1]).stat().st_mode & 0o777 == 0o640
    assert module.restore(*pair, signed.pem) is True
    assert [Path(path).read_text() for path in pair] == before
    assert module.restore(*pair, signed.pem) is False, "what is in use is not the new one"


def test_a_pair_that_is_half_in_use_comes_back_whole(module: ModuleType, pair: tuple[str, str],
                                                     authority: tuple[bytes, Secret],
                                                     monkeypatch: pytest.MonkeyPatch) -> None:
    before = [Path(path).read_text() for path in pair]
    signed = renewed(module, pair, authority)
    replace = os.replace

    def cut(source: str, target: str) -> None:
        if target == pair[0]:
            raise KeyboardInterrupt
        replace(source, target)

    monkeypatch.setattr(os, "replace", cut)
    with pytest.raises(KeyboardInterrupt):
        module.install(*pair, signed.pem)
    monkeypatch.undo()
    assert Path(pair[0]).read_text() == before[0] and Path(pair[1]).read_text() != before[1]
    assert module.restore(*pair, signed.pem) is True
    assert [Path(path).read_text() for path in pair] == before


@pytest.mark.parametrize("planted", [".part", ".opsctl-new", ".opsctl-new.part", ".opsctl-previous",
                                     ".opsctl-previous.part"])
def test_a_link_planted_where_files_are_written_is_not_followed(planted: str, module: ModuleType, tmp_path: Path,
                                                                pair: tuple[str, str],
                                                                authority: tuple[bytes, Secret]) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("untouched")
    elsewhere.chmod(0o600)
    for path in pair:
        Path(path + planted).symlink_to(elsewhere)
    before = [Path(path).read_text() for path in pair]
    signed = renewed(module, pair, authority)
    assert module.install(*pair, signed.pem) is True
    assert module.restore(*pair, signed.pem) is True
    assert [Path(path).read_text() for path in pair] == before
    assert (elsewhere.read_text(), elsewhere.stat().st_mode & 0o777) == ("untouched", 0o600)
    assert not [one for one in tmp_path.iterdir() if one.name.startswith(".")], "nothing is left behind"


@pytest.mark.parametrize("which", [0, 1])
def test_a_link_in_the_place_of_what_is_read_is_refused(which: int, module: ModuleType, tmp_path: Path,
                                                        pair: tuple[str, str],
                                                        authority: tuple[bytes, Secret]) -> None:
    signed = renewed(module, pair, authority)
    elsewhere = Path(pair[which]).rename(tmp_path / "elsewhere")
    Path(pair[which]).symlink_to(elsewhere)
    before = elsewhere.read_text()
    with pytest.raises(module.Refused, match="is a link"):
        module.install(*pair, signed.pem)
    assert elsewhere.read_text() == before and Path(pair[which]).is_symlink()
    new = Path(pair[1] + ".opsctl-new")
    new.unlink()
    new.symlink_to(elsewhere)
    with pytest.raises(module.Refused, match="is a link"):
        module.install(*pair, signed.pem)


def test_a_folder_or_pipe_in_the_place_of_a_file_is_refused(module: ModuleType, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(module.Refused, match="no regular file"):
            module.content(str(path))


def test_a_certificate_for_another_key_changes_nothing(module: ModuleType, pair: tuple[str, str],
                                                       authority: tuple[bytes, Secret]) -> None:
    module.install(*pair, renewed(module, pair, authority).pem)
    before = [Path(path).read_text() for path in pair]
    module.request(pair[1])
    foreign = sign(request(), ("api",), *authority, 1, NOW + timedelta(seconds=5))
    with pytest.raises(module.Refused, match="does not belong"):
        module.install(*pair, foreign.pem)
    assert module.restore(*pair, foreign.pem) is False, "an older pair must not come back for it"
    assert [Path(path).read_text() for path in pair] == before


@dataclass
class Guest:
    """A service over TLS on loopback whose files the host's own module changes; it takes them when it is told to.

    Stands for Ansible and the unit. instead: what happens in place of a step. deaf: steps after which it takes nothing.
    """

    module: ModuleType
    pair: tuple[str, str]
    folder: Path
    instead: dict[str, Callable[[], None]] = field(default_factory=dict)
    deaf: frozenset[str] = frozenset()
    shown: ssl.SSLContext | None = None
    port: int = 0

    def take(self) -> None:
        self.shown = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.shown.load_cert_chain(*self.pair)

    def answer(self, link: socket.socket) -> None:
        assert self.shown is not None
        with self.shown.wrap_socket(link, server_side=True):
            return

    def play(self, run: Run, profile: KamstrupProfile, certificate: Certificate, step: str, pem: str,
             **more: Any) -> Mapping[str, Any]:
        self.instead.get(step, lambda: None)()
        if step == "request":
            return {"request": self.module.request(self.pair[1], more.get("names", ())),
                    "names": self.module.names(self.pair[0]), "changed": True}
        if step in {"answer", "clear"}:
            return {"request": "", "names": "", "changed": getattr(self.module, step)(more["webroot"], more["answers"])}
        changed = getattr(self.module, step)(*self.pair, pem)
        if changed and step not in self.deaf:
            self.take()
        return {"request": "", "names": "", "changed": changed}

    def files(self) -> list[str]:
        return [Path(path).read_text() for path in self.pair]

    def renew(self, *more: str) -> tuple[Callable[[], Outcome], Workplace]:
        """What renews it, and where that is recorded. more: names in the certificate in use beside its address."""
        certificate, key = make_certificate(self.folder)
        key.chmod(0o600)
        pem = certificate.read_text()
        signed = sign(request(_key_of(self.pair[1])), ("127.0.0.1", *more), pem.encode(),
                      Secret(key.read_text().rstrip()), 1, NOW)
        Path(self.pair[0]).write_text(signed.pem)
        self.take()
        place = Workplace(Settings(), open_ledger(f"sqlite:///{self.folder}/ledger.db", SystemClock()), SystemClock(),
                          Silent(), "tests", self.folder / "runs", self.folder / "drafts")
        one = component(address="127.0.0.1", port=self.port, protocol="tls", ca_file=str(certificate), certificate={
            "host": "aalund-1", "certificate": self.pair[0], "key": self.pair[1], "unit": "ready-server.service",
            "reload": True, "authority": "own"})
        assert one.certificate is not None
        wanted = Renewal(one, one.certificate, AuthoritySettings(certificate=certificate, key=f"file:{key}", days=1),
                         signed.ends, signed.fingerprint, "it is asked for")
        profile = load_profile(ROOT / "inventories", "sample-aalund")
        assert isinstance(profile, KamstrupProfile)
        return lambda: renew(place, profile, [wanted], lambda: None), place


def _key_of(path: str) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(Path(path).read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key


def raising(error: BaseException) -> Callable[..., None]:
    def raises(*_: object) -> None:
        raise error
    return raises


@pytest.fixture
def guest(module: ModuleType, pair: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
          ) -> Iterator[Guest]:
    (tmp_path / "own").mkdir()
    made = Guest(module, pair, tmp_path / "own")
    monkeypatch.setattr(renewal, "_play", made.play)
    monkeypatch.setattr(renewal, "BACK_SECONDS", 0.1)
    with serving(made.answer) as made.port:
        yield made


def payloads(place: Workplace, kind: str) -> list[Mapping[str, Any]]:
    return [entry.payload for entry in place.ledger.entries("sample-aalund", kinds=(kind,))]


def test_a_renewal_is_proven_by_the_handshake(guest: Guest) -> None:
    act, place = guest.renew()
    before = guest.files()
    assert act().code is ExitCode.OK
    assert guest.files() != before
    assert len(payloads(place, RENEWED)) == 1 and payloads(place, TAKEN_BACK) == []


def test_a_host_that_claims_another_s_name_gets_no_certificate_for_it(guest: Guest,
                                                                      monkeypatch: pytest.MonkeyPatch) -> None:
    act, place = guest.renew("aalund-1", "*.example.com")
    monkeypatch.setattr(guest.module, "names", lambda _: "DNS:aalund-1, DNS:bank.example, IP Address:192.0.2.1")
    assert act().code is ExitCode.OK
    made = x509.load_pem_x509_certificate(guest.files()[0].encode())
    found = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(one.value) for one in found] == ["127.0.0.1", "aalund-1"]
    (entry,) = payloads(place, RENEWED)
    assert entry["names"] == ["127.0.0.1", "aalund-1"]
    assert entry["left"] == ["*.example.com", "bank.example", "192.0.2.1"]


@pytest.mark.parametrize(("error", "reason", "status"), [
    (KeyboardInterrupt(), "it was interrupted", "interrupted"),
    (RuntimeError("odd"), "unexpected RuntimeError", "failed")])
def test_whatever_ends_a_renewal_before_its_proof_the_old_pair_comes_back(
        error: BaseException, reason: str, status: str, guest: Guest, monkeypatch: pytest.MonkeyPatch) -> None:
    act, place = guest.renew()
    before = guest.files()
    monkeypatch.setattr(renewal, "_prove", raising(error))
    with pytest.raises(type(error)):
        act()
    assert guest.files() == before
    (said,) = payloads(place, TAKEN_BACK)
    assert (said["reason"], said["proven"], said["problem"]) == (reason, True, "")
    assert payloads(place, RENEWED) == []
    assert [one["status"] for one in payloads(place, "run.finished")] == [status]


def test_an_old_pair_that_the_service_does_not_take_is_put_back_and_not_proven(
        guest: Guest, monkeypatch: pytest.MonkeyPatch) -> None:
    act, place = guest.renew()
    before, guest.deaf = guest.files(), frozenset({"restore"})
    monkeypatch.setattr(renewal, "_prove", raising(OperationFailed("not proven", "look")))
    assert act().code is ExitCode.FAILED
    assert guest.files() == before
    (said,) = payloads(place, TAKEN_BACK)
    assert (said["reason"], said["proven"]) == ("not proven", False)


def test_what_was_never_put_in_use_is_not_recorded_as_taken_back(guest: Guest) -> None:
    act, place = guest.renew()
    before = guest.files()
    guest.instead["install"] = raising(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        act()
    assert guest.files() == before
    assert payloads(place, TAKEN_BACK) == payloads(place, RENEWED) == []


def test_an_old_pair_that_cannot_be_put_back_is_said_and_not_recorded_as_taken_back(
        guest: Guest, monkeypatch: pytest.MonkeyPatch) -> None:
    act, place = guest.renew()
    guest.instead["restore"] = raising(OperationFailed("the host does not answer", "", ("aalund-1: cut",)))
    monkeypatch.setattr(renewal, "_prove", raising(KeyboardInterrupt()))
    outcome = act()
    assert outcome.code is ExitCode.FAILED and "could NOT be put back" in outcome.summary
    assert outcome.data["details"] == ["it was interrupted", "the host does not answer", "aalund-1: cut"]
    assert payloads(place, TAKEN_BACK) == []


def wanted(name: str, **changes: Any) -> Renewal:
    one = component(name=name, certificate={"host": "aalund-1", "certificate": "/c", "key": "/k", "unit": "a.service",
                                            "reload": True, "authority": "own", **changes})
    assert one.certificate is not None
    authority = AuthoritySettings(certificate=Path("/ca.pem"), key="env:KEY", days=1)
    return Renewal(one, one.certificate, authority, None, "", "it is asked for")


@pytest.fixture
def several(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Callable[..., Outcome], list[str]]]:
    """Renews components by name: what one raises is given, the others are renewed; and which were tried."""
    with opened(tmp_path, SystemClock(), Settings()) as place:
        tried: list[str] = []
        profile = load_profile(ROOT / "inventories", "sample-aalund")
        assert isinstance(profile, KamstrupProfile)
        monkeypatch.setattr(leftovers, "mend", lambda *_: [])

        def act(renewals: list[Renewal], may_start: Callable[[], None] = lambda: None, lost: str = "",
                **errors: BaseException) -> Outcome:
            def renewed(run: Run, profile: KamstrupProfile, one: Renewal) -> str:
                name = one.component.name
                tried.append(name)
                run.lease.renewal.lost = run.lease.renewal.lost or name == lost
                if name in errors:
                    raise errors[name]
                return f"{name}: new certificate"

            monkeypatch.setattr(renewal, "_renewed", renewed)
            return renew(place, profile, renewals, may_start)

        yield act, tried


def test_one_that_cannot_be_renewed_keeps_no_other_from_its_turn(
        several: tuple[Callable[..., Outcome], list[str]]) -> None:
    act, tried = several
    gone = OperationFailed("b: the host is down", "start it", ("aalund-1: no route",))
    outcome = act([wanted("a"), wanted("b"), wanted("c")], b=gone)
    assert tried == ["a", "b", "c"]
    assert (outcome.status, outcome.code) == (Status.PARTIAL, ExitCode.PARTIAL)
    assert outcome.summary == "a: new certificate; c: new certificate; b: FAILED: the host is down"
    assert (outcome.resolution, outcome.data["details"]) == ("start it", ["b: aalund-1: no route"])
    assert (outcome.data["done"], outcome.data["failed"]) == (["a", "c"], ["b"])
    outcome = act([wanted("a"), wanted("b")], a=ConfigurationError("no key", "write it"), b=gone)
    assert (outcome.status, outcome.code, "no key" in outcome.summary) == (Status.FAILED, ExitCode.FAILED, True)
    outcome = act([wanted("a")], a=ConfigurationError("no key", "write it"))
    assert (outcome.code, outcome.summary, outcome.resolution) == (ExitCode.CONFIGURATION, "no key", "write it")


def test_nothing_more_is_renewed_without_the_lease(several: tuple[Callable[..., Outcome], list[str]]) -> None:
    act, tried = several
    three = [wanted("a"), wanted("b"), wanted("c")]
    outcome = act(three, b=Locked("another run has the lease", "later"))
    assert (tried, outcome.status) == (["a", "b"], Status.PARTIAL)
    assert outcome.summary.endswith("c: not tried") and outcome.data["not_tried"] == ["c"]
    tried.clear()
    outcome = act(three, lost="a", a=OperationFailed("the playbook was cancelled", "look"))
    assert (tried, outcome.status, outcome.data["not_tried"]) == (["a"], Status.FAILED, ["b", "c"])


def test_ctrl_c_ends_them_all_also_where_the_old_pair_cannot_be_put_back(
        several: tuple[Callable[..., Outcome], list[str]]) -> None:
    act, tried = several
    with pytest.raises(KeyboardInterrupt):
        act([wanted("a"), wanted("b")], a=KeyboardInterrupt())
    left = OperationFailed("a: the old certificate could NOT be put back", "by hand")
    left.__cause__ = KeyboardInterrupt()
    outcome = act([wanted("a"), wanted("b")], a=left)
    assert (tried, outcome.data["not_tried"]) == (["a", "a"], ["b"])


def test_a_closed_window_keeps_only_those_waiting_whose_unit_restarts(
        several: tuple[Callable[..., Outcome], list[str]]) -> None:
    act, tried = several
    outcome = act([wanted("a", reload=False), wanted("b")], raising(OutsideWindow("closed", "later")))
    assert (tried, outcome.status) == (["b"], Status.PARTIAL)
    assert "a: FAILED: closed" in outcome.summary


def test_one_that_nobody_can_sign_is_a_row_and_the_others_are_still_due(tmp_path: Path, guest: Guest) -> None:
    _, place = guest.renew()
    near = component(name="near", address="127.0.0.1", port=guest.port, protocol="tls",
                     ca_file=str(guest.folder / "cert.pem"), certificate={
        "host": "aalund-1", "certificate": guest.pair[0], "key": guest.pair[1], "unit": "a.service", "reload": True,
        "authority": "own"})
    assert near.certificate is not None
    bad = near.model_copy(update={"name": "bad", "certificate": near.certificate.model_copy(
        update={"authority": "nobody"})})
    place = replace(place, settings=place.settings.model_copy(update={"authorities": {
        "own": AuthoritySettings(certificate=Path("/ca.pem"), key="env:KEY", days=1)}}))
    profile = load_profile(ROOT / "inventories", "sample-aalund")
    assert isinstance(profile, KamstrupProfile)
    found = due(place, profile.model_copy(update={"components": (bad, near)}), None)
    assert [one.component.name for one in found] == ["bad", "near"]
    assert isinstance(found[0].authority, ConfigurationError)
    assert found[0].told().startswith("bad: CANNOT be renewed: opsctl.yml has no authority nobody")
    with pytest.raises(ConfigurationError, match="no authority nobody"):
        renewal._renewed(object(), profile, found[0])  # type: ignore[arg-type] - it comes to nothing before
    place.ledger.close()
