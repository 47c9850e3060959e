"""Verdicts of the status: kept, broken, not due, unknown; missing data is never kept."""

from datetime import UTC, date, datetime, timedelta

import pytest

from opsctl.notices.model import NoticeKind
from opsctl.notices.register import Approval, Attempt, Revision
from opsctl.promises.model import Word
from opsctl.report.notice_status import notice_verdict
from opsctl.report.status import backup_verdict, network_verdict, platform_verdict, storage_verdict

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


def test_a_storage_run_that_failed_measured_nothing_and_the_day_is_as_without_it() -> None:
    good, failed = {"status": "done", "summary": "fine"}, "no host could be reached"
    yesterday = TODAY - timedelta(days=1)
    told = storage_verdict(good, yesterday, TODAY, failed)
    assert (told.word, told.detail) == (
        Word.NOT_DUE, "today's is still to come; the last run measured nothing: no host could be reached")
    assert storage_verdict(good, TODAY, TODAY, failed).word is Word.KEPT
    assert storage_verdict({"status": "check failed", "summary": "full"}, yesterday, TODAY, failed).word is Word.BROKEN
    late = storage_verdict(good, TODAY - timedelta(days=2), TODAY, failed)
    assert (late.word, late.detail) == (
        Word.BROKEN, "last measured 2026-11-21; the last run measured nothing: no host could be reached")
    assert storage_verdict(None, None, TODAY, failed, TODAY + timedelta(days=1)).word is Word.NOT_DUE
    assert storage_verdict(None, None, TODAY, failed, yesterday).word is Word.BROKEN


def steps(*states: str, release: str = "6.0.0", approved: bool = True) -> Revision:
    """A revision for two contacts, whose deliveries have come so far."""
    attempts = {f"contact-{index}": Attempt(f"notice.{state}", NOW) for index, state in enumerate(states)}
    approval = Approval("anna", NOW, "00", "") if approved else None
    return Revision(f"release-{release}", 1, release, NoticeKind.UPDATE, "00", ("contact-0", "contact-1"), "jens", NOW,
                    NOW, (), {}, approval, attempts)


@pytest.mark.parametrize(("drafts", "word", "detail"), [
    ([], Word.UNKNOWN, "no draft for 6.0.0"), ([steps(release="5.5.0")], Word.UNKNOWN, "no draft for 6.0.0"),
    ([steps(approved=False)], Word.NOT_DUE, "6.0.0 drafted, to be approved and sent"),
    ([steps()], Word.NOT_DUE, "6.0.0 approved, to be sent"),
    ([steps("accepted")], Word.NOT_DUE, "6.0.0 told to 1 of 2"),
    ([steps("accepted", "unknown")], Word.UNKNOWN, "6.0.0 sent, and the outcome is unknown"),
    ([steps("accepted", "sending")], Word.UNKNOWN, "6.0.0 sent, and the outcome is unknown"),
    ([steps("accepted", "refused")], Word.BROKEN, "6.0.0 refused for 1 of 2"),
    ([steps("bounced", "refused")], Word.BROKEN, "6.0.0 bounced for 1, refused for 1 of 2"),
    ([steps("accepted", "accepted")], Word.KEPT, "6.0.0 told 2026-11-23"),
    ([steps("accepted", "accepted"), steps(approved=False)], Word.KEPT, "6.0.0 told 2026-11-23"),
])
def test_notices(drafts: list[Revision], word: Word, detail: str) -> None:
    verdict = notice_verdict("6.0.0", "", drafts)
    assert (verdict.word, verdict.detail) == (word, detail)
    assert notice_verdict(None, "already on the newest", drafts).word is Word.NO_EVENT


def test_backups_that_never_came_are_a_broken_promise() -> None:
    yesterday = TODAY - timedelta(days=1)
    assert backup_verdict([], TODAY, TODAY).word is Word.UNKNOWN
    assert backup_verdict([], TODAY, yesterday).word is Word.BROKEN
    assert backup_verdict([TODAY], TODAY, yesterday).word is Word.KEPT


def test_network() -> None:
    good = {"level": "critical", "summary": "1 of 2 up; api down"}
    assert network_verdict(None, None, TODAY, 0).word is Word.NO_EVENT
    assert network_verdict(None, None, TODAY, 2).word is Word.UNKNOWN
    told = network_verdict(good, TODAY, TODAY, 2)
    assert (told.word, told.detail) == (Word.KEPT, "1 of 2 up; api down")
    assert network_verdict({**good, "level": "unknown"}, TODAY, TODAY, 2).word is Word.UNKNOWN
    assert network_verdict(good, TODAY - timedelta(days=2), TODAY, 2).word is Word.BROKEN
