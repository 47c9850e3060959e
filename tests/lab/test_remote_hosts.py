"""Work on hosts that a customer runs, on a real host: patched under the three records, refused outside them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from opsctl.lab.definition import host as lab_host
from tests.lab.guests import on
from tests.lab.patch_support import installed, offered
from tests.lab.surroundings import LAB, Opsctl

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
    profile.write_text(profile.read_text().replace("198.51.100.51", address), encoding="utf-8")
    keys = (LAB / "ssh" / "known_hosts").read_text().splitlines()
    (folder / "known_hosts").write_text("".join(f"{line}\n" for line in keys if line.startswith(address)))
    return folder


def soon(hours: float) -> str:
    return (datetime.now(UTC) + timedelta(hours=hours)).isoformat(timespec="seconds")


def grant(opsctl: Opsctl, *, begins: float = 0, ends: float = 4) -> None:
    window = (*(("--from", soon(begins)) if begins else ()), "--to", soon(ends))
    for words in (("agreement", "add", CUSTOMER, f"AG-{ends}", "--by", "N. N.", "--module", "platform", *window),
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
