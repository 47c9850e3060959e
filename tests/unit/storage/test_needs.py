"""Space that is needed soon, and what the ledger says of earlier days."""

from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Any

from opsctl.ledger.model import Entry
from opsctl.storage.history import DatabaseDay, StoreDay, daily_maxima, database_days, days, store_days
from opsctl.storage.model import DatabaseSize, Level, Measurement, Volume
from opsctl.storage.needs import backup_space, release_space
from opsctl.storage.stores import StoreUse

MB = 1_000_000


def host(name: str, free: int) -> Measurement:
    return Measurement(name, "", (Volume(name, "/", "ext4", bytes_used=MB, bytes_available=free),))


def test_the_next_release_needs_room_on_application_hosts_alone() -> None:
    found = list(release_space([host("app", 499 * MB), host("db", 0), host("app2", 500 * MB)], ["app", "app2"],
                               "6.0.0", 500))
    assert [(one.level, one.what) for one in found] == [(Level.WARNING, "app:/")]
    assert "6.0.0 needs 500 MB" in found[0].reason


def test_a_store_must_hold_a_month_of_nights() -> None:
    full = backup_space("/store", 10 * MB, 20 * MB, [MB] * 5, 30)
    short = backup_space("/store", 10 * MB, 20 * MB, [MB, MB, 9 * MB, MB], 30)
    assert full is not None and short is not None
    assert (full.level, short.level) == (Level.WARNING, Level.WARNING)
    enough = backup_space("/store", 11 * MB, 20 * MB, [MB] * 5, 30)
    assert enough is not None
    assert enough.level is Level.OK
    assert backup_space("/store", 0, 0, [], 30) is None


def measured(number: int, when: datetime, used: int, write: float, speed: float | None = None) -> Entry:
    latency: dict[str, Any] = {"host": "db1", "mount": "/", "error": "", "median": write,
                               "write_megabytes_per_second": speed}
    payload = {"volumes": [{"host": "db1", "mount": "/", "error": "", "bytes_used": used, "bytes_available": 100 - used,
                            "inodes_used": used}, {"host": "db1", "mount": "/x", "error": "gone"}],
               "latency": [latency]}
    return Entry("c", number, "storage.measured", when, "", "", payload, "", "")


def test_a_day_is_its_worst_measurement_in_the_customers_zone() -> None:
    found = days([measured(1, datetime(2026, 11, 1, 23, 30, tzinfo=UTC), 50, 2.0, 90.0),
                  measured(2, datetime(2026, 11, 2, 8, tzinfo=UTC), 70, 1.0, 40.0),
                  measured(3, datetime(2026, 11, 2, 9, tzinfo=UTC), 60, 3.0)], "Europe/Copenhagen")
    assert [(one.day, one.bytes_used, one.write_milliseconds, one.write_megabytes_per_second, one.evidence)
            for one in found] == [(date(2026, 11, 2), 70, 3.0, 40.0, "c:2")]


def test_days_of_two_zones_differ() -> None:
    late = measured(1, datetime(2026, 11, 1, 23, 30, tzinfo=UTC), 50, 2.0)
    assert daily_maxima([late], "UTC") == {("db1", "/"): {date(2026, 11, 1): 50}}
    assert daily_maxima([late], "Asia/Tokyo") == {("db1", "/"): {date(2026, 11, 2): 50}}


def of_day(number: int, hour: int, **payload: Any) -> Entry:
    return Entry("c", number, "storage.measured", datetime(2026, 11, 2, hour, tzinfo=UTC), "", "",
                 {"volumes": [], **payload}, "", "")


def database(size: int, log: int, hits: float | None, asked: int | None, error: str = "") -> dict[str, Any]:
    return asdict(DatabaseSize("db1", "ready", "postgresql", error, size, log, "/", hits, 9, asked))


def test_a_day_of_a_database_is_its_largest_with_the_least_hits() -> None:
    found = database_days([of_day(1, 1, databases=[database(50, 7, 99.0, 1)]),
                           of_day(2, 2, databases=[database(40, 9, 80.0, 3), database(99, 99, 1.0, 9, "away")]),
                           of_day(3, 3, databases=[database(60, 5, None, None)]), of_day(4, 4)], "UTC")
    assert found == (DatabaseDay("db1", "ready", date(2026, 11, 2), 60, 9, 80.0, 3, "c:3"),)


def test_a_day_of_a_store_is_its_most_and_a_silent_one_has_none() -> None:
    def use(place: str, size: int, error: str = "") -> dict[str, Any]:
        return asdict(StoreUse(place, size, size // 10, error))

    found = store_days([of_day(1, 1, stores=[use("s3://a/", 50), use("/b", 7)]),
                        of_day(2, 2, stores=[use("s3://a/", 40), use("/b", 0, "no answer")]), of_day(3, 3)], "UTC")
    day = date(2026, 11, 2)
    assert found == (StoreDay("/b", day, 7, 0, "c:1"), StoreDay("s3://a/", day, 50, 5, "c:1"))
