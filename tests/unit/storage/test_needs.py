"""Space that is needed soon, and what the ledger says of earlier days."""

from datetime import UTC, date, datetime
from typing import Any

from opsctl.ledger.model import Entry
from opsctl.storage.history import daily_maxima, days
from opsctl.storage.model import Level, Measurement, Volume
from opsctl.storage.needs import backup_space, release_space

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
