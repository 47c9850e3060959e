"""The text of a private store's CA file as a host gets it."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from opsctl.backup.shelves import authority
from opsctl.core.errors import ConfigurationError
from opsctl.profiles.hosted import DirectoryStore, S3Store
from tests.unit.backup.s3_server import make_certificate


def _store(ca_file: Path | None) -> S3Store:
    return S3Store(kind="s3", endpoint="https://127.0.0.1:9", bucket="backups", credentials="env:NONE",
                   ca_file=str(ca_file) if ca_file else None)


def test_a_comment_in_any_alphabet_does_not_reach_the_host(tmp_path: Path) -> None:
    certificate, _ = make_certificate(tmp_path)
    plain = certificate.read_text()
    path = tmp_path / "authorities.pem"
    path.write_text(f"# Prøvebænk, Århus\n{plain}\n# Übung\n{plain}", encoding="utf-8")
    found = authority(_store(path))
    assert (found.isascii(), found.count("BEGIN CERTIFICATE"), plain.strip() in found) == (True, 2, True)
    assert ssl.create_default_context(cadata=found).cert_store_stats()["x509_ca"] == 1


@pytest.mark.parametrize("body", ["# Prøve".encode("latin-1"), b"\x30\x82\x01\x02\xff", b"no certificate\n", b""])
def test_what_holds_no_certificate_is_a_setting_that_is_wrong(tmp_path: Path, body: bytes) -> None:
    path = tmp_path / "ca.pem"
    path.write_bytes(body)
    with pytest.raises(ConfigurationError) as error:
        authority(_store(path))
    assert str(path) in error.value.message and "ca_file" in error.value.resolution
    with pytest.raises(ConfigurationError):
        authority(_store(tmp_path / "missing.pem"))


def test_without_an_authority_of_its_own_there_is_none(tmp_path: Path) -> None:
    assert authority(_store(None)) == authority(DirectoryStore(kind="directory", path=str(tmp_path))) == ""
