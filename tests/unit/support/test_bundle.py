"""`support bundle`: what is planted in every place a secret or a name can be does not come out again."""

import json
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsctl.runs.workplace import Workplace
from opsctl.support.redact import FORMS, left, redacted
from tests.unit.records.conftest import Run
from tests.unit.records.conftest import place as settled

__all__ = ["settled"]

SECRETS = {
    "a private key": "-----BEGIN OPENSSH " + "PRIVATE KEY-----\nplanted\n-----END OPENSSH PRIVATE KEY-----",
    "an age identity": "AGE-SECRET-" + "KEY-1QQPLANTED", "an access key": "AKIAPLANTED000000000"[:20],
    "a token": "eyJplanted.eyJplanted.planted", "a password in an address": "postgresql://me:planted@db/x",
    "a signed address": "https://store.example/x?X-Amz-Signature=planted&y=1",
    "a secret by its name": "password=planted",
    "a reference to a secret": "file:/etc/planted", "a mail address": "planted@sample.example",
    "an IP address": "host 198.51.100.11 answered",
}


@pytest.mark.parametrize("what", FORMS)
def test_each_form_is_found_and_removed(what: str) -> None:
    text = f"before {SECRETS[what]} after"
    assert what in left(text, ())
    clean = redacted({"summary": text}, ())["summary"]
    assert (left(clean, ()), "planted" in clean, "198." in clean) == ((), False, False)
    assert clean.startswith("before ") and clean.endswith(" after")


letters = st.characters(min_codepoint=32, max_codepoint=126) | st.sampled_from("\u00e6\u00f8\u00e5\u00c6\u00d8\u00c5")


@given(st.text(letters, min_size=4, max_size=20), st.text(letters, max_size=40), st.text(letters, max_size=40))
def test_nothing_known_is_left_whatever_stands_around_it(term: str, before: str, after: str) -> None:
    clean = redacted([{"key": before + term + after}, term.upper()], [term])
    for text in (clean[0]["key"], clean[1]):
        assert "a known name, address or secret" not in left(text, [term])


def test_versions_and_times_are_no_addresses() -> None:
    for text in ("5.4.0", "2026-11-23T09:00:00.123456Z", "6.18.44", "dk-public", "09:00"):
        assert (left(text, ()), redacted(text, ())) == ((), text)


@pytest.fixture
def planted(tmp_path: Path, config: Path) -> list[str]:
    """Secrets and names in the profile's neighbourhood, the settings and the request."""
    secret = tmp_path / "store.json"
    secret.write_text(json.dumps({"access_key_id": "PLANTEDKEY", "secret_access_key": "planted-store-secret"}),
                      encoding="utf-8")
    secret.chmod(0o600)
    path = tmp_path / "inventories" / "sample-aalund" / "profile.yml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("/var/lib/opsctl-lab/secrets/object-store.json", str(secret)), encoding="utf-8")
    return ["PLANTEDKEY", "planted-store-secret", str(secret), "Operations Aalund", "operations@aalund.example",
            "198.51.100.11", "Sample Reporter", "Sample Handler", "Readings of meter 4711", "planted-in-a-summary",
            "opsctl-lab-backups", "came back twice"]


def test_no_secret_and_no_person_leaks(planted: list[str], opsctl: Run, settled: Workplace, tmp_path: Path) -> None:
    opened = opsctl("support", "open", "sample-aalund", "--reporter", "Sample Reporter", "--subject",
                    "Readings of meter 4711", "--text", "It came back twice.", "--error", "no")
    assert opened.code == 0, opened
    assert opsctl("support", "start", "sample-aalund-1", "--by", "Sample Handler").code == 0
    settled.ledger.append("sample-aalund", "run.finished", {
        "operation": "backup run", "service": "backup", "status": "failed", "exit_code": 1,
        "summary": "198.51.100.11 refused password=planted-in-a-summary for Sample Handler, operations@aalund.example, "
                   "planted-store-secret"}, actor="tester", run="r-1")
    out = tmp_path / "bundle.tar.gz"
    answer = opsctl("support", "bundle", "sample-aalund", "--output", str(out))
    assert answer.code == 0, answer
    assert out.stat().st_mode & 0o777 == 0o600
    with tarfile.open(out) as archive:
        members = {member.name.split("/")[1]: archive.extractfile(member).read().decode()  # type: ignore[union-attr]
                   for member in archive.getmembers()}
    for text in planted:
        assert not [name for name, content in members.items() if text.casefold() in content.casefold()], text
    (run,) = json.loads(members["runs.json"])
    assert (run["operation"], run["status"]) == ("backup run", "failed")
    (request,) = json.loads(members["requests.json"])
    assert (request["id"], request["verdict"]) == ("sample-aalund-1", "kept")
    assert {"profile.json", "ledger.json", "surroundings.json", "manifest.json", "timeline.json",
            "hosts.json"} <= set(members)
