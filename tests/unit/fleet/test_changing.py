"""Patching by the command looks at the age of the last good backup: it warns, or refuses, as the policy says."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from opsctl.core.clock import SystemClock
from opsctl.core.errors import OperationFailed
from opsctl.core.outcome import Outcome, Status
from opsctl.core.progress import Silent
from opsctl.fleet import changing
from opsctl.ledger import open_ledger
from opsctl.profiles.loader import load_profile
from opsctl.profiles.monitoring import Without
from opsctl.profiles.settings import Policy, Settings
from opsctl.runs.workplace import Workplace

CUSTOMER = "sample-aalund"
INVENTORIES = Path(__file__).resolve().parents[3] / "inventories"
OPTIONS = {"security_only": False, "reboot": True}


@pytest.fixture
def applied(monkeypatch: pytest.MonkeyPatch) -> list[Status]:
    """What applying comes to; the first is taken."""
    ends = [Status.DONE]

    def apply(place: Workplace, profile: Any, **_: Any) -> Outcome:
        return Outcome(profile.customer, "x", ends[0], "applied")

    monkeypatch.setattr(changing, "apply", apply)
    return ends


@pytest.fixture
def places(tmp_path: Path) -> Iterator[Any]:
    ledger = open_ledger(f"sqlite:///{tmp_path}/ledger.db", SystemClock())

    def place(without: Without) -> Workplace:
        return Workplace(Settings(policy=Policy(patch_unbacked=without)), ledger, SystemClock(), Silent(), "tests",
                         tmp_path / "runs", tmp_path / "drafts")

    yield place
    ledger.close()


def patched(place: Workplace) -> Outcome:
    return changing.patch(place, load_profile(INVENTORIES, CUSTOMER), OPTIONS)


def backed_up(place: Workplace, hours: float) -> None:
    place.ledger.append(CUSTOMER, "backup.completed", {"database": "ready"}, actor="tests",
                        at=place.clock.now() - timedelta(hours=hours))


def test_no_backup_is_told_or_refused(places: Any, applied: list[Status]) -> None:
    assert patched(places(Without.WARN)).warnings[0].startswith("there is no good backup: patched all the same")
    with pytest.raises(OperationFailed, match="there is no good backup, so nothing is patched"):
        patched(places(Without.REFUSE))
    applied[0] = Status.UNCHANGED
    assert patched(places(Without.WARN)).warnings == (), "nothing was done"


@pytest.mark.parametrize(("hours", "young"), [(23.9, True), (24.1, False)])
def test_the_age_is_the_policy_s(places: Any, applied: list[Status], hours: float, young: bool) -> None:
    place = places(Without.WARN)
    backed_up(place, hours)
    warnings = patched(place).warnings
    assert (warnings == ()) is young
    assert young or "the last good backup is of 20" in warnings[0]
