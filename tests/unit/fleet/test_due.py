"""What is due tonight."""

from datetime import UTC, date, datetime, timedelta

from opsctl.fleet.due import backup_due, check_due, patch_due
from opsctl.fleet.windows import Opening

TODAY = date(2026, 11, 23)
NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
OPEN = Opening(True, "window always is open")


def test_one_backup_a_day() -> None:
    assert backup_due([TODAY - timedelta(days=1)], TODAY).due
    assert not backup_due([TODAY], TODAY).due


def test_storage_once_a_day() -> None:
    assert check_due(None, TODAY).due
    assert check_due(TODAY - timedelta(days=1), TODAY).due
    assert not check_due(TODAY, TODAY).due


def test_patches_follow_the_cadence_the_window_and_the_backup() -> None:
    assert patch_due(None, NOW, 30, OPEN, True).due
    assert not patch_due(NOW - timedelta(days=29), NOW, 30, OPEN, True).due
    assert patch_due(NOW - timedelta(days=30), NOW, 30, OPEN, True).due
    assert patch_due(None, NOW, 30, Opening(False, "frozen"), True).reason == "frozen"
    assert "backup" in patch_due(None, NOW, 30, OPEN, False).reason
