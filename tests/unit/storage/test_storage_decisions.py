from dataclasses import replace
from datetime import date, timedelta

import pytest

from opsctl.profiles.hosted import Thresholds
from opsctl.storage.decisions import ASK_FOR_MISSING_DAYS, figures, judge, worst
from opsctl.storage.model import DatabaseSize, Finding, Latency, Level, Measurement, Volume

TODAY = date(2026, 11, 23)
LIMITS = Thresholds()
GIB = 1024**3


def volume(used: int = 10, available: int = 90, **changes: object) -> Volume:
    base = Volume("db1", "/data", "ext4", False, "", 100 * GIB, used * GIB, available * GIB, 1000, 100, 900)
    return replace(base, **changes)  # type: ignore[arg-type]


def host(*volumes: Volume, **changes: object) -> Measurement:
    base = Measurement("db1", "", volumes or (volume(),), (),
                       (DatabaseSize("db1", "ready", "postgresql", "", GIB, GIB, "/data"),),
                       (Latency("db1", "/data", "", 1.0, 2.0),))
    return replace(base, **changes)  # type: ignore[arg-type]


def judged(measurement: Measurement, history: dict[tuple[str, str], dict[date, int]] | None = None) -> list[Finding]:
    return list(judge([measurement], LIMITS, history or {}, TODAY))


def gravest(measurement: Measurement, history: dict[tuple[str, str], dict[date, int]] | None = None) -> Finding:
    return judged(measurement, history)[0]


def test_a_sound_host_is_ok_and_says_so() -> None:
    assert judged(host()) == [Finding(Level.OK, "db1:/data", "10 % of its bytes used")]


@pytest.mark.parametrize(("used", "available", "level"), [
    (79, 21, Level.OK), (80, 20, Level.WARNING), (89, 11, Level.WARNING), (90, 10, Level.CRITICAL),
    (95, 0, Level.CRITICAL), (0, 0, Level.CRITICAL)])
def test_the_limits_are_the_profiles(used: int, available: int, level: Level) -> None:
    assert gravest(host(volume(used, available))).level is level


def test_the_reserve_of_root_is_not_free_space() -> None:
    # 5 of 100 GiB are kept for root: 86 used and 9 left is above 90 % of what the database can use.
    assert gravest(host(volume(86, 9))).level is Level.CRITICAL


@pytest.mark.parametrize(("changes", "level", "words"), [
    ({"bytes_total": 0, "bytes_used": 0, "bytes_available": 0}, Level.CRITICAL, "0 bytes"),
    ({"inodes_used": 1000, "inodes_available": 0}, Level.CRITICAL, "no inodes left"),
    ({"inodes_used": 850, "inodes_available": 150}, Level.WARNING, "inodes"),
    ({"read_only": True}, Level.CRITICAL, "read-only"),
    ({"error": "no answer within 5 seconds"}, Level.UNKNOWN, "no answer")])
def test_troubles_of_a_volume(changes: dict[str, object], level: Level, words: str) -> None:
    finding = gravest(host(volume(**changes)))
    assert finding.level is level
    assert words in finding.reason


def test_a_file_system_without_inode_counts_is_not_full_of_inodes() -> None:
    assert gravest(host(volume(inodes_total=0, inodes_used=0, inodes_available=0))).level is Level.OK


def test_a_full_disk_is_critical_whatever_its_slope() -> None:
    shrinking = {("db1", "/data"): {TODAY - timedelta(days=day): (95 + day) * GIB for day in range(10)}}
    assert gravest(host(volume(95, 0)), shrinking).level is Level.CRITICAL
    growing = {("db1", "/data"): {TODAY - timedelta(days=day): (95 - day) * GIB for day in range(10)}}
    assert gravest(host(volume(95, 0)), growing).level is Level.CRITICAL


def test_growth_warns_before_the_limit() -> None:
    growing = {("db1", "/data"): {TODAY - timedelta(days=day): (60 - 4 * day) * GIB for day in range(14)}}
    finding = gravest(host(volume(60, 40)), growing)
    assert (finding.level, "full about 2026-12-03" in finding.reason) == (Level.WARNING, True)
    slow = {("db1", "/data"): {TODAY - timedelta(days=day): (60 - day) * GIB for day in range(14)}}
    assert gravest(host(volume(60, 40)), slow).level is Level.OK
    few = {("db1", "/data"): {TODAY - timedelta(days=day): (60 - 4 * day) * GIB for day in range(9)}}
    assert gravest(host(volume(60, 40)), few).level is Level.OK


def test_a_volume_that_was_there_is_missed_for_a_while() -> None:
    known = {("db1", "/backup"): {TODAY - timedelta(days=1): GIB}}
    finding = gravest(host(), known)
    assert (finding.level, finding.what) == (Level.CRITICAL, "db1:/backup")
    long_ago = {("db1", "/backup"): {TODAY - timedelta(days=ASK_FOR_MISSING_DAYS + 1): GIB}}
    assert gravest(host(), long_ago).level is Level.OK
    other = {("app1", "/backup"): {TODAY: GIB}}
    assert gravest(host(), other).level is Level.OK


def test_a_mount_that_fstab_wants_is_missed_once() -> None:
    known = {("db1", "/backup"): {TODAY - timedelta(days=1): GIB}}
    findings = [finding for finding in judged(host(missing_mounts=("/backup",)), known)
                if finding.what == "db1:/backup"]
    assert [finding.level for finding in findings] == [Level.CRITICAL]


@pytest.mark.parametrize("changes", [
    {"problem": "unreachable: No route to host"}, {"volumes": ()},
    {"databases": (DatabaseSize("db1", "ready", "postgresql", "exit code 2: could not connect"),)},
    {"databases": (DatabaseSize("db1", "ready", "postgresql", "", GIB, GIB, ""),)},
    {"latency": ()}, {"latency": (Latency("db1", "/data", "writing in /data: No space left on device"),)}])
def test_what_was_not_measured_is_unknown_and_never_ok(changes: dict[str, object]) -> None:
    assert worst(judged(host(**changes))) is Level.UNKNOWN


def test_nothing_judged_is_unknown() -> None:
    assert worst([]) is Level.UNKNOWN


def test_a_slow_disk_warns() -> None:
    finding = gravest(host(latency=(Latency("db1", "/data", "", 51.0, 80.0),)))
    assert (finding.level, "51 ms" in finding.reason) == (Level.WARNING, True)


def test_findings_come_gravest_first() -> None:
    levels = [finding.level for finding in judged(host(volume(95, 0), volume(85, 15, mount="/logs"),
                                                       volume(error="gone", mount="/x"), volume(1, 99, mount="/y")))]
    assert levels == [Level.CRITICAL, Level.UNKNOWN, Level.WARNING, Level.OK]


def test_figures_carry_the_limits() -> None:
    found = {figure.label: figure for figure in figures([host()], LIMITS)}
    used = found["db1:/data used"]
    assert (used.value, used.unit, used.warn, used.crit, used.maximum) == (10 * GIB, "B", 80 * GIB, 90 * GIB, 100 * GIB)
    assert found["db1:/data write"].warn == LIMITS.latency_warning_milliseconds
    assert (found["db1:ready size"].value, found["db1:ready log"].value) == (GIB, GIB)
    assert figures([host(volume(error="gone"), latency=(), databases=())], LIMITS) == ()
