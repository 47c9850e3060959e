"""Diagnostics from real hosts: what they say is in, and nothing that may not leave."""

import json
import tarfile
from pathlib import Path

import pytest

from tests.lab.surroundings import Opsctl

pytestmark = pytest.mark.lab


def test_what_the_hosts_say_is_in_the_bundle_without_their_addresses(opsctl: Opsctl, tmp_path: Path) -> None:
    out = tmp_path / "bundle.tar.gz"
    answer = opsctl("support", "bundle", "sample-aalund", "--output", str(out))
    assert answer.code == 0, answer
    with tarfile.open(out) as archive:
        members = {member.name.split("/")[1]: archive.extractfile(member).read().decode()  # type: ignore[union-attr]
                   for member in archive.getmembers()}
    host = json.loads(members["hosts.json"])["aalund-1"]
    assert host["health"]["ok"] is True
    assert host["databases"][0]["bytes"] > 0
    assert not [name for name, text in members.items() if "198.51.100." in text]


def test_a_host_that_cannot_be_reached_stops_nothing(inventories: Path, opsctl: Opsctl, tmp_path: Path) -> None:
    profile = inventories / "sample-aalund" / "profile.yml"
    profile.write_text(profile.read_text().replace("198.51.100.11, roles", "198.51.100.99, roles"), encoding="utf-8")
    out = tmp_path / "bundle.tar.gz"
    answer = opsctl("support", "bundle", "sample-aalund", "--output", str(out))
    assert (answer.code, "not read" in answer.stderr) == (0, True), answer
    assert out.is_file()
