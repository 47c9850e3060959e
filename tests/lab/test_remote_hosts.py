"""Work on hosts that a customer runs, on a real host: patched under the three records, refused outside them."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from opsctl.lab import service
from opsctl.lab.definition import host as lab_host
from tests.lab.guests import ROOT, on, ready
from tests.lab.patch_support import installed, offered
from tests.lab.surroundings import LAB, Opsctl, set_in

pytestmark = pytest.mark.lab
CUSTOMER = "sample-elmegaard"
HOST = "cedervig-1"
"""Stands in for the customer's own host."""


@pytest.fixture
def remote(inventories: Path) -> Path:
    """The customer's profile names the lab's host, and its key lies beside it."""
    address = lab_host(HOST).address
    folder = inventories / CUSTOMER
    profile = folder / "profile.yml"
    profile.write_text(profile.read_text().replace("198.51.100.51", address).replace("postgresql", "mariadb"),
                       encoding="utf-8")
    keys = (LAB / "ssh" / "known_hosts").read_text().splitlines()
    (folder / "known_hosts").write_text("".join(f"{line}\n" for line in keys if line.startswith(address)))
    return folder


def soon(hours: float) -> str:
    return (datetime.now(UTC) + timedelta(hours=hours)).isoformat(timespec="seconds")


def grant(opsctl: Opsctl, *, begins: float = 0, ends: float = 4, about: str = "platform") -> None:
    window = (*(("--from", soon(begins)) if begins else ()), "--to", soon(ends))
    for words in (("agreement", "add", CUSTOMER, f"AG-{ends}", "--by", "N. N.", "--module", about, *window),
                  ("access", "add", CUSTOMER, f"AC-{ends}", "--by", "N. N.", "--method", "VPN", "--host",
                   "elmegaard-1", *window),
                  ("permission", "add", CUSTOMER, f"TP-{ends}", "--by", "N. N.", "--subject", "none needed", *window)):
        answer = opsctl(*words)
        assert answer.code == 0, answer


def test_a_customer_s_host_is_patched_under_its_records_alone(remote: Path, opsctl: Opsctl, tmp_path: Path) -> None:
    with offered("metertools") as versions:
        assert opsctl("patch", "plan", CUSTOMER).code == 4
        assert opsctl("patch", "apply", CUSTOMER, "--yes").code == 4
        grant(opsctl, begins=1, ends=5)
        assert opsctl("patch", "plan", CUSTOMER).code == 4, "not before the records begin"
        grant(opsctl)
        before = installed(HOST, "metertools")
        planned = opsctl("patch", "plan", CUSTOMER, "--output", str(tmp_path), "--json")
        assert planned.code == 0, planned
        (found,) = planned.envelope["data"]["plans"]
        assert "metertools" in str(found["hosts"])
        everyone = opsctl("patch", "plan", "--all", "--json")
        rows = {row["customer"]: row["status"] for row in everyone.envelope["data"]["outcomes"]}
        assert rows[CUSTOMER] == "not covered", "never by --all"
        assert installed(HOST, "metertools") == before

        (file,) = planned.envelope["data"]["files"]
        applied = opsctl("patch", "apply", CUSTOMER, "--plan", file, "--yes", "--json")
        assert applied.code == 0, applied
        assert installed(HOST, "metertools") == versions
        again = opsctl("patch", "apply", CUSTOMER, "--yes", "--json")
        assert (again.code, again.envelope["data"]["outcomes"][0]["status"]) == (0, "unchanged")

        log = opsctl("change", "list", CUSTOMER, "--json")
        assert "metertools" in log.stdout, "the installed change is in the customer's log (P47)"
        assert opsctl("access", "revoke", CUSTOMER, "AC-4", "--reason", "the work is done").code == 0
        assert opsctl("patch", "apply", CUSTOMER, "--yes").code == 4, "not after the access was taken back"
    assert "opsctl-" not in on(HOST, "systemctl list-units --plain --no-legend 'opsctl-*'")


def test_nothing_starts_that_would_outlast_the_records(remote: Path, opsctl: Opsctl) -> None:
    grant(opsctl, ends=0.2)
    answer = opsctl("patch", "apply", CUSTOMER, "--yes")
    assert answer.code == 5, answer
    assert "past what was granted" in answer.stdout


def test_an_unknown_key_is_refused(remote: Path, opsctl: Opsctl) -> None:
    grant(opsctl)
    (remote / "known_hosts").unlink()
    answer = opsctl("patch", "plan", CUSTOMER)
    assert answer.code == 3, answer
    assert "known_hosts" in answer.stdout


@pytest.fixture
def fresh(lab: Path) -> Iterator[str]:
    """The host as new before and afterwards."""
    if on(HOST, "dpkg-query -W -f '${Version}' ready-server") != "5.4.0":
        service.reset(ROOT, lambda text: None, [HOST])
    yield HOST
    service.reset(ROOT, lambda text: None, [HOST])


def test_a_release_is_installed_on_a_customer_s_host_under_its_records_alone(remote: Path, fresh: str, config: Path,
                                                                             opsctl: Opsctl, tmp_path: Path) -> None:
    set_in(config, policy={"healthy_seconds": 5})
    assert opsctl("release", "plan", CUSTOMER).code == 4
    refused = opsctl("release", "install", CUSTOMER, "--version", "5.5.0", "--yes")
    assert refused.code == 4 and "notified of releases" in refused.stdout
    grant(opsctl)
    assert opsctl("release", "plan", CUSTOMER).code == 4, "an agreement about the platform is about no release"
    grant(opsctl, ends=4.5, about="releases")
    planned = opsctl("release", "plan", CUSTOMER, "--version", "5.5.0", "--output", str(tmp_path), "--json")
    assert planned.code == 0, planned.stdout
    rows = opsctl("release", "plan", "--all", "--json").envelope["data"]["outcomes"]
    assert {row["status"] for row in rows if row["customer"] == CUSTOMER} == {"not covered"}, "never by --all"

    (file,) = planned.envelope["data"]["files"]
    done = opsctl("release", "install", CUSTOMER, "--plan", file, "--yes", "--json")
    assert done.code == 0, done
    (row,) = done.envelope["data"]["outcomes"]
    assert "version: 5.5.0" in row["resolution"]
    assert ready(HOST, "/health")[1] == {"status": "ok", "version": "5.5.0", "schema": 5}
    assert on(HOST, "ls /var/lib/opsctl/ready-update") == ""
    again = opsctl("release", "install", CUSTOMER, "--version", "5.5.0", "--yes", "--json")
    assert again.envelope["data"]["outcomes"][0]["status"] == "unchanged"

    (change,) = opsctl("change", "list", CUSTOMER, "--json").envelope["data"]["changes"]
    assert (change["before"], change["after"]) == ({"READY": "5.4.0"}, {"READY": "5.5.0"})
    assert "READY 5.5.0 is installed" in " ".join(opsctl("notice", "show", CUSTOMER, "done-5.5.0").stdout.split())
    # The profile still says 5.4.0: what opsctl proved is not notified of as available.
    drafted = opsctl("notice", "draft", CUSTOMER, "--json").envelope["data"]["outcomes"]
    assert {row["data"].get("from") for row in drafted if row["data"].get("kind") in {"update", "major"}} <= {"5.5.0"}
    assert opsctl("backup", "run", CUSTOMER).code == 4, "its backups stay its own (P26)"


def test_a_release_that_fails_on_a_customer_s_host_is_taken_back(remote: Path, fresh: str, config: Path, opsctl: Opsctl
                                                                 ) -> None:
    releases = config.parent / "releases"
    shutil.copytree(ROOT / "releases", releases)
    bad = yaml.safe_load((releases / "6.0.1.yml").read_text(encoding="utf-8"))
    del bad["withdrawn"]
    (releases / "6.0.1.yml").write_text(yaml.safe_dump({**bad, "status": "published"}), encoding="utf-8")
    config.write_text(config.read_text(encoding="utf-8").replace(f"{ROOT}/releases", "releases"), encoding="utf-8")
    set_in(config, policy={"healthy_seconds": 5})
    grant(opsctl, about="releases")
    failed = opsctl("release", "install", CUSTOMER, "--version", "6.0.1", "--yes", "--json")
    assert failed.code == 1, failed
    assert "taken back: READY 5.5.0" in failed.envelope["data"]["outcomes"][0]["summary"]
    assert ready(HOST, "/health")[1]["version"] == "5.5.0"
    again = opsctl("release", "install", CUSTOMER, "--version", "6.0.0", "--yes")
    assert again.code == 1 and "not marked resolved" in again.stdout
