"""What names persons of a customer that has left is gone, on SQLite and on a real PostgreSQL, whoever was killed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from opsctl.contract.records import RecordKind
from opsctl.core.clock import FixedClock
from opsctl.core.errors import OperationFailed
from opsctl.core.progress import Silent
from opsctl.fleet.checklist import Step, checklist
from opsctl.fleet.offboarding import done, erase_personal, start
from opsctl.fleet.personal import DRAFTS_ERASING
from opsctl.ledger import open_ledger
from opsctl.notices import shelf
from opsctl.profiles.loader import load_profile
from opsctl.profiles.model import Profile
from opsctl.records.register import Grant, add, revoke
from opsctl.runs.workplace import Workplace
from tests.unit.workplaces import SAMPLES

CUSTOMER = "sample-elmegaard"


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(datetime(2026, 11, 23, 12, tzinfo=UTC))


@pytest.fixture
def place(ledger_url: str, clock: FixedClock, tmp_path: Path) -> Iterator[Workplace]:
    ledger = open_ledger(ledger_url, clock)
    yield Workplace(SAMPLES, ledger, clock, Silent(), "tests", tmp_path / "runs", tmp_path / "drafts")
    ledger.close()


@pytest.fixture
def profile() -> Profile:
    return load_profile(SAMPLES.inventories, CUSTOMER)


@pytest.fixture
def left(place: Workplace, profile: Profile, clock: FixedClock, tmp_path: Path) -> Path:
    """The customer has left, and all but its names is done. Its folder of drafts: one kept, sent and broken off."""
    grant = Grant(RecordKind.ACCESS, "AC-1", "A. Person", clock.now(), clock.now() + timedelta(days=400),
                  details={"method": "VPN"})
    add(place, CUSTOMER, grant)
    revoke(place, CUSTOMER, RecordKind.ACCESS, "AC-1", "it leaves")
    folder = shelf.place(place.drafts, CUSTOMER, "release-6.0.0", 1)
    shelf.put(folder, {"mail.eml": b"To: it@elmegaard.example", "summary.json": b"{}"})
    shelf.keep(folder.with_name("1.sent"), "mail.eml", b"To: it@elmegaard.example")
    folder.with_name(".2.unfinished").mkdir()
    start(place, profile, date(2026, 11, 23), "notice N-1")
    clock.move(timedelta(days=2))
    (tmp_path / "proof").write_text("signed")
    for step in (Step.EVIDENCE, Step.PROFILE):
        done(place, profile, step.value, "B. Person", tmp_path / "proof")
    return place.drafts / CUSTOMER


def personal(place: Workplace, profile: Profile) -> tuple[bool, str]:
    """Whether the step is done, and what is to do."""
    (line,) = [line for line in checklist(place, profile, None) if line.step is Step.PERSONAL]
    return bool(line.done), line.todo


def test_a_text_that_no_entry_names_is_erased_with_the_others(place: Workplace, profile: Profile, left: Path) -> None:
    orphan = place.ledger.put_personal(CUSTOMER, "A. Person <a@elmegaard.example>: text of a mail")
    other = place.ledger.put_personal("sample-dalmose", "another customer's")
    assert orphan in place.ledger.personal_of(CUSTOMER) and len(place.ledger.personal_of(CUSTOMER)) == 4
    told = erase_personal(place, profile, None, "").summary
    assert told.startswith("4 names and addresses and 3 files of drafts erased")
    assert place.ledger.personal_of(CUSTOMER) == [] and place.ledger.personal(orphan) is None
    assert place.ledger.personal_of("sample-dalmose") == [other]
    assert personal(place, profile)[0] and place.ledger.verify().sound


def test_the_drafts_go_with_the_names_and_that_is_on_record(place: Workplace, profile: Profile, left: Path) -> None:
    shelf.put(shelf.place(place.drafts, "sample-dalmose", "release-6.0.0", 1), {"mail.eml": b"another customer's"})
    erase_personal(place, profile, None, "")
    assert [path.name for path in place.drafts.iterdir()] == ["sample-dalmose"]
    said = {entry.kind: entry.payload for entry in place.ledger.entries(CUSTOMER)}
    assert said[DRAFTS_ERASING] == {"files": 3}
    assert said["customer.personal-erased"] == {"count": 3, "draft_files": 3}


def test_what_comes_after_the_erasure_opens_the_step_again(place: Workplace, profile: Profile, left: Path) -> None:
    erase_personal(place, profile, None, "")
    assert personal(place, profile)[0]
    place.ledger.put_personal(CUSTOMER, "noted down late")
    left.mkdir()
    is_done, todo = personal(place, profile)
    assert not is_done and todo.endswith(f"1 text with names or addresses and the drafts in {left}")
    erase_personal(place, profile, None, "")
    assert personal(place, profile)[0] and not left.exists()


def test_drafts_that_cannot_be_erased_are_told_and_the_step_stays_open(place: Workplace, profile: Profile, left: Path,
                                                                       tmp_path: Path) -> None:
    left.rename(tmp_path / "elsewhere")
    left.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OperationFailed, match="is a link"):
        erase_personal(place, profile, None, "")
    assert len(place.ledger.personal_of(CUSTOMER)) == 3 and not personal(place, profile)[0]
    assert len(list((tmp_path / "elsewhere").rglob("*.eml"))) == 2, "what it leads to is not touched"
    left.unlink()
    left.write_text("no folder")
    with pytest.raises(OperationFailed, match="cannot be erased"):
        erase_personal(place, profile, None, "")
