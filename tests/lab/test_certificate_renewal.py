"""A certificate renewed on a real host: proven by a handshake, and taken back where that fails."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from opsctl.core.errors import ExitCode, OutsideWindow
from opsctl.core.outcome import Status
from opsctl.lab import paths
from opsctl.network.renewal import RENEWED, TAKEN_BACK, due, renew
from opsctl.profiles.model import KamstrupProfile
from opsctl.profiles.settings import AuthoritySettings
from opsctl.runs.workplace import Workplace
from tests.lab.guests import on
from tests.lab.surroundings import hosted
from tests.unit.backup.s3_server import make_certificate
from tests.unit.network.acme_server import AcmeServer, acme_server

pytestmark = pytest.mark.lab
CUSTOMER, TLS = "sample-aalund", "/etc/ready/tls"


def signing(place: Workplace, certificate: Path, key: Path, days: int = 30) -> Workplace:
    authority = AuthoritySettings(certificate=certificate, key=f"file:{key}", days=days)
    return replace(place, settings=place.settings.model_copy(update={"authorities": {"lab": authority}}))


def files() -> str:
    return on("aalund-1", f"cat {TLS}/server.pem {TLS}/server.key")


def test_a_certificate_is_renewed_on_its_host_and_proven(workplace: Workplace) -> None:
    place = signing(workplace, paths.AUTHORITY_CERTIFICATE, paths.AUTHORITY_KEY)
    profile, before = hosted(place, CUSTOMER), files()
    outcome = renew(place, profile, due(place, profile, "aalund-api"), lambda: None)
    assert (outcome.status, outcome.code) == (Status.DONE, ExitCode.OK), outcome
    entry = place.ledger.last(CUSTOMER, RENEWED)
    assert entry is not None and entry.payload["before"] != entry.payload["after"]
    assert set(entry.payload["names"]) >= {"198.51.100.11", "aalund-1"}, "no name is lost"
    (again,) = due(place, profile, "aalund-api")
    assert again.fingerprint == entry.payload["after"] and again.ends is not None
    assert 28 <= (again.ends - datetime.now(UTC)).days <= 30
    assert files() != before and before == on(
        "aalund-1", f"cat {TLS}/server.pem.opsctl-previous {TLS}/server.key.opsctl-previous")
    assert on("aalund-1", f"stat -c '%a %G' {TLS}/server.key").split() == ["640", "ready"]
    assert due(place, profile, None) == (again,), "30 days left are within the profile's warning"
    place = signing(workplace, paths.AUTHORITY_CERTIFICATE, paths.AUTHORITY_KEY, 800)
    assert renew(place, profile, due(place, profile, "aalund-api"), lambda: None).code is ExitCode.OK
    assert due(place, profile, None) == ()


def test_a_certificate_that_is_not_trusted_is_taken_back(workplace: Workplace, tmp_path: Path) -> None:
    stranger, key = make_certificate(tmp_path)
    key.chmod(0o600)
    place = signing(workplace, stranger, key, 1)
    profile, before = hosted(place, CUSTOMER), files()
    (wanted,) = due(place, profile, "aalund-api")
    outcome = renew(place, profile, [wanted], lambda: None)
    assert outcome.code is ExitCode.FAILED and "not proven" in outcome.summary
    assert files() == before
    (now,) = due(place, profile, "aalund-api")
    assert now.fingerprint == wanted.fingerprint and now.ends == wanted.ends
    entry = place.ledger.last(CUSTOMER, TAKEN_BACK)
    assert entry is not None and "not valid" in entry.payload["reason"]
    assert entry.payload["proven"] is True, "a handshake shows the old one again"
    assert place.ledger.last(CUSTOMER, RENEWED) is None


def test_a_unit_is_restarted_only_in_an_open_window(workplace: Workplace) -> None:
    place = signing(workplace, paths.AUTHORITY_CERTIFICATE, paths.AUTHORITY_KEY)
    profile, before = hosted(place, CUSTOMER), files()

    def closed() -> None:
        raise OutsideWindow("closed", "later")

    outcome = renew(place, profile, due(place, profile, "aalund-api"), closed)
    assert outcome.code is ExitCode.OUTSIDE_WINDOW
    assert files() == before and place.ledger.last(CUSTOMER, RENEWED) is None


SHOWN, LOOKS_ON = "/srv/acme", 8099
WEB = f"install -d {SHOWN} && systemd-run --unit=acme-web -p WorkingDirectory={SHOWN} python3 -m http.server {LOOKS_ON}"


def trusting(profile: KamstrupProfile, server: AcmeServer, webroot: str) -> KamstrupProfile:
    """The profile with its API's certificate from the ACME server, whose authority is trusted beside the lab's."""
    both = server.root.with_name("both.pem")
    both.write_bytes(paths.AUTHORITY_CERTIFICATE.read_bytes() + server.root.read_bytes())
    changed = [one.model_copy(update={"ca_file": str(both), "certificate": one.certificate.model_copy(update={
        "authority": "acme", "webroot": webroot})}) if one.certificate else one for one in profile.components]
    return profile.model_copy(update={"components": tuple(changed)})


def test_a_certificate_is_ordered_over_acme_and_a_wrong_folder_changes_nothing(workplace: Workplace,
                                                                              tmp_path: Path) -> None:
    before = files()
    on("aalund-1", WEB)
    try:
        with acme_server(tmp_path / "acme", LOOKS_ON) as server:
            place = replace(workplace, settings=workplace.settings.model_copy(
                update={"acme": {"acme": server.settings()}}))
            wrong = trusting(hosted(place, CUSTOMER), server, "/srv")
            refused = renew(place, wrong, due(place, wrong, "aalund-api"), lambda: None)
            assert refused.code is ExitCode.FAILED and "did not find the right answer" in refused.summary
            assert files() == before and place.ledger.last(CUSTOMER, RENEWED) is None
            profile = trusting(hosted(place, CUSTOMER), server, SHOWN)
            wanted = due(place, profile, "aalund-api")
            assert renew(place, profile, wanted, lambda: None).code is ExitCode.OK, server.log.read_text()
            (again,) = due(place, profile, "aalund-api")
            entry = place.ledger.last(CUSTOMER, RENEWED)
            assert entry is not None and entry.payload["after"] == again.fingerprint != wanted[0].fingerprint
            assert entry.payload["names"] == ["198.51.100.11"] and entry.payload["account"]
            assert on("aalund-1", f"find {SHOWN} /srv/.well-known -type f") == "", "the answers are taken away"
            assert on("aalund-1", f"stat -c '%a %G' {TLS}/server.key").split() == ["640", "ready"]
    finally:
        on("aalund-1", f"systemctl stop acme-web; rm -rf {SHOWN} /srv/.well-known; cd {TLS}; "
           "if ! grep -qF \"$(sed -n 3p server.pem)\" server.pem.opsctl-previous; then "
           "cp -p server.pem.opsctl-previous server.pem; cp -p server.key.opsctl-previous server.key; "
           "systemctl restart ready-server.service; fi")
    assert files() == before
