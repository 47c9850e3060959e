"""Certificates ordered from pebble, a real ACME server, with what the host's own module does with keys and answers."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from opsctl.adapters import acme_orders
from opsctl.core.errors import ConfigurationError, ExitCode, OperationFailed
from opsctl.core.outcome import Outcome
from opsctl.ledger.canonical import plain
from opsctl.network import renewal
from opsctl.network.renewal import RENEWED, TAKEN_BACK, Renewal, authority_of, renew
from opsctl.profiles.hosted import Certificate
from opsctl.profiles.loader import load_profile, load_settings
from opsctl.profiles.model import KamstrupProfile
from opsctl.profiles.settings import AcmeSettings, Settings
from opsctl.runs.workplace import Workplace
from tests.unit.network.acme_server import AcmeServer, account_key, acme_server
from tests.unit.network.test_renewal import ROOT, Guest, component, guest, module, pair, payloads, raising

__all__ = ["guest", "module", "pair"]

pytestmark = pytest.mark.slow  # each starts a server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[AcmeServer]:
    with acme_server(tmp_path / "acme") as found:
        yield found


def ordering(guest: Guest, server: AcmeServer, settings: AcmeSettings | None = None,
             **changes: Any) -> tuple[Callable[[], Outcome], Workplace]:
    """What renews the guest's certificate over ACME."""
    _, place = guest.renew("old.example.com")
    one = component(address="127.0.0.1", port=guest.port, protocol="tls", ca_file=str(server.root), certificate={
        "host": "aalund-1", "certificate": guest.pair[0], "key": guest.pair[1], "unit": "ready-server.service",
        "reload": True, "authority": "acme", "webroot": str(server.webroot), **changes})
    assert one.certificate is not None
    before = x509.load_pem_x509_certificate(guest.files()[0].encode())
    wanted = Renewal(one, one.certificate, settings or server.settings(), before.not_valid_after_utc,
                     renewal.probe(renewal.target_of(place, profile(), one)).facts.get("certificate", ""), "asked for")
    return lambda: renew(place, profile(), [wanted], lambda: None), place


def profile() -> KamstrupProfile:
    found = load_profile(ROOT / "inventories", "sample-aalund")
    assert isinstance(found, KamstrupProfile)
    return found


def left_of_answers(server: AcmeServer) -> list[Path]:
    return [one for one in server.webroot.rglob("*") if one.is_file()]


def test_a_certificate_is_ordered_and_proven_by_the_handshake(guest: Guest, server: AcmeServer,
                                                              caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    act, place = ordering(guest, server)
    before = guest.files()
    outcome = act()
    assert outcome.code is ExitCode.OK, (outcome, server.log.read_text())
    chain = x509.load_pem_x509_certificates(guest.files()[0].encode())
    found = chain[0].extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(one.value) for one in found] == ["127.0.0.1"] and len(chain) >= 2, "with those above it"
    assert guest.files()[1] != before[1], "a new key"
    (entry,) = payloads(place, RENEWED)
    assert entry["names"] == ["127.0.0.1"] and entry["left"] == ["old.example.com"]
    assert entry["account"].startswith("https://127.0.0.1:") and entry["authority"] == "acme"
    assert left_of_answers(server) == [], "the answers are taken away"
    secret = server.key.read_text().splitlines()[1]
    assert secret not in caplog.text and secret not in str(plain(entry)) and secret not in str(outcome)


def test_the_account_is_kept(guest: Guest, server: AcmeServer) -> None:
    act, place = ordering(guest, server)
    assert act().code is ExitCode.OK and act().code is ExitCode.OK
    first, second = payloads(place, RENEWED)
    assert first["account"] == second["account"] and first["after"] != second["after"]
    other, place = ordering(guest, server, server.settings(
        account_key=f"file:{account_key(server.key.parent / 'other.key')}"))
    assert other().code is ExitCode.OK
    assert payloads(place, RENEWED)[-1]["account"] != first["account"], "another key is another account"


def test_an_answer_that_is_wrong_is_refused_and_nothing_is_changed(guest: Guest, server: AcmeServer,
                                                                  monkeypatch: pytest.MonkeyPatch) -> None:
    right = guest.module.answer
    monkeypatch.setattr(guest.module, "answer", lambda webroot, answers: right(
        webroot, dict.fromkeys(answers, "wrong")))
    act, place = ordering(guest, server)
    before = guest.files()
    outcome = act()
    assert outcome.code is ExitCode.FAILED and "did not find the right answer" in outcome.summary
    assert any("127.0.0.1" in line for line in outcome.data["details"])
    assert guest.files() == before and left_of_answers(server) == []
    assert payloads(place, RENEWED) == payloads(place, TAKEN_BACK) == []


def test_nonces_that_are_refused_are_asked_for_again(guest: Guest, tmp_path: Path,
                                                     monkeypatch: pytest.MonkeyPatch) -> None:
    # More tries than usual, so that this passes by more than luck: 40 in a row are never refused.
    monkeypatch.setattr(acme_orders, "NONCES", 40)
    with acme_server(tmp_path / "acme", PEBBLE_WFE_NONCEREJECT="60") as server:
        act, _ = ordering(guest, server)
        outcome = act()
        assert outcome.code is ExitCode.OK, outcome
        said = server.log.read_text()
        assert said.count("HEAD /nonce-plz") + said.count("POST /") > 10, "some were refused"


def test_nonces_that_are_always_refused_are_not_asked_for_for_ever(guest: Guest, tmp_path: Path) -> None:
    with acme_server(tmp_path / "acme", PEBBLE_WFE_NONCEREJECT="100") as server:
        act, _ = ordering(guest, server)
        before = guest.files()
        outcome = act()
        assert outcome.code is ExitCode.FAILED and "badNonce" in outcome.summary
        assert server.log.read_text().count("POST /sign-me-up") == acme_orders.NONCES
        assert guest.files() == before


def test_a_server_that_is_not_trusted_is_not_spoken_to(guest: Guest, server: AcmeServer) -> None:
    act, _ = ordering(guest, server, server.settings(ca_file=server.root))
    outcome = act()
    assert outcome.code is ExitCode.FAILED and "SSLError" in outcome.summary
    assert "POST" not in server.log.read_text()


@pytest.mark.parametrize(("odd", "words"), [("/roots", "answer is not usable"), ("/nonce-plz", "answer is not usable")])
def test_what_is_no_directory_is_said(odd: str, words: str, guest: Guest, server: AcmeServer) -> None:
    act, _ = ordering(guest, server, server.settings(directory=server.directory.replace("/dir", odd)))
    outcome = act()
    assert outcome.code is ExitCode.FAILED and words in outcome.summary


@pytest.mark.parametrize("odd", ["no key", "P-384"])
def test_a_key_of_no_use_is_refused_before_anything_is_sent(odd: str, guest: Guest, server: AcmeServer) -> None:
    path = server.key.parent / "odd.key"
    account_key(path, ec.SECP384R1())
    if odd == "no key":
        path.write_text(odd)
    act, _ = ordering(guest, server, server.settings(account_key=f"file:{path}"))
    outcome = act()
    assert outcome.code is ExitCode.CONFIGURATION and "cannot be used" in outcome.summary
    assert "POST" not in server.log.read_text()


def test_a_host_that_asks_for_another_name_gets_nothing(guest: Guest, server: AcmeServer,
                                                        monkeypatch: pytest.MonkeyPatch) -> None:
    ask = guest.module.request
    monkeypatch.setattr(guest.module, "request", lambda key, names: ask(key, [*names, "bank.example"]))
    act, _ = ordering(guest, server)
    outcome = act()
    assert outcome.code is ExitCode.FAILED and "does not ask for the names" in outcome.summary
    assert "POST" not in server.log.read_text()


def test_a_new_certificate_that_is_not_proven_is_taken_back(guest: Guest, server: AcmeServer,
                                                            monkeypatch: pytest.MonkeyPatch) -> None:
    act, place = ordering(guest, server)
    before = guest.files()
    monkeypatch.setattr(renewal, "_prove", raising(OperationFailed("not proven", "look")))
    assert act().code is ExitCode.FAILED
    assert guest.files() == before and payloads(place, RENEWED) == []
    assert [one["reason"] for one in payloads(place, TAKEN_BACK)] == ["not proven"]


def test_answers_are_taken_away_when_it_is_interrupted(guest: Guest, server: AcmeServer,
                                                       monkeypatch: pytest.MonkeyPatch) -> None:
    act, _ = ordering(guest, server)
    before, seen = guest.files(), []

    def interrupted(*_: object) -> None:
        seen.extend(left_of_answers(server))
        raise KeyboardInterrupt

    monkeypatch.setattr("acme.client.ClientV2.answer_challenge", interrupted)
    with pytest.raises(KeyboardInterrupt):
        act()
    assert len(seen) == 1 and left_of_answers(server) == [] and guest.files() == before


TOKEN = "a" * 43


def test_answers_do_not_follow_links(module: ModuleType, tmp_path: Path) -> None:
    webroot, elsewhere = tmp_path / "webroot", tmp_path / "elsewhere"
    webroot.mkdir()
    elsewhere.mkdir()
    assert module.clear(str(webroot), {TOKEN: "x"}) is False
    (webroot / ".well-known").symlink_to(elsewhere)
    with pytest.raises(module.Refused, match="link"):
        module.answer(str(webroot), {TOKEN: "x"})
    (webroot / ".well-known").unlink()
    assert module.answer(str(webroot), {TOKEN: "x"}) is True
    shown = webroot / ".well-known/acme-challenge"
    kept = tmp_path / "kept"
    kept.write_text("kept")
    (shown / TOKEN).unlink()
    (shown / TOKEN).symlink_to(kept)
    assert module.answer(str(webroot), {TOKEN: "y"}) is True
    assert kept.read_text() == "kept" and (shown / TOKEN).read_text() == "y"
    assert [path.stat().st_mode & 0o777 for path in (shown.parent, shown, shown / TOKEN)] == [0o755, 0o755, 0o644]
    for odd in ("../" + TOKEN, "short", "", "a/" + TOKEN):
        with pytest.raises(module.Refused, match="token"):
            module.answer(str(webroot), {odd: "x"})
    assert module.clear(str(webroot), {TOKEN: ""}) is True and [*shown.iterdir()] == []


def test_a_name_that_is_none_does_not_reach_openssl(module: ModuleType, pair: tuple[str, str]) -> None:
    for odd in ("a,DNS:b", "a\nb", "", "*.example.com"):
        with pytest.raises(module.Refused, match="no name"):
            module.request(pair[1], [odd])


def test_settings(tmp_path: Path) -> None:
    (tmp_path / "opsctl.yml").write_text(
        "acme: {lab: {directory: 'https://acme.example/dir', account_key: 'env:KEY', ca_file: ca.pem, terms_agreed: "
        "true}}\n")
    settings = load_settings(tmp_path / "opsctl.yml", tmp_path)
    assert settings.acme["lab"].ca_file == tmp_path / "ca.pem"
    for odd in ({"directory": "http://acme.example/dir"}, {"terms_agreed": False}, {"account_key": "secret"}):
        with pytest.raises(ValueError):
            AcmeSettings.model_validate({"directory": "https://a.example/dir", "account_key": "env:KEY",
                                         "terms_agreed": True, **odd})
    own = {"certificate": "/ca.pem", "key": "env:KEY"}
    with pytest.raises(ValueError, match="under authorities and under acme"):
        Settings.model_validate({"authorities": {"lab": own}, "acme": {"lab": settings.acme["lab"]}})
    written = Certificate(host="a", certificate="/a", key="/b", unit="a.service", authority="lab", webroot="/srv/www")
    assert authority_of(settings, written) == settings.acme["lab"]
    one = component()
    with pytest.raises(ConfigurationError, match="webroot"):
        renewal._require_askable(one, written.model_copy(update={"webroot": None}))
    with pytest.raises(ConfigurationError, match="no wildcard"):
        renewal._require_askable(one, written.model_copy(update={"names": ("*.example.com",)}))
    renewal._require_askable(one, written)
    assert "over ACME" in replace(Renewal(one, written, settings.acme["lab"], None, "", "due")).told()
