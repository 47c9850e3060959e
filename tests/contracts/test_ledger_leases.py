"""Leases and their fences, on SQLite and on a real PostgreSQL, by the database's clock."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import create_engine, text

from opsctl.core.clock import FixedClock, SystemClock, iso
from opsctl.core.errors import Locked
from opsctl.ledger import Ledger, held, open_ledger


@pytest.fixture
def ledger(ledger_url: str) -> Iterator[Ledger]:
    # A control machine whose clock is far off: leases must not care.
    opened = open_ledger(ledger_url, FixedClock(datetime(2001, 1, 1, tzinfo=UTC)))
    yield opened
    opened.close()


@pytest.fixture
def other(ledger: Ledger, ledger_url: str) -> Iterator[Ledger]:
    opened = open_ledger(ledger_url, SystemClock())
    yield opened
    opened.close()


def pass_time(url: str, seconds: float) -> None:
    """Let every lease's time pass, without waiting for it."""
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE ledger_lease SET until = until - :by"), {"by": int(seconds * 1000)})
    engine.dispose()


def test_a_lease_excludes_and_names_its_holder(ledger: Ledger, other: Ledger) -> None:
    lease = ledger.acquire("aalund/backup", "run-1", 60)
    assert abs((lease.since - datetime.now(UTC)).total_seconds()) < 5
    assert (lease.until - lease.since).total_seconds() == pytest.approx(60, abs=0.01)
    for owner in ("run-2", "run-1"):
        with pytest.raises(Locked) as caught:
            other.acquire("aalund/backup", owner, 60)
        for part in ("run-1", iso(lease.since), iso(lease.until)):
            assert part in caught.value.message
    assert other.leases() == [lease]
    assert other.acquire("aalund/patch", "run-2", 60).fence == 1
    ledger.release(lease)
    assert other.acquire("aalund/backup", "run-2", 60).fence == 2


def test_the_old_holder_of_a_lease_taken_over_is_refused(ledger: Ledger, other: Ledger, ledger_url: str) -> None:
    old = ledger.acquire("aalund/backup", "run-1", 60)
    ledger.append("aalund", "backup.started", {}, actor="me", lease=old)
    pass_time(ledger_url, 61)
    assert [lease.expired for lease in ledger.leases()] == [True]
    new = other.acquire("aalund/backup", "run-2", 60)
    assert new.fence == old.fence + 1
    with pytest.raises(Locked, match="taken over by run-2"):
        ledger.append("aalund", "backup.finished", {}, actor="me", lease=old)
    with pytest.raises(Locked, match="taken over by run-2"):
        ledger.renew(old)
    ledger.release(old)
    other.append("aalund", "backup.finished", {}, actor="me", lease=new)
    assert [entry.kind for entry in ledger.entries()] == ["backup.started", "backup.finished"]
    assert ledger.leases() == [new] and ledger.verify().sound


def test_a_refused_append_leaves_nothing_behind(ledger: Ledger) -> None:
    lease = ledger.acquire("aalund/backup", "run-1", 60)
    ledger.release(lease)
    with pytest.raises(Locked, match="released"):
        ledger.append("aalund", "backup.finished", {}, actor="me", lease=lease)
    assert ledger.chains() == [] and ledger.checkpoint() == {}


def test_an_expired_lease_that_nobody_took_still_counts(ledger: Ledger, ledger_url: str) -> None:
    lease = ledger.acquire("aalund/backup", "run-1", 60)
    pass_time(ledger_url, 61)
    ledger.append("aalund", "backup.finished", {}, actor="me", lease=lease)
    renewed = ledger.renew(lease)
    assert renewed.fence == lease.fence and ledger.leases() == [renewed]
    with pytest.raises(Locked):
        ledger.acquire("aalund/backup", "run-2", 60)


def test_a_lease_ends_by_itself(ledger: Ledger, other: Ledger) -> None:
    ledger.acquire("aalund/backup", "run-1", 0.3)
    with pytest.raises(Locked):
        other.acquire("aalund/backup", "run-2", 1)
    time.sleep(0.4)
    assert other.acquire("aalund/backup", "run-2", 1).owner == "run-2"


@pytest.mark.parametrize("seconds", [0, -1, float("nan")])
def test_a_lease_needs_time(ledger: Ledger, seconds: float) -> None:
    with pytest.raises(ValueError, match="more than 0"):
        ledger.acquire("a", "b", seconds)


def test_a_held_lease_is_renewed_and_released(ledger: Ledger, other: Ledger) -> None:
    with held(ledger, "aalund/backup", "run-1", 0.6) as lease:
        time.sleep(1.5)
        assert not lease.lost
        with pytest.raises(Locked):
            other.acquire("aalund/backup", "run-2", 60)
        ledger.append("aalund", "backup.finished", {}, actor="me", lease=lease)
    assert other.leases() == []


def test_a_held_lease_says_when_it_is_lost(ledger: Ledger, other: Ledger, ledger_url: str) -> None:
    with held(ledger, "aalund/backup", "run-1", 0.9) as lease:
        pass_time(ledger_url, 60)
        taken = other.acquire("aalund/backup", "run-2", 60)
        deadline = time.monotonic() + 5
        while not lease.lost and time.monotonic() < deadline:
            time.sleep(0.05)
        assert lease.lost
    assert other.leases() == [taken]


def test_a_held_lease_is_lost_when_it_cannot_be_renewed_in_time(ledger: Ledger, ledger_url: str) -> None:
    """Somebody locks the table for longer than the lease lasts: `lost` turns true meanwhile."""
    engine = create_engine(ledger_url)
    with held(ledger, "aalund/backup", "run-1", 0.6) as lease:
        sqlite = ledger_url.startswith("sqlite")
        with engine.begin() as connection:
            connection.execute(text("UPDATE ledger_lease SET until = until" if sqlite else
                                    "LOCK TABLE ledger_lease IN EXCLUSIVE MODE"))
            assert not lease.lost
            time.sleep(0.9)
            assert lease.lost
    engine.dispose()


def test_the_fence_counts_even_between_leases_of_one_owner(ledger: Ledger, ledger_url: str) -> None:
    """A run that was suspended and started again under the same name: the suspended one is refused."""
    old = ledger.acquire("aalund/backup", "run-1", 60)
    pass_time(ledger_url, 61)
    new = ledger.acquire("aalund/backup", "run-1", 60)
    with pytest.raises(Locked, match="taken over"):
        ledger.append("aalund", "backup.finished", {}, actor="me", lease=old)
    with pytest.raises(Locked, match="taken over"):
        ledger.renew(old)
    ledger.release(old)
    assert ledger.leases() == [new]
