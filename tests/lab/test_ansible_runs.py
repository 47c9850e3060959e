"""Playbooks on real hosts: over several customers at once, with strict host keys, and without opsctl."""

import base64
import json
import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from opsctl.adapters.ansible_catalogue import STORAGE_CHECK
from opsctl.adapters.ansible_events import HostState
from opsctl.core.errors import ConfigurationError
from opsctl.core.outcome import Status
from opsctl.lab import fault
from opsctl.profiles.model import KamstrupProfile
from opsctl.runs.playbook import survey
from opsctl.runs.workplace import Workplace
from opsctl.storage.service import check
from tests.lab.guests import on
from tests.lab.surroundings import LAB, ROOT, hosted

pytestmark = pytest.mark.lab
SCRATCH = "/var/lib/opsctl-scratch"


def rename_host(workplace: Workplace, customer: str, old: str, new: str) -> KamstrupProfile:
    path = workplace.settings.inventories / customer / "profile.yml"
    path.write_text(path.read_text(encoding="utf-8").replace(f"name: {old},", f"name: {new},")
                    .replace(f"host: {old}}}", f"host: {new}}}"), encoding="utf-8")
    return hosted(workplace, customer)


def test_two_customers_with_a_host_called_db1_are_kept_apart(workplace: Workplace) -> None:
    cedervig = rename_host(workplace, "sample-cedervig", "cedervig-1", "db1")
    birkeby = rename_host(workplace, "sample-birkeby", "birkeby-db", "db1")
    outcomes = check(workplace, [cedervig, birkeby])
    assert [outcome.status for outcome in outcomes] == [Status.DONE, Status.DONE]
    engines = {outcome.customer: {database["engine"] for database in outcome.data["databases"]} for outcome in outcomes}
    assert engines == {"sample-cedervig": {"mariadb"}, "sample-birkeby": {"postgresql"}}
    assert [outcome.data["databases"][0]["host"] for outcome in outcomes] == ["db1", "db1"]


def test_a_host_with_another_key_is_not_spoken_to(workplace: Workplace) -> None:
    keys = {name: workplace.known_hosts(f"sample-{name}") for name in ("aalund", "cedervig")}
    stranger = keys["cedervig"].read_text(encoding="utf-8").split(" ", 1)[1]
    keys["aalund"].write_text(f"198.51.100.11 {stranger}", encoding="utf-8")
    profiles = [hosted(workplace, f"sample-{name}") for name in ("aalund", "cedervig")]
    found = survey(workplace, profiles, STORAGE_CHECK).hosts
    refused = found["sample-aalund--aalund-1"]
    assert (refused.state, dict(refused.data)) == (HostState.UNREACHABLE, {})
    assert "shows another host key than the one in" in refused.message
    assert found["sample-cedervig--cedervig-1"].ok


def test_an_unknown_host_key_is_not_learnt(workplace: Workplace) -> None:
    keys = workplace.known_hosts("sample-aalund")
    keys.write_text("", encoding="utf-8")
    found = survey(workplace, [hosted(workplace, "sample-aalund")], STORAGE_CHECK).hosts
    assert found["sample-aalund--aalund-1"].state is HostState.UNREACHABLE
    assert "has no key in" in found["sample-aalund--aalund-1"].message
    assert keys.read_text(encoding="utf-8") == ""
    keys.unlink()
    with pytest.raises(ConfigurationError, match="cannot be recognised"):
        survey(workplace, [hosted(workplace, "sample-aalund")], STORAGE_CHECK)


def plain(workplace: Workplace, customer: str, playbook: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """ansible-playbook as a person calls it, with the inventory beside the profile."""
    binaries = Path(sys.executable).parent
    return subprocess.run(
        [str(binaries / "ansible-playbook"), "-i", str(workplace.customer_folder(customer) / "hosts.yml"),
         "--private-key", str(LAB / "ssh" / "id_ed25519"), f"playbooks/{playbook}.yml", *arguments],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=300, stdin=subprocess.DEVNULL,
        env={"PATH": f"{binaries}:{os.environ['PATH']}", "HOME": str(workplace.runs.parent), "LC_ALL": "C.UTF-8",
             "ANSIBLE_CONFIG": str(ROOT / "playbooks" / "ansible.cfg"), "ANSIBLE_SHOW_CUSTOM_STATS": "1"})


@pytest.mark.parametrize(("playbook", "says"), [
    ("patch_plan", "reboot_required"), ("storage_check", "missing_mounts"), ("backup", "missing_packages"),
    ("platform_patch", "boot_before")])
def test_playbooks_run_without_opsctl(workplace: Workplace, playbook: str, says: str) -> None:
    done = plain(workplace, "sample-birkeby", playbook, *(["--check"] if playbook == "platform_patch" else []))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "failed=0" in done.stdout
    if playbook != "backup":
        assert says in done.stdout, "what was found is shown"
    assert done.stdout.count("unreachable=0") == 2


def recipients(customer: str) -> list[str]:
    return [(ROOT / "inventories" / customer / "keys" / f"{name}.pub").read_text(encoding="utf-8").strip()
            for name in ("online", "offline")]


def destination(customer: str) -> str:
    return json.dumps({"database_backup_destination": SCRATCH, "database_backup_recipients": recipients(customer)})


@pytest.mark.parametrize(("customer", "host", "unpack", "holds"), [
    ("sample-aalund", "aalund-1", ["tar", "-t"], "backup_label"),
    ("sample-birkeby", "birkeby-db", ["tar", "-t"], "backup_label"),
    ("sample-cedervig", "cedervig-1", ["cat"], "mariadb_backup_info")])
def test_a_plain_backup_file_can_be_decrypted_and_is_whole(
        workplace: Workplace, tmp_path: Path, customer: str, host: str, unpack: list[str], holds: str) -> None:
    with ExitStack() as stack:
        stack.callback(on, host, f"rm -f {SCRATCH}/ready-*.age*")
        done = plain(workplace, customer, "backup", "-e", destination(customer))
        assert done.returncode == 0, done.stdout + done.stderr
        name = on(host, f"ls {SCRATCH}/ready-*")
        encoded = on(host, f"base64 -w0 {name}")
    for key in ("online", "offline"):
        identity = LAB / "secrets" / f"{customer}-{key}.agekey"
        plaintext = subprocess.run(["age", "-d", "-i", str(identity)], input=base64.b64decode(encoded),
                                   capture_output=True, check=True).stdout
        content = subprocess.run(["zstd", "-dc"], input=plaintext, capture_output=True, check=True).stdout
        listed = subprocess.run(unpack, input=content, capture_output=True, check=True).stdout
        assert holds.encode() in listed


def test_a_plain_backup_that_fails_leaves_no_file(workplace: Workplace) -> None:
    fault.set_fault("birkeby-db", "disk-full", on=True)
    try:
        done = plain(workplace, "sample-birkeby", "backup", "-e", destination("sample-birkeby"))
    finally:
        fault.set_fault("birkeby-db", "disk-full", on=False)
    assert done.returncode != 0
    assert "dump, compress, encrypt ended with" in done.stdout + done.stderr
    assert on("birkeby-db", f"ls -A {SCRATCH} | grep ready || true") == ""
    assert on("birkeby-db", "sudo -u postgres psql -XAtc 'SELECT count(*) FROM pg_replication_slots'") == "0"


def test_one_recipient_is_not_enough(workplace: Workplace) -> None:
    variables: dict[str, Any] = json.loads(destination("sample-birkeby"))
    variables["database_backup_recipients"] = variables["database_backup_recipients"][:1]
    done = plain(workplace, "sample-birkeby", "backup", "-e", json.dumps(variables))
    assert done.returncode != 0
    assert "at least two public age keys" in done.stdout


def test_a_survey_of_hosts_that_are_all_down_is_not_ok(workplace: Workplace) -> None:
    fault.set_fault("cedervig-1", "link-down", on=True)
    try:
        outcome = check(workplace, [hosted(workplace, "sample-cedervig")])[0]
    finally:
        fault.set_fault("cedervig-1", "link-down", on=False)
    assert outcome.status is Status.CHECK_FAILED
    assert outcome.data["level"] == "unknown"
