"""The fleet page's pure parts: who stands where, calendars and plots, releases, windows."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from opsctl.ledger.model import Entry
from opsctl.promises.model import Word
from opsctl.releases.catalogue import load
from opsctl.report.fleet import build, drawing
from opsctl.report.fleet.model import Disk, Group, Row
from opsctl.report.outline import outline_of
from opsctl.report.status import NOT_COVERED, CustomerStatus, Verdict
from tests.unit.promises.register_values import ROOT, profile

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
TODAY = date(2026, 11, 24)
KEPT = Verdict(Word.KEPT, "today")


def status(name: str = "sample-aalund", ready: str = "5.4.0", **changes: Verdict) -> CustomerStatus:
    verdicts = {"backup": KEPT, "platform": KEPT, "storage": KEPT, "network": KEPT, "notices": NOT_COVERED,
                "rehearsal": KEPT, **changes}
    return CustomerStatus(name, "kamstrup", ready, **verdicts)


def entry(number: int, kind: str, at: datetime, payload: dict[str, object]) -> Entry:
    return Entry("sample-aalund", number, kind, at, "me", "", payload, "", "")


def backup(day: date, number: int) -> Entry:
    return entry(number, "backup.completed", datetime(day.year, day.month, day.day, 2, tzinfo=UTC),
                 {"day": day.isoformat(), "database": "ready", "backup_id": str(number)})


def disk(used: float, *, full: date | None = None, growth: float | None = 0.1) -> Disk:
    series = tuple((TODAY - timedelta(days=back), used) for back in (2, 1, 0))
    return Disk("a:/", series, growth, growth, None if growth is None else growth * 2, "about then", full)


def test_the_gravest_word_decides_and_worst_comes_first() -> None:
    def row(name: str, watch: tuple[str, ...] = (), **changes: Verdict) -> Row:
        made = status(name, **changes)
        return Row(made, name, build.group(made, watch), watch=watch)

    broken, unknown = Verdict(Word.BROKEN, "x"), Verdict(Word.UNKNOWN, "x")
    rows = build.in_order([row("calm"), row("watch", ("storage above its warning",)), row("unknown", storage=unknown),
                           row("one", backup=broken), row("two", backup=broken, platform=broken)])
    assert [one.status.customer for one in rows] == ["two", "one", "unknown", "watch", "calm"]
    assert [one.group for one in rows] == [Group.BROKEN, Group.BROKEN, Group.UNKNOWN, Group.WATCH, Group.CALM]


def test_a_calendar_has_thirty_days_and_says_what_each_is() -> None:
    outline = outline_of(profile())
    good = [backup(TODAY - timedelta(days=back), back) for back in range(1, 25) if back != 7]
    begins = datetime(2026, 10, 29, tzinfo=UTC)
    days = dict(build.backup_days(outline, good, begins, TODAY, status()))
    assert len(days) == 30
    assert days[TODAY] is Word.NOT_DUE
    assert days[TODAY - timedelta(days=7)] is Word.BROKEN
    assert days[TODAY - timedelta(days=1)] is Word.KEPT
    assert days[TODAY - timedelta(days=29)] is Word.UNKNOWN, "before the records begin"
    assert "broken on" in drawing.calendar_words(tuple(days.items()))
    assert "17 November" in drawing.calendar_words(tuple(days.items()))


def test_a_calendar_owes_nothing_after_the_customer_s_last_day() -> None:
    last = TODAY - timedelta(days=3)
    days = dict(build.backup_days(outline_of(profile()), [], datetime(2026, 10, 1, tzinfo=UTC), TODAY,
                                  replace(status(), ends=last)))
    assert [days[last + timedelta(days=later)] for later in range(4)] == [Word.BROKEN] + [Word.NOT_COVERED] * 3


def test_a_calendar_knows_the_databases_of_each_day() -> None:
    both = replace(outline_of(profile()), databases=frozenset({"ready", "newdb"}))
    made = [backup(TODAY - timedelta(days=back), back) for back in range(1, 30)]
    first = TODAY - timedelta(days=4)
    failed = entry(90, "backup.failed", datetime(first.year, first.month, first.day, 2, tzinfo=UTC),
                   {"database": "newdb", "reason": "no"})
    begins = datetime(2026, 10, 1, tzinfo=UTC)
    words = list(dict(build.backup_days(both, [*made, failed], begins, TODAY, status())).values())
    assert words == [Word.KEPT] * 25 + [Word.BROKEN] * 4 + [Word.NOT_DUE]


def test_nothing_is_owed_where_no_database_is() -> None:
    assert build.backup_days(outline_of(profile("dalmose")), [], None, TODAY, status()) == ()


def test_a_calendar_is_one_line_for_each_run_of_equal_days() -> None:
    days = tuple((TODAY + timedelta(days=place), word) for place, word in
                 enumerate([Word.KEPT] * 20 + [Word.BROKEN] + [Word.KEPT] * 9))
    assert drawing.calendar(days) == (("k", "M0 8h120M126 8h54"), ("b", "M120 8h6"))
    assert drawing.calendar(tuple((day, Word.KEPT) for day, _ in days)) == (("k", "M0 8h180"),)


def test_plots_stay_within_their_frame() -> None:
    full = disk(99.0, growth=5.0)
    assert drawing.cone(full) == "M30 0L60 0V0z"
    assert drawing.curve(disk(50.0)) == "M28 20L30 20"
    assert drawing.ahead(disk(50.0)) == "M30 20L60 19"
    assert (drawing.cone(disk(50.0, growth=None)), drawing.ahead(disk(50.0, growth=None))) == ("", "")


def test_the_disk_that_is_full_first_is_shown_else_the_fullest() -> None:
    def volume(mount: str, percent: float, full: str | None) -> dict[str, object]:
        return {"host": "a", "mount": mount, "error": "", "used_percent": percent, "bytes_used": int(percent),
                "bytes_available": int(100 - percent), "growth_bytes_per_day": 1, "growth_interval": [0, 2],
                "forecast": {"text": "t", "full": full}}

    def shown(*volumes: dict[str, object]) -> str:
        found = build.worst_disk(outline_of(profile()), [entry(1, "storage.measured", NOW, {"volumes": volumes})])
        return found.place if found else ""

    assert shown(volume("/", 90, None), volume("/data", 50, "2026-12-01")) == "a:/data"
    assert shown(volume("/", 40, None), volume("/data", 50, None)) == "a:/data"
    assert build.worst_disk(outline_of(profile()), []) is None


def test_versions_say_what_is_wrong_with_them() -> None:
    rows = [Row(status(ready=version), "", Group.CALM) for version in ("5.3.0", "5.3.0", "4.0.0", "unknown")]
    lines = {one.version: one for one in build.releases(rows, load(ROOT / "releases"), date(2027, 3, 1))}
    assert lines["5.3.0"].hosted == 2
    assert lines["5.3.0"].note == "out of support since 2027-02-28"
    assert lines["4.0.0"].note == "not among the published releases"
    assert lines["unknown"].note == "record it in the profile"


def test_equal_windows_are_one() -> None:
    opens = NOW + timedelta(hours=10)
    (one,) = build.windows([("a", opens, opens + timedelta(hours=3), "Europe/Copenhagen", ""),
                            ("b", opens, opens + timedelta(hours=3), "Europe/Copenhagen", "patch")])
    assert one.customers == ("a", "b")
    assert one.due == (("b", "patch"),)
