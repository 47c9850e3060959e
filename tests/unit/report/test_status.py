"""Verdicts of the status: kept, broken, not due, unknown; missing data is never kept."""

from datetime import UTC, date, datetime, timedelta

from opsctl.promises.model import Word
from opsctl.report.status import backup_verdict, notice_verdict, platform_verdict, storage_verdict

TODAY = date(2026, 11, 23)
NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


def test_backup() -> None:
    assert backup_verdict([TODAY], TODAY).word is Word.KEPT
    assert backup_verdict([TODAY - timedelta(days=1)], TODAY).word is Word.NOT_DUE
    assert backup_verdict([TODAY - timedelta(days=2)], TODAY).word is Word.BROKEN
    assert backup_verdict([], TODAY).word is Word.UNKNOWN


def test_platform() -> None:
    assert platform_verdict(None, NOW, 30).word is Word.UNKNOWN
    assert platform_verdict(NOW - timedelta(days=29, hours=23), NOW, 30).word is Word.KEPT
    assert platform_verdict(NOW - timedelta(days=30), NOW, 30).word is Word.BROKEN


def test_storage() -> None:
    good = {"status": "done", "summary": "fine"}
    assert storage_verdict(None, None, TODAY).word is Word.UNKNOWN
    assert storage_verdict(good, TODAY, TODAY).word is Word.KEPT
    assert storage_verdict(good, TODAY - timedelta(days=2), TODAY).word is Word.BROKEN
    assert storage_verdict({"status": "check failed", "summary": "full"}, TODAY, TODAY).word is Word.BROKEN


def test_notices() -> None:
    assert notice_verdict(None, "already on the newest", []).word is Word.NO_EVENT
    assert notice_verdict("6.0.0", "", ["6.0.0"]).word is Word.NOT_DUE
    assert notice_verdict("6.0.0", "", ["5.5.0"]).word is Word.UNKNOWN


def test_backups_that_never_came_are_a_broken_promise() -> None:
    yesterday = TODAY - timedelta(days=1)
    assert backup_verdict([], TODAY, TODAY).word is Word.UNKNOWN
    assert backup_verdict([], TODAY, yesterday).word is Word.BROKEN
    assert backup_verdict([TODAY], TODAY, yesterday).word is Word.KEPT
