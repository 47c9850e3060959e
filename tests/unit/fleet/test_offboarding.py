"""A customer leaves: what is refused, handed over and erased, and that nothing is ticked without its proof."""

import hashlib
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from opsctl.adapters.objects.memory import MemoryObjects
from opsctl.backup.pinning import PINNED
from opsctl.contract.gate import Delivery, Purpose, Request
from opsctl.contract.records import RecordKind
from opsctl.contract.services import Service
from opsctl.core.errors import CheckFailed, ExitCode, UsageError
from opsctl.core.outcome import Status
from opsctl.fleet.checklist import Step, checklist, overdue
from opsctl.fleet.offboarding import cancel, done, erase_personal, require_after_last_day, require_receipt, start
from opsctl.fleet.returning import SUMS, erase, hand_over
from opsctl.records.register import Grant, add, revoke
from opsctl.runs.service import gate
from tests.unit.backup.made import Bench, bench

BACKUP = Request(Service.BACKUP, Purpose.PROTECT, Delivery.WORK)
LAST = date(2026, 12, 31)


@pytest.fixture
def leaving(tmp_path: Path) -> Iterator[Bench]:
    found = bench(tmp_path)
    yield found
    found.workplace.ledger.close()


@pytest.fixture
def store(leaving: Bench) -> MemoryObjects:
    return MemoryObjects(leaving.clock)


def open_steps(found: Bench) -> list[str]:
    return [line.step.value for line in checklist(found.workplace, found.profile, found.profile) if not line.done]


def proof(folder: Path) -> Path:
    path = folder / "receipt.pdf"
    path.write_bytes(b"signed")
    return path


def test_everything_stops_after_the_last_day_and_cancelling_opens_it_again(leaving: Bench) -> None:
    place, profile = leaving.workplace, leaving.profile
    assert start(place, profile, LAST, "notice N-1").status is Status.DONE
    assert start(place, profile, LAST, "notice N-1").status is Status.UNCHANGED
    with pytest.raises(UsageError, match="2026-12-31"):
        start(place, profile, date(2027, 1, 31), "notice N-1")
    last_second = datetime(2026, 12, 31, 22, 59, 59, tzinfo=UTC)
    assert gate(profile, BACKUP, last_second, place.ledger).allowed
    assert not gate(profile, BACKUP, last_second + timedelta(seconds=1), place.ledger).allowed
    assert cancel(place, profile, "it stays").status is Status.DONE
    assert gate(profile, BACKUP, last_second + timedelta(seconds=1), place.ledger).allowed
    with pytest.raises(UsageError, match="is not leaving"):
        checklist(place, profile, profile)


@pytest.mark.parametrize(("day", "reason", "said"), [(date(2026, 11, 22), "r", "in the past"), (LAST, " ", "a reason")])
def test_a_start_that_cannot_be_meant(day: date, reason: str, said: str, leaving: Bench) -> None:
    with pytest.raises(UsageError, match=said):
        start(leaving.workplace, leaving.profile, day, reason)
    assert leaving.kinds() == []


def test_the_whole_way(leaving: Bench, store: MemoryObjects, tmp_path: Path) -> None:
    place, profile = leaving.workplace, leaving.profile
    made = [leaving.make(store) for _ in range(2)]
    store.put(f"{profile.customer}/ready/20261101T000000Z-aaaaaa/volume-0001.age", b"left over")
    now = leaving.clock.now()
    add(place, profile.customer, Grant(RecordKind.ORDER, "O-1", "A. Person", now, None, ("network-management",)))
    start(place, profile, LAST, "notice N-1")
    assert open_steps(leaving) == [step.value for step in Step]
    revoke(place, profile.customer, RecordKind.ORDER, "O-1", "it leaves")
    target = tmp_path / "returned"
    assert hand_over(place, profile, target, store=store).code is ExitCode.OK
    sums = dict(reversed(line.split("  ")) for line in (target / SUMS).read_text().splitlines())
    assert len(sums) == 4
    assert all(hashlib.sha256((target / name).read_bytes()).hexdigest() == digest for name, digest in sums.items())
    assert (target / "ready" / made[0].backup_id / "volume-0001.age").read_bytes() == b"0123456789" * 10
    with pytest.raises(UsageError, match="until 2026-12-31"):
        require_after_last_day(place, profile)
    with pytest.raises(UsageError, match="not signed"):
        require_receipt(place, profile)
    for step in (Step.API_KEY, Step.RECEIPT, Step.EVIDENCE):
        done(place, profile, step.value, "B. Person", proof(tmp_path))
    require_receipt(place, profile)
    leaving.clock.move(timedelta(days=45))
    require_after_last_day(place, profile)
    assert erase(place, profile, store=store).code is ExitCode.OK
    assert store.list(f"{profile.customer}/").objects == () and store.versions(f"{profile.customer}/") == ()
    with pytest.raises(UsageError, match="still open: profile-removal-prepared"):
        erase_personal(place, profile, profile, "")
    done(place, profile, Step.PROFILE.value, "B. Person", proof(tmp_path))
    assert erase_personal(place, profile, profile, "").summary.startswith("5 names")
    referred = {word for entry in place.ledger.entries() for word in re.findall(r"[0-9a-f]{64}", str(entry.payload))}
    assert referred and not any(place.ledger.personal(reference) for reference in referred)
    assert open_steps(leaving) == []
    assert place.ledger.verify().sound
    with pytest.raises(UsageError, match="erased already"):
        cancel(place, profile, "it stays")


def test_nothing_is_erased_that_was_not_handed_over_or_is_kept(leaving: Bench, store: MemoryObjects,
                                                               tmp_path: Path) -> None:
    place, profile = leaving.workplace, leaving.profile
    first = leaving.make(store)
    start(place, profile, LAST, "notice N-1")
    hand_over(place, profile, tmp_path / "one", store=store)
    second = leaving.make(store)
    refused = erase(place, profile, store=store)
    assert (refused.code, second.backup_id in refused.summary) == (ExitCode.USAGE, True)
    hand_over(place, profile, tmp_path / "two", store=store)
    place.ledger.append(profile.customer, PINNED, {"backup_id": first.backup_id, "reason": "a dispute"},
                        actor="test")
    refused = erase(place, profile, store=store)
    assert (refused.code, "a dispute" in refused.summary) == (ExitCode.USAGE, True)
    assert len(store.list(f"{profile.customer}/").objects) == 4


def test_a_damaged_backup_is_not_handed_over_as_whole(leaving: Bench, store: MemoryObjects, tmp_path: Path) -> None:
    place, profile = leaving.workplace, leaving.profile
    made = leaving.make(store)
    start(place, profile, LAST, "notice N-1")
    body = store.get(made.prefix + "volume-0001.age")
    store.put(made.prefix + "volume-0001.age", b"X" + body[1:])
    outcome = hand_over(place, profile, tmp_path / "returned", store=store)
    assert (outcome.code, "at byte 0" in outcome.summary) == (CheckFailed.exit_code, True)
    assert "customer.backups-returned" not in leaving.kinds()
    again = hand_over(place, profile, tmp_path / "returned", store=store)
    assert (again.code, "not empty" in again.summary) == (ExitCode.USAGE, True)


def test_a_step_needs_its_proof(leaving: Bench, tmp_path: Path) -> None:
    place, profile = leaving.workplace, leaving.profile
    with pytest.raises(UsageError, match="is not leaving"):
        done(place, profile, Step.RECEIPT.value, "B. Person", proof(tmp_path))
    start(place, profile, LAST, "notice N-1")
    for step, by, file, said in ((Step.ERASED.value, "B", proof(tmp_path), "by hand"),
                                 (Step.RECEIPT.value, " ", proof(tmp_path), "--by"),
                                 (Step.RECEIPT.value, "B", tmp_path / "none", "cannot be read")):
        with pytest.raises(UsageError, match=said):
            done(place, profile, step, by, file)


def test_what_was_done_for_an_earlier_leaving_does_not_count(leaving: Bench, store: MemoryObjects,
                                                             tmp_path: Path) -> None:
    place, profile = leaving.workplace, leaving.profile
    start(place, profile, LAST, "notice N-1")
    hand_over(place, profile, tmp_path / "returned", store=store)
    done(place, profile, Step.RECEIPT.value, "B. Person", proof(tmp_path))
    cancel(place, profile, "it stays")
    leaving.clock.move(timedelta(days=1))
    start(place, profile, LAST, "notice N-2")
    with pytest.raises(UsageError, match="not signed"):
        require_receipt(place, profile)


def test_a_receipt_is_for_what_was_handed_over_before_it(leaving: Bench, store: MemoryObjects, tmp_path: Path) -> None:
    place, profile = leaving.workplace, leaving.profile
    start(place, profile, LAST, "notice N-1")
    with pytest.raises(UsageError, match="nothing was handed over"):
        done(place, profile, Step.RECEIPT.value, "B. Person", proof(tmp_path))
    for folder in ("one", "two"):
        leaving.make(store)
        leaving.clock.move(timedelta(hours=1))
        hand_over(place, profile, tmp_path / folder, store=store)
        with pytest.raises(UsageError, match="not signed"):
            require_receipt(place, profile)
        leaving.clock.move(timedelta(hours=1))
        done(place, profile, Step.RECEIPT.value, "B. Person", proof(tmp_path))
        require_receipt(place, profile)


def test_it_is_overdue_thirty_days_after_the_last_one(leaving: Bench) -> None:
    place, profile = leaving.workplace, leaving.profile
    start(place, profile, date(2026, 11, 23), "notice N-1")
    for days, late in ((30, False), (1, True)):
        leaving.clock.move(timedelta(days=days))
        assert overdue(place, profile, checklist(place, profile, profile)) is late


def test_a_customer_that_was_never_hosted_has_no_backups_to_return(leaving: Bench) -> None:
    place, profile = leaving.workplace, leaving.profile
    start(place, profile, LAST, "notice N-1")
    steps = {line.step for line in checklist(place, profile, None)}
    assert steps == {Step.STOPPED, Step.GRANTS, Step.EVIDENCE, Step.PERSONAL, Step.PROFILE}


def test_without_any_backup_nothing_is_handed_over_and_that_is_on_record(leaving: Bench, store: MemoryObjects,
                                                                        tmp_path: Path) -> None:
    place, profile = leaving.workplace, leaving.profile
    start(place, profile, LAST, "notice N-1")
    leaving.clock.move(timedelta(days=45))
    assert hand_over(place, profile, tmp_path / "returned", store=store).code is ExitCode.OK
    assert erase(place, profile, store=store).code is ExitCode.OK
    assert {"backups-returned", "backups-erased"} & set(open_steps(leaving)) == set()
