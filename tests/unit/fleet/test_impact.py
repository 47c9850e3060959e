"""What a release means joins agreement dates, licences, the storage forecast and the next window."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from opsctl.core.clock import SystemClock
from opsctl.core.progress import Silent
from opsctl.fleet.impact import Verdict, impact, room
from opsctl.fleet.windows import WEEKDAYS
from opsctl.ledger import open_ledger
from opsctl.profiles.loader import load_profile
from opsctl.profiles.model import KamstrupProfile
from opsctl.profiles.parts import Licence, Window
from opsctl.profiles.settings import Settings
from opsctl.releases.catalogue import load
from opsctl.releases.version import Version
from opsctl.runs.workplace import Workplace

ROOT = Path(__file__).resolve().parents[3]
RELEASES = load(ROOT / "releases")
TARGET = Version.parse("6.0.0")
RELEASE = RELEASES.releases[TARGET]
DAY = date(2026, 12, 1)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Workplace]:
    ledger = open_ledger(f"sqlite:///{tmp_path}/ledger.db", SystemClock())
    yield Workplace(Settings(), ledger, SystemClock(), Silent(), "tests", tmp_path / "runs", tmp_path / "drafts")
    ledger.close()


def aalund(**changed: Any) -> KamstrupProfile:
    found = load_profile(ROOT / "inventories", "sample-aalund").model_copy(update=changed)
    assert isinstance(found, KamstrupProfile)
    return found


def in_days(days: int) -> tuple[date, Window]:
    """A day, and a window that opens only on its weekday."""
    day = date.today() + timedelta(days=days)
    return day, Window(name="later", weekdays=(WEEKDAYS[day.weekday()],), start="01:00", end="04:00")


def test_an_agreement_that_ends_before_the_window_is_told_with_the_window(place: Workplace) -> None:
    _, window = in_days(4)
    agreement = aalund().agreement
    assert agreement is not None
    ends = agreement.model_copy(update={"valid_to": date.today() + timedelta(days=2)})
    found = impact(place, aalund(windows=(window,), agreement=ends), RELEASES, TARGET)
    assert found.verdict is Verdict.NEEDS_AGREEMENT and found.window
    assert "not when the next window opens" in found.reasons[0]
    assert impact(place, aalund(windows=(window,)), RELEASES, TARGET).verdict is Verdict.AUTOMATIC


def test_a_licence_that_ends_before_the_window_is_told(place: Workplace) -> None:
    _, window = in_days(4)
    licence = Licence(product="Map tiles", vendor="Tiles (sample)", metric="seats", quantity=1, held_at="safe",
                      valid_to=date.today() + timedelta(days=2))
    found = impact(place, aalund(windows=(window,), licences=(licence,)), RELEASES, TARGET)
    assert found.verdict is Verdict.BLOCKED
    assert "not when the next window opens" in found.reasons[0] and "Map tiles (P14)" in found.reasons[0]
    ended = licence.model_copy(update={"valid_to": date.today() - timedelta(days=1)})
    assert impact(place, aalund(windows=(window,), licences=(ended,)), RELEASES, TARGET).verdict is Verdict.BLOCKED
    whole = licence.model_copy(update={"valid_to": date.today() + timedelta(days=30)})
    assert not [one for one in impact(place, aalund(windows=(window,), licences=(whole,)), RELEASES, TARGET).reasons
                if "licence" in one]


def measured(**changed: Any) -> dict[str, Any]:
    return {"day": "2026-11-30", "level": "ok", "volumes": [{
        "host": "a", "mount": "/", "error": "", "bytes_available": 5_000_000_000,
        "forecast": {"earliest": None}, **changed}]}


@pytest.mark.parametrize(("payload", "says"), [
    (None, ["storage was never measured: see `opsctl storage check`"]), (measured(), []),
    (measured(bytes_available=1_000_000_000), ["a:/ had 1000 MB free on 2026-11-30, and the release needs 4096"]),
    (measured(host="b", bytes_available=1), []),
    (measured(mount="/data", forecast={"earliest": "2026-11-30"}), ["a:/data may be full on 2026-11-30, before the "
                                                                    "window"]),
    (measured(forecast={"earliest": "2026-12-02"}), []),
    ({**measured(), "level": "critical"}, ["storage is critical"])])
def test_what_the_last_measurement_says_of_the_space(payload: Any, says: list[str]) -> None:
    assert list(room(payload, ["a"], RELEASE, DAY)) == says
