"""`opsctl customer offboard` as one uses it, and custody after a move."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from opsctl.core.clock import local_day
from opsctl.notices import shelf
from opsctl.runs.workplace import Workplace
from tests.unit.records.conftest import Run

TODAY = local_day(datetime.now(UTC), "Europe/Copenhagen")
LATER = (TODAY + timedelta(days=40)).isoformat()
OFFBOARD = ("customer", "offboard", "sample-elmegaard")


def test_from_the_last_day_to_the_checklist(opsctl: Run, tmp_path: Path) -> None:
    assert "--last-day DATE" in opsctl(*OFFBOARD).stderr
    assert opsctl("access", "add", "sample-elmegaard", "AC-1", "--by", "A", "--method", "VPN", "--to",
                  "2098-01-01T00:00Z").code == 0
    started = opsctl(*OFFBOARD, "--last-day", LATER, "--reason", "notice N-1")
    assert started.code == 0, started
    assert "revoke AC-1" in started.stdout and "What stays:" in started.stdout
    assert "backups-returned" not in started.stdout, "it never had any with Kamstrup"
    (tmp_path / "extract.jsonl").write_text("{}")
    ticked = opsctl(*OFFBOARD, "--done", "evidence-handed-over", "--by", "B. Person", "--evidence",
                    str(tmp_path / "extract.jsonl"), "--json")
    steps = {step["step"]: step["done"] for step in ticked.data["steps"]}
    assert steps["evidence-handed-over"] and not steps["grants-revoked"] and not steps["personal-data-erased"]
    assert opsctl("access", "revoke", "sample-elmegaard", "AC-1", "--reason", "it leaves").code == 0
    steps = {step["step"]: step["done"] for step in opsctl(*OFFBOARD, "--json").data["steps"]}
    assert steps["grants-revoked"]
    assert opsctl(*OFFBOARD, "--cancel", "--reason", "it stays").code == 0
    assert opsctl(*OFFBOARD).code == 2


def test_drafts_are_named_under_what_stays_and_go_with_the_names(opsctl: Run, place: Workplace, tmp_path: Path) -> None:
    drafts = place.drafts / "sample-elmegaard"
    shelf.put(drafts / "release-6.0.0" / "1", {"mail.eml": b"To: it@elmegaard.example"})
    place.ledger.put_personal("sample-elmegaard", "whose entry was never written")
    place.ledger.append("sample-elmegaard", "customer.offboarding-started",
                        {"last_day": (TODAY - timedelta(days=2)).isoformat()}, actor="tester")
    (tmp_path / "proof").write_text("signed")
    for step in ("evidence-handed-over", "profile-removal-prepared"):
        assert opsctl(*OFFBOARD, "--done", step, "--by", "B. Person", "--evidence", str(tmp_path / "proof")).code == 0
    before = opsctl(*OFFBOARD, "--json").data
    assert str(drafts) in before["stays"]["drafts of notices"]
    told = opsctl(*OFFBOARD, "--erase-personal", "--yes")
    assert (told.code, "3 names and addresses and 1 file of drafts erased" in told.stdout) == (0, True), told
    assert "drafts of notices" not in told.stdout and not drafts.exists()
    assert place.ledger.personal_of("sample-elmegaard") == []


@pytest.mark.parametrize(("words", "said"), [
    (("--erase-personal", "--yes"), "is a customer until"), (("--return-backups", "/nonexistent/x"), "never hosted"),
    (("--erase-backups", "--yes"), "is a customer until"), (("--done", "receipt-signed", "--by", "B"), "--evidence"),
    (("--cancel", "--erase-personal"), "one at a time")])
def test_steps_out_of_turn(words: tuple[str, ...], said: str, opsctl: Run) -> None:
    assert opsctl(*OFFBOARD, "--last-day", LATER, "--reason", "notice N-1").code == 0
    answer = opsctl(*OFFBOARD, *words)
    assert (answer.code, said in answer.stderr) == (2, True), answer


@pytest.mark.parametrize("words", [("upgrade", "plan", "sample-elmegaard", "--to-debian", "13"),
                                   ("module", "list", "sample-elmegaard"), ("patch", "plan", "sample-elmegaard")])
def test_who_has_left_is_told_so_whatever_is_asked_for(words: tuple[str, ...], opsctl: Run, place: Workplace) -> None:
    place.ledger.append("sample-elmegaard", "customer.offboarding-started", {"last_day": "2026-11-01"}, actor="tester")
    answer = opsctl(*words)
    assert (answer.code, "the customer has left" in answer.stdout + answer.stderr) == (4, True), answer


def test_backups_stay_in_reach_after_a_move(opsctl: Run, place: Workplace, tmp_path: Path) -> None:
    (tmp_path / "store").mkdir(mode=0o700)
    profile = place.settings.inventories / "sample-cedervig" / "profile.yml"
    profile.write_text(profile.read_text().replace("/var/lib/opsctl-lab/store/cedervig", str(tmp_path / "store")))
    assert opsctl("customer", "move", "sample-cedervig", "--hosting", "customer", "--from", TODAY.isoformat(),
                  "--reason", "C-9", "--yes").code == 0
    assert opsctl("backup", "run", "sample-cedervig").code == 4
    assert opsctl("backup", "clean", "sample-cedervig", "--yes").code == 4
    listed = opsctl("backup", "list", "sample-cedervig", "--days", "2")
    assert (listed.code, "no backups in the store" in listed.stdout) == (0, True), listed
    checked = opsctl("backup", "verify", "sample-cedervig", "20261120T010000Z-aaaaaa")
    assert (checked.code, "there is no backup" in checked.stdout + checked.stderr) == (3, True), checked
