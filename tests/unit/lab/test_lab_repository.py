"""Packages and the repository, built for real in a temporary folder."""

import shutil
import subprocess
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from opsctl.core.errors import UsageError
from opsctl.lab import packages, paths, repository
from tests.not_exercised import not_exercised

pytestmark = pytest.mark.slow


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A repository of its own."""
    for tool in ("dpkg-deb", "apt-ftparchive", "gpg"):
        if shutil.which(tool) is None:
            not_exercised(f"{tool} is not on this machine")
    folder = tmp_path / "repository"
    signing = tmp_path / "signing"
    signing.mkdir(mode=0o700)
    monkeypatch.setattr(paths, "STATE", tmp_path)
    monkeypatch.setattr(paths, "REPOSITORY", folder)
    monkeypatch.setattr(paths, "SIGNING", signing)
    repository.ensure_repository()
    yield folder
    subprocess.run(["gpgconf", "--homedir", str(signing), "--kill", "all"], check=True)


def versions(served: Path, suite: str, package: str) -> list[str]:
    """The versions of a package that a suite's index lists."""
    [index] = (served / "dists" / suite / "main").glob("binary-*/Packages")
    found: list[str] = []
    for paragraph in index.read_text().strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in paragraph.splitlines() if ": " in line)
        if fields.get("Package") == package:
            found.append(fields["Version"])
    return sorted(found)


def test_every_suite_is_signed_by_the_key_that_hosts_get(served: Path) -> None:
    for suite in repository.suites():
        verified = subprocess.run(["gpgv", "--keyring", str(served / "opsctl-lab.gpg"),
                                   str(served / "dists" / suite / "InRelease")], capture_output=True, check=False)
        assert verified.returncode == 0, verified.stderr


def test_updates_wait_in_the_right_suites(served: Path) -> None:
    assert versions(served, "trixie-lab", "metertools") == ["2.0-1", "2.1-1"]
    assert versions(served, "trixie-lab", "libmeterproto") == ["1.0-1"]
    assert versions(served, "bookworm-lab-security", "libmeterproto") == ["1.0-1+sec1"]
    assert versions(served, "ready", "ready-server") == ["5.3.0", "5.4.0", "5.4.1", "5.5.0", "6.0.0", "6.0.1"]


def test_a_further_suite_is_published_once_and_goes_with_a_new_lab(served: Path, tmp_path: Path) -> None:
    package = packages.build(packages.third_party("metertools", "9.0-1"), tmp_path)
    repository.publish_suite("trixie", [package])
    repository.publish_suite("bookworm", [])
    assert versions(served, "trixie", "metertools") == ["9.0-1"] and versions(served, "bookworm", "metertools") == []
    repository.publish_suite("trixie", [])
    assert versions(served, "trixie", "metertools") == ["9.0-1"]
    repository.restore()
    assert not (served / "dists" / "trixie").exists()


def test_offer_withdraw_restore(served: Path) -> None:
    repository.offer("libmeterproto", "1.0-1+sec2", security=True)
    repository.offer("metertools", "2.2-1")
    assert versions(served, "trixie-lab-security", "libmeterproto") == ["1.0-1+sec1", "1.0-1+sec2"]
    repository.withdraw("libmeterproto", "1.0-1+sec2")
    assert versions(served, "trixie-lab-security", "libmeterproto") == ["1.0-1+sec1"]
    assert versions(served, "bookworm-lab", "metertools") == ["2.0-1", "2.1-1", "2.2-1"]
    repository.restore()
    assert versions(served, "bookworm-lab", "metertools") == ["2.0-1", "2.1-1"]
    with pytest.raises(UsageError, match="no package called linux"):
        repository.offer("linux", "1")


def test_a_second_run_builds_nothing_and_an_interrupted_one_is_repaired(served: Path) -> None:
    release = served / "dists" / "ready" / "InRelease"
    before = release.stat().st_mtime_ns
    repository.ensure_repository()
    assert release.stat().st_mtime_ns == before
    (served / ".complete").unlink()
    release.unlink()
    repository.ensure_repository()
    assert release.exists()


@pytest.mark.parametrize("release", packages.READY_RELEASES, ids=lambda release: release.version)
def test_a_ready_package_names_its_version_schema_and_stop(release: packages.ReadyRelease) -> None:
    package = packages.ready(release)
    assert f'"schema": {release.schema}' in package.files["/usr/lib/ready/release.json"]
    assert "@" not in package.scripts["preinst"].replace("$@", "")
    assert f'[ -n "{release.stop}" ] && dpkg --compare-versions "$2" lt "{release.stop}"' in package.scripts["preinst"]
    assert "/usr/lib/ready/ready_server/migrate.py" in package.files


def test_each_publication_is_of_a_later_second_than_the_one_before(served: Path) -> None:
    """apt asks by `If-Modified-Since`, in whole seconds: two in one second would be one to it."""
    release = served / "dists" / "trixie-lab" / "InRelease"
    (index,) = (served / "dists" / "trixie-lab" / "main").glob("binary-*/Packages")
    seen = []
    for version in ("9.1-1", "9.2-1", "9.3-1"):
        repository.offer("metertools", version)
        seen.append((int(release.stat().st_mtime), int(index.stat().st_mtime)))
    for version in ("9.3-1", "9.2-1"):
        repository.withdraw("metertools", version)
        seen.append((int(release.stat().st_mtime), int(index.stat().st_mtime)))
    assert [earlier[0] < later[0] and earlier[1] < later[1] for earlier, later in pairwise(seen)] == \
        [True] * 4
