"""The status as of an instant: by the contract and the evidence of then."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsctl.contract.terms import AgreementState
from opsctl.core.clock import FixedClock
from opsctl.core.errors import ConfigurationError
from opsctl.core.progress import Silent
from opsctl.ledger import open_ledger
from opsctl.profiles.loader import load_profile
from opsctl.profiles.model import KamstrupProfile, terms_at
from opsctl.profiles.settings import Settings
from opsctl.promises.model import Word
from opsctl.releases.catalogue import Catalogue, load
from opsctl.report.fleet_status import fleet_status
from opsctl.report.outline import outline_of
from opsctl.report.status import CustomerStatus
from opsctl.runs.workplace import Workplace

ROOT = Path(__file__).resolve().parents[3]
NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOW - timedelta(days=5))


@pytest.fixture
def place(tmp_path: Path, clock: FixedClock) -> Iterator[Workplace]:
    ledger = open_ledger(f"sqlite:///{tmp_path}/ledger.db", clock)
    yield Workplace(Settings(), ledger, clock, Silent(), "tests", tmp_path / "runs", tmp_path / "drafts")
    ledger.close()


def stands(place: Workplace, name: str, at: datetime,
           releases: Catalogue | ConfigurationError | None = None) -> CustomerStatus:
    found = load_profile(ROOT / "inventories", f"sample-{name}")
    (row,) = fleet_status(place, [found], releases or load(ROOT / "releases"), at)
    return row


def test_the_past_is_judged_by_its_contract(place: Workplace) -> None:
    row = stands(place, "birkeby", datetime(2025, 3, 31, 12, tzinfo=UTC))
    assert row.hosting == "customer"
    assert row.backup.word is Word.NOT_COVERED
    assert stands(place, "birkeby", datetime(2025, 4, 1, 12, tzinfo=UTC)).backup.word is Word.UNKNOWN


def test_what_was_recorded_later_does_not_count(place: Workplace, clock: FixedClock) -> None:
    place.ledger.append("sample-aalund", "run.started", {}, actor="tests")
    clock.move(timedelta(days=5))
    place.ledger.append("sample-aalund", "backup.completed", {"day": "2026-11-23", "database": "ready"}, actor="tests")
    place.ledger.append("sample-aalund", "run.finished", {"operation": "patch apply", "status": "done"}, actor="tests")
    now, before = (stands(place, "aalund", at) for at in (NOW + timedelta(minutes=1), NOW - timedelta(days=1)))
    assert (now.backup.word, now.platform.word) == (Word.KEPT, Word.KEPT)
    assert (before.backup.word, before.platform.word) == (Word.BROKEN, Word.UNKNOWN)


def test_security_fixes_alone_do_not_bring_the_platform_up_to_date(place: Workplace, clock: FixedClock) -> None:
    ended = {"operation": "patch apply", "status": "done"}
    place.ledger.append("sample-aalund", "run.finished", {**ended, "purpose": "protection"}, actor="tests")
    then, after_the_agreement = clock.now() + timedelta(minutes=1), datetime(2030, 1, 1, tzinfo=UTC)
    assert stands(place, "aalund", then).platform.word is Word.UNKNOWN
    clock.move(timedelta(minutes=2))
    place.ledger.append("sample-aalund", "run.finished", {**ended, "purpose": "new value"}, actor="tests")
    clock.move(timedelta(days=2))
    place.ledger.append("sample-aalund", "run.finished", {**ended, "purpose": "protection"}, actor="tests")
    assert stands(place, "aalund", NOW).platform.detail == "up to date 2026-11-18"
    assert "last 1137 days ago" in stands(place, "aalund", after_the_agreement).platform.detail, "the last of both"


@pytest.mark.parametrize("name", ["aalund", "birkeby", "dalmose"])
@given(day=st.dates(date(2022, 1, 1), date(2031, 1, 1)))
def test_an_outline_knows_the_agreement_of_each_day(name: str, day: date) -> None:
    found = load_profile(ROOT / "inventories", f"sample-{name}")
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    assert outline_of(found).agreed(day) == (terms_at(found, noon).agreement_state(noon) is AgreementState.VALID)


def test_an_upgrade_that_is_unfinished_stands_above_the_cadence(place: Workplace, clock: FixedClock) -> None:
    place.ledger.append("sample-aalund", "run.finished", {"operation": "patch apply", "status": "done"}, actor="tests")
    target = {"target": {"platform": "debian", "version": 13}}
    place.ledger.append("sample-aalund", "upgrade.started", target, actor="tests")
    clock.move(timedelta(minutes=1))
    then = clock.now()
    found = stands(place, "aalund", then).platform
    assert found.word is Word.BROKEN and "the upgrade to Debian 13 is unfinished" in found.detail
    clock.move(timedelta(minutes=1))
    place.ledger.append("sample-aalund", "upgrade.completed", target, actor="tests")
    clock.move(timedelta(minutes=1))
    assert stands(place, "aalund", clock.now()).platform.word is Word.KEPT
    assert stands(place, "aalund", then).platform.word is Word.BROKEN, "as of then"


def test_customers_of_ours_whose_backups_never_came_are_broken_from_the_second_day(place: Workplace) -> None:
    place.ledger.append("sample-aalund", "run.started", {}, actor="tests")
    began = NOW - timedelta(days=5)
    words = [stands(place, "aalund", began + timedelta(days=days, minutes=1)).backup.word for days in range(3)]
    assert words == [Word.UNKNOWN, Word.UNKNOWN, Word.BROKEN]


def test_after_the_agreement_has_ended_only_security_notices_are_owed(place: Workplace) -> None:
    assert stands(place, "dalmose", NOW).notices.word is Word.UNKNOWN
    ended = datetime(2028, 3, 1, 12, tzinfo=UTC)
    assert stands(place, "dalmose", ended).notices.word is Word.UNKNOWN, "READY 6.0.0 closes a vulnerability"
    found = load(ROOT / "releases")
    older = Catalogue({version: one for version, one in found.releases.items() if version.major < 6}, found.files)
    judged = stands(place, "dalmose", ended, older)
    assert judged.notices.word is Word.NOT_COVERED
    assert "P05" in judged.notices.detail


def test_release_files_that_cannot_be_read_hide_no_backup(place: Workplace) -> None:
    broken = ConfigurationError("the release files have 1 error", "correct it")
    assert stands(place, "dalmose", NOW, broken).notices.word is Word.UNKNOWN
    assert stands(place, "aalund", NOW, broken).backup.word is Word.UNKNOWN


def test_the_release_is_the_one_that_was_proven_by_then(place: Workplace, clock: FixedClock) -> None:
    place.ledger.append("sample-cedervig", "release.installed", {"from": "5.4.0", "to": "5.5.0"}, actor="tests")
    assert stands(place, "cedervig", NOW).ready == "5.5.0"
    assert stands(place, "cedervig", clock.now() - timedelta(days=1)).ready == "5.4.0"


def with_databases(*names: str) -> KamstrupProfile:
    found = load_profile(ROOT / "inventories", "sample-aalund")
    assert isinstance(found, KamstrupProfile)
    return found.model_copy(update={"databases": tuple(found.databases[0].model_copy(update={"name": name})
                                                       for name in names)})


@pytest.mark.parametrize(("backed_up", "word"), [(("a", "old"), Word.BROKEN), (("a", "b", "old"), Word.KEPT)])
def test_a_backup_of_a_database_that_is_gone_stands_for_no_other(place: Workplace, clock: FixedClock,
                                                                 backed_up: tuple[str, ...], word: Word) -> None:
    place.ledger.append("sample-aalund", "run.started", {}, actor="tests")
    clock.move(timedelta(days=5))
    for name in backed_up:
        place.ledger.append("sample-aalund", "backup.completed", {
            "day": "2026-11-20" if name == "old" else "2026-11-23", "database": name, "backup_id": name},
            actor="tests")
    (row,) = fleet_status(place, [with_databases("a", "b")], load(ROOT / "releases"), NOW + timedelta(minutes=1))
    assert row.backup.word is word


def test_of_a_customer_that_has_left_nothing_is_owed_from_the_day_after(place: Workplace, clock: FixedClock) -> None:
    place.ledger.append("sample-aalund", "customer.offboarding-started", {"last_day": "2026-11-20", "reason": "r"},
                        actor="tests")
    last, after = (stands(place, "aalund", datetime(2026, 11, day, 12, tzinfo=UTC)) for day in (20, 21))
    assert last.backup.word is Word.BROKEN and last.ends == date(2026, 11, 20)
    assert {verdict.word for verdict in after.verdicts.values()} == {Word.NOT_COVERED}
    assert after.backup.detail == "the customer has left, its last day was 2026-11-20"
    clock.move(timedelta(days=5))
    place.ledger.append("sample-aalund", "customer.offboarding-cancelled", {"reason": "r"}, actor="tests")
    assert stands(place, "aalund", NOW + timedelta(minutes=1)).backup.word is Word.BROKEN
    assert stands(place, "aalund", NOW - timedelta(minutes=1)).backup.word is Word.NOT_COVERED, "as of then"


def test_a_database_added_today_breaks_nothing_of_yesterday(place: Workplace, clock: FixedClock) -> None:
    def record(kind: str, **payload: object) -> None:
        place.ledger.append("sample-aalund", kind, payload, actor="tests")

    def word() -> Word:
        (row,) = fleet_status(place, [with_databases("a", "b")], load(ROOT / "releases"),
                              clock.now() + timedelta(minutes=1))
        return row.backup.word

    record("run.started")
    clock.move(timedelta(days=4))
    for day in (21, 22):
        record("backup.completed", day=f"2026-11-{day}", database="a", backup_id=str(day))
    assert word() is Word.BROKEN, "nothing shows that the other is new"
    record("storage.measured", databases=[{"name": "a"}])
    assert word() is Word.NOT_DUE
    clock.move(timedelta(days=1))
    record("storage.measured", databases=[{"name": "a"}, {"name": "b"}])
    record("backup.completed", day="2026-11-23", database="a", backup_id="23")
    assert word() is Word.NOT_DUE, "today it is owed"
    clock.move(timedelta(days=1))
    record("backup.completed", day="2026-11-24", database="a", backup_id="24")
    clock.move(timedelta(days=1))
    assert word() is Word.BROKEN
