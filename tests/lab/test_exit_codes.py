"""Each exit code by the real commands on the lab; 0, 2, 3 and 4 without hosts are in tests/unit/cli."""

import json
import sqlite3
from pathlib import Path

import pytest

from opsctl.lab import fault
from tests.lab.patch_support import offered
from tests.lab.surroundings import Opsctl

pytestmark = pytest.mark.lab


def edit(inventories: Path, customer: str, old: str, new: str) -> None:
    path = inventories / customer / "profile.yml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_1_a_host_that_cannot_be_reached(opsctl: Opsctl) -> None:
    fault.set_fault("cedervig-1", "link-down", True)
    try:
        answer = opsctl("backup", "run", "sample-cedervig", "--json")
    finally:
        fault.set_fault("cedervig-1", "link-down", False)
    assert answer.code == 1, answer
    assert answer.envelope["errors"][0]["resolution"]


def test_3_an_unknown_host_key_is_refused(opsctl: Opsctl, inventories: Path) -> None:
    (inventories / "sample-cedervig" / "known_hosts").write_text("", encoding="utf-8")
    answer = opsctl("backup", "run", "sample-cedervig", "--json")
    assert answer.code in {1, 3}, answer
    assert "cedervig-1" in answer.stdout


@pytest.mark.parametrize("command", [("backup", "run"), ("backup", "list"), ("backup", "prune"), ("storage", "check"),
                                     ("patch", "plan"), ("patch", "apply")], ids=" ".join)
def test_4_not_covered(command: tuple[str, str], opsctl: Opsctl) -> None:
    answer = opsctl(*command, "sample-elmegaard", "--json")
    assert answer.code == 4, answer


def test_4_an_ended_agreement_stops_updates_but_not_security_fixes(opsctl: Opsctl, inventories: Path) -> None:
    edit(inventories, "sample-aalund", "valid_to: 2029-12-31", "valid_to: 2024-12-31")
    refused = opsctl("patch", "plan", "sample-aalund", "--json")
    assert refused.code == 4, refused
    assert "P05" in refused.envelope["errors"][0]["message"]
    assert opsctl("patch", "plan", "sample-aalund", "--security-only", "--json").code == 0
    backup = opsctl("backup", "run", "sample-aalund", "--json")
    assert backup.code == 0, backup
    assert "P05" in backup.envelope["warnings"][0]


def test_5_a_closed_window_and_a_freeze(opsctl: Opsctl, inventories: Path) -> None:
    edit(inventories, "sample-aalund", "windows:\n", "freezes:\n  - {first_day: 2000-01-01, last_day: 2099-12-31, "
                                                     "reason: a test}\nwindows:\n")
    frozen = opsctl("patch", "apply", "sample-aalund", "--yes", "--json")
    assert frozen.code == 5, frozen
    assert "frozen" in frozen.envelope["errors"][0]["message"]
    path = inventories / "sample-birkeby" / "profile.yml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text[:text.index("windows:")], encoding="utf-8")
    closed = opsctl("patch", "apply", "sample-birkeby", "--yes", "--json")
    assert closed.code == 5, closed
    assert "no maintenance window" in closed.envelope["errors"][0]["message"]


def test_6_a_plan_that_no_longer_fits(opsctl: Opsctl, tmp_path: Path) -> None:
    planned = opsctl("patch", "plan", "sample-cedervig", "--output", str(tmp_path / "plans"), "--json")
    assert planned.code == 0, planned
    (file,) = planned.envelope["data"]["files"]
    with offered("metertools") as versions:
        answer = opsctl("patch", "apply", "sample-cedervig", "--plan", file, "--yes", "--json")
    assert answer.code == 6, answer
    assert versions["metertools"] in answer.stdout
    document = json.loads(Path(file).read_text(encoding="utf-8"))
    document["predicted"] = 0.5
    document["customer"] = "sample-aalund"
    Path(file).write_text(json.dumps(document), encoding="utf-8")
    assert opsctl("patch", "apply", "sample-aalund", "--plan", file, "--yes").code == 3


def test_7_one_of_two_databases(opsctl: Opsctl, inventories: Path) -> None:
    edit(inventories, "sample-birkeby", "  - {name: ready, engine: postgresql, host: birkeby-db}\n",
         "  - {name: ready, engine: postgresql, host: birkeby-db}\n"
         "  - {name: second, engine: postgresql, host: birkeby-db, cluster: none}\n")
    answer = opsctl("backup", "run", "sample-birkeby", "--json")
    assert answer.code == 7, answer
    outcome = answer.envelope["data"]["outcomes"][0]
    assert [backup["database"] for backup in outcome["data"]["backups"]] == ["ready"]
    assert [failed["database"] for failed in outcome["data"]["failed"]] == ["second"]


def test_8_a_volume_over_its_limit(opsctl: Opsctl, inventories: Path) -> None:
    edit(inventories, "sample-cedervig", "windows:\n",
         "thresholds: {storage_warning_percent: 1, storage_critical_percent: 2}\nwindows:\n")
    answer = opsctl("storage", "check", "sample-cedervig", "--json")
    assert answer.code == 8, answer
    nagios = opsctl("storage", "check", "sample-cedervig", "--format", "nagios")
    assert nagios.code == 2
    assert nagios.stdout.startswith("STORAGE CRITICAL - ")
    assert " | '" in nagios.stdout


def test_9_a_forged_manifest_and_an_edited_ledger(opsctl: Opsctl, tmp_path: Path) -> None:
    assert opsctl("backup", "run", "sample-cedervig").code == 0
    (manifest,) = (tmp_path / "store").rglob("manifest.json")
    manifest.chmod(0o600)
    manifest.write_text(manifest.read_text(encoding="utf-8").replace('"cedervig-1"', '"cedervig-2"'), encoding="utf-8")
    verified = opsctl("backup", "verify", "sample-cedervig", manifest.parent.name, "--json")
    assert verified.code == 9, verified
    with sqlite3.connect(tmp_path / "ledger" / "ledger.db") as ledger:
        for (name,) in ledger.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            ledger.execute(f"DROP TRIGGER {name}")
        ledger.execute("UPDATE ledger_entry SET payload = replace(payload, 'cedervig-1', 'cedervig-9')")
    damaged = opsctl("ledger", "verify", "--json")
    assert damaged.code == 9, damaged
    assert damaged.envelope["data"]["integrity"] == "broken"


def test_75_two_backups_of_one_customer_at_once(opsctl: Opsctl) -> None:
    first = opsctl.start("backup", "run", "sample-aalund", "--bandwidth", "1")
    assert first.stderr is not None
    for line in first.stderr:
        if "postgresql" in line:
            break
    second = opsctl("backup", "run", "sample-aalund", "--json")
    assert second.code == 75, second
    assert "until" in second.envelope["errors"][0]["message"]
    first.communicate(timeout=120)
    assert first.returncode == 0


def test_restore_by_the_command_into_a_server_that_starts(opsctl: Opsctl, lab: Path, tmp_path: Path) -> None:
    assert opsctl("backup", "run", "sample-cedervig").code == 0
    folder = f"/var/lib/restored-{tmp_path.parent.name}-{tmp_path.name}"
    arguments = ("backup", "restore", "sample-cedervig", "--host", "cedervig-1", "--directory", folder, "--identity",
                 f"file:{lab}/secrets/sample-cedervig-offline.agekey", "--json")
    assert opsctl(*arguments).code == 2
    dry = opsctl(*arguments, "--dry-run")
    assert dry.code == 0, dry
    restored = opsctl(*arguments, "--yes")
    assert restored.code == 0, restored
    data = restored.envelope["data"]["outcomes"][0]["data"]
    assert sum(data["rows"].values()) > 300_000
    assert "AGE-SECRET-KEY" not in restored.stdout + restored.stderr


def test_a_pin_keeps_a_backup_until_it_is_lifted(opsctl: Opsctl) -> None:
    assert opsctl("backup", "run", "sample-cedervig").code == 0
    backup = opsctl("backup", "list", "sample-cedervig", "--json").envelope["data"]["backups"][0]["id"]
    assert opsctl("backup", "pin", "sample-cedervig", backup).code == 2
    assert opsctl("backup", "pin", "sample-cedervig", backup, "--reason", "an audit").code == 0
    evidence = opsctl("ledger", "export", "sample-cedervig").stdout
    assert '"backup.pinned"' in evidence and '"reason":"an audit"' in evidence
    assert opsctl("backup", "unpin", "sample-cedervig", backup, "--reason", "it is over").code == 0
    assert opsctl("backup", "clean", "sample-cedervig", "--yes", "--json").envelope["data"]["outcomes"][0][
        "status"] == "unchanged"


def test_doctor_passes_on_the_lab_and_names_what_is_not_fit(opsctl: Opsctl, inventories: Path) -> None:
    assert opsctl("doctor", "--json").code == 0
    (inventories / "sample-aalund" / "keys" / "offline.pub").unlink()
    answer = opsctl("doctor", "sample-aalund", "--json")
    assert answer.code == 8
    assert "offline.pub" in answer.envelope["errors"][0]["message"]
