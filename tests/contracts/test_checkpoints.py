"""The ledger's checkpoints in real stores: a directory, and a bucket with Object Lock behind a real server process."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine

from opsctl.adapters.objects import open_store
from opsctl.core.clock import FixedClock
from opsctl.core.errors import EvidenceDamaged, OperationFailed
from opsctl.core.progress import Silent
from opsctl.fleet.checkpoints import read_checkpoints, write_checkpoint
from opsctl.fleet.doctor import Finding as Doctored
from opsctl.fleet.doctor import checkpoints as doctor_checkpoints
from opsctl.ledger import FindingKind, guards, open_ledger
from opsctl.profiles.hosted import DirectoryStore, S3Store
from opsctl.profiles.settings import CheckpointSettings, Settings
from opsctl.runs.workplace import Workplace
from tests.unit.backup.s3_server import S3Server, running_s3

NOW = datetime(2026, 11, 23, 3, tzinfo=UTC)
Store = DirectoryStore | S3Store


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with running_s3(tmp_path_factory.mktemp("s3")) as found:
        found.make("locked", locked=True)
        found.make("open")
        yield found


@pytest.fixture(params=["directory", "s3", "s3 with lock"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "directory":
        (tmp_path / "kept").mkdir(mode=0o700)
        return DirectoryStore(kind="directory", path=str(tmp_path / "kept"))
    server: S3Server = request.getfixturevalue("server")
    return server.store("locked" if "lock" in request.param else "open", f"{tmp_path.name}/")


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOW)


@pytest.fixture
def place(store: Store, clock: FixedClock, tmp_path: Path) -> Iterator[Workplace]:
    ledger = open_ledger(f"sqlite:///{tmp_path}/ledger.db", clock)
    yield Workplace(Settings(checkpoints=CheckpointSettings(store=store)), ledger, clock, Silent(), "tests",
                    tmp_path / "runs", tmp_path / "drafts")
    ledger.close()


def fill(place: Workplace, count: int = 6, chain: str = "sample-aalund") -> None:
    for number in range(count):
        place.ledger.append(chain, "backup.finished", {"number": number}, actor="nightly")


def cut(tmp_path: Path, place: Workplace, last: int) -> None:
    """Entries are cut off with their head row and their place among the newest: nothing in the ledger shows it."""
    head = list(place.ledger.entries("sample-aalund"))[last - 1].hash
    engine = create_engine(f"sqlite:///{tmp_path}/ledger.db")
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER ledger_entry_no_delete")
        connection.exec_driver_sql(f"DELETE FROM ledger_entry WHERE chain = 'sample-aalund' AND sequence > {last}")  # noqa: S608
        connection.exec_driver_sql(f"UPDATE ledger_head SET count = {last}, hash = '{head}' "  # noqa: S608
                                   "WHERE chain = 'sample-aalund'")
        guards.restore(connection)
    engine.dispose()
    place.ledger.rebuild()


def kinds(place: Workplace) -> set[FindingKind]:
    found = read_checkpoints(place)
    assert found is not None
    own = place.ledger.verify(checkpoints=[one.chains for one in found.sealed]).findings
    return {finding.kind for finding in (*own, *found.findings)}


def test_a_cut_tail_is_found_and_no_new_checkpoint_blesses_it(place: Workplace, tmp_path: Path) -> None:
    fill(place)
    written = write_checkpoint(place)
    assert written is not None and written.number == 1
    assert kinds(place) == set()
    cut(tmp_path, place, 4)
    assert place.ledger.verify().sound, "the ledger alone does not show it"
    assert kinds(place) == {FindingKind.CUT_TAIL}
    with pytest.raises(EvidenceDamaged, match="had 6 entries, and has 4"):
        write_checkpoint(place)
    fill(place, 3)
    assert kinds(place) == {FindingKind.HEAD_MISMATCH}
    with pytest.raises(EvidenceDamaged, match="entry 6 of the chain sample-aalund is not the one that was there"):
        write_checkpoint(place)
    found = read_checkpoints(place)
    assert found is not None and len(found.sealed) == 1


def test_checkpoints_follow_one_another_and_a_ledger_that_grows_stays_sound(place: Workplace,
                                                                           clock: FixedClock) -> None:
    for number in (1, 2, 3):
        fill(place, 2)
        written = write_checkpoint(place)
        assert written is not None and written.number == number
        clock.move(timedelta(days=1))
        assert kinds(place) == set()
    entry = place.ledger.last("operator", "checkpoint.written")
    assert entry is not None and entry.payload["number"] == 3


def raw(store: Store) -> tuple[Callable[[str, bytes], None], Callable[[], list[str]]]:
    """How somebody with write access works: around opsctl."""
    opened = open_store(store)
    return opened.put, lambda: [one.key for one in opened.list("checkpoints/").objects]


@pytest.mark.parametrize("place_of", [0, 1, 2])
def test_a_checkpoint_that_was_written_over_is_a_finding(place_of: int, place: Workplace, store: Store,
                                                         clock: FixedClock) -> None:
    for _ in range(3):
        fill(place, 2)
        write_checkpoint(place)
        clock.move(timedelta(days=1))
    put, keys = raw(store)
    key = keys()[place_of]
    body = json.loads(open_store(store).get(key))
    body["chains"]["sample-aalund"] = [1, "0" * 64]
    put(key, (json.dumps(body, sort_keys=True, separators=(",", ":")) + "\n").encode())
    assert FindingKind.CHECKPOINT in kinds(place)
    put(key, b"rubbish")
    assert FindingKind.CHECKPOINT in kinds(place)
    if place_of == 2:
        with pytest.raises(EvidenceDamaged, match="was changed"):
            write_checkpoint(place)


def test_a_checkpoint_that_was_taken_away_is_a_finding(place: Workplace, store: Store, clock: FixedClock) -> None:
    for _ in range(2):
        fill(place, 2)
        last = write_checkpoint(place)
        clock.move(timedelta(days=1))
    assert last is not None
    if last.locked_until:
        with pytest.raises(OperationFailed):
            open_store(store).delete(last.key)
        assert kinds(place) == set(), "the lock kept it"
        assert isinstance(store, S3Store)
        client_of(store).delete_object(Bucket="locked", Key=f"{store.prefix}{last.key}")
    else:
        open_store(store).delete(last.key)
    assert kinds(place) == {FindingKind.CHECKPOINT}


def client_of(store: S3Store) -> Any:
    return open_store(store)._client  # type: ignore[attr-defined]


def test_what_the_lock_is_is_read_back_and_the_doctor_judges_it(place: Workplace, store: Store,
                                                               clock: FixedClock) -> None:
    assert doctor_checkpoints(place).finding is Doctored.WARN
    fill(place)
    written = write_checkpoint(place)
    assert written is not None
    locked = isinstance(store, S3Store) and store.bucket == "locked"
    assert written.locked_until == ((NOW + timedelta(days=400)).isoformat() if locked else "")
    found = doctor_checkpoints(place)
    assert (found.finding, "lock" in found.detail) == (Doctored.PASS if locked else Doctored.WARN, True)
    clock.move(timedelta(hours=37))
    assert doctor_checkpoints(place).finding is Doctored.WARN
