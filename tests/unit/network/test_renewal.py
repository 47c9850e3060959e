"""What is signed, for which names, and what the host's module does with the files: with real keys and openssl(1)."""

import importlib.util
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from opsctl.adapters.authority import Signed, sign, vouched
from opsctl.core.errors import ConfigurationError, OperationFailed, OpsctlError
from opsctl.core.secret import Secret
from opsctl.network.renewal import names_of
from opsctl.profiles.hosted import Component
from tests.not_exercised import not_exercised
from tests.unit.backup.s3_server import make_certificate

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
