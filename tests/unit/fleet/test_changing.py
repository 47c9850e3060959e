"""Patching by the command looks at the age of the last good backup: it takes one, warns, or refuses (policy)."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from opsctl.core.clock import SystemClock
from opsctl.core.errors import ApprovalMissing, NotCovered, OperationFailed
from opsctl.core.outcome import Outcome, Status
from opsctl.core.progress import Silent
from opsctl.fleet import backing, changing
from opsctl.ledger import open_ledger
from opsctl.profiles.loader import load_profile
from opsctl.profiles.rollout import ApprovalNeed
from opsctl.profiles.settings import Policy, Settings, Unbacked
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

    def place(unbacked: Unbacked) -> Workplace:
        return Workplace(Settings(policy=Policy(patch_unbacked=unbacked)), ledger, SystemClock(), Silent(), "tests",
                         tmp_path / "runs", tmp_path / "drafts")

    yield place
    ledger.close()


def patched(place: Workplace) -> Outcome:
    return changing.patch(place, load_profile(INVENTORIES, CUSTOMER), OPTIONS)


def backed_up(place: Workplace, hours: float) -> None:
    place.ledger.append(CUSTOMER, "backup.completed", {"database": "ready"}, actor="tests",
                        at=place.clock.now() - timedelta(hours=hours))


def test_no_backup_is_told_or_refused(places: Any, applied: list[Status]) -> None:
    assert patched(places(Unbacked.WARN)).warnings[0].startswith("there is no good backup: patched all the same")
    with pytest.raises(OperationFailed, match="there is no good backup, so nothing is patched"):
        patched(places(Unbacked.REFUSE))
    applied[0] = Status.UNCHANGED
    assert patched(places(Unbacked.WARN)).warnings == (), "nothing was done"


@pytest.mark.parametrize(("hours", "young"), [(23.9, True), (24.1, False)])
def test_the_age_is_the_policy_s(places: Any, applied: list[Status], hours: float, young: bool) -> None:
    place = places(Unbacked.WARN)
    backed_up(place, hours)
    warnings = patched(place).warnings
    assert (warnings == ()) is young
    assert young or "the last good backup is of 20" in warnings[0]


class Night:
    """What happened, in its order; what there is to patch and how a backup ends are set."""

    def __init__(self) -> None:
        self.happened: list[str] = []
        self.backup: Outcome | NotCovered = Outcome(CUSTOMER, "backup", Status.DONE, "one")
        self.lost = self.changes = False
        self.ahead = SimpleNamespace(nothing_to_do=False, problems=(), hash="today")

    def plan(self, *_: Any, **__: Any) -> tuple[Any]:
        self.happened.append("plan")
        return (self.ahead,)

    def back_up(self, *_: Any) -> Outcome:
        self.happened.append("backup")
        if isinstance(self.backup, NotCovered):
            raise self.backup
        return self.backup

    def apply(self, *_: Any, **how: Any) -> Outcome:
        self.happened.append("apply")
        if self.changes:
            how["ready"]()
        return Outcome(CUSTOMER, "x", Status.DONE, "applied")


@pytest.fixture
def night(monkeypatch: pytest.MonkeyPatch) -> Night:
    found = Night()
    for name in ("plan", "back_up", "apply"):
        monkeypatch.setattr(changing, name, getattr(found, name))
    monkeypatch.setattr(backing, "still_stored", lambda profile, payloads: [] if found.lost else list(payloads))
    return found


def test_a_backup_is_taken_first_where_none_is_young(places: Any, night: Night) -> None:
    place = places(Policy().patch_unbacked)
    assert patched(place).status is Status.DONE
    assert night.happened == ["plan", "backup", "apply"]
    night.happened.clear()
    backed_up(place, 1)
    patched(place)
    assert night.happened == ["apply"], "a young one is enough"
    night.happened.clear()
    night.lost = True
    patched(place)
    assert night.happened == ["plan", "backup", "apply"], "one that the store has lost is none"


def test_nothing_is_patched_when_the_backup_fails(places: Any, night: Night) -> None:
    night.backup = Outcome(CUSTOMER, "backup", Status.FAILED, "the disk is full", "make room")
    with pytest.raises(OperationFailed, match="the backup before patching failed, so nothing was changed: the disk"):
        patched(places(Unbacked.BACK_UP))
    assert night.happened == ["plan", "backup"]


@pytest.mark.parametrize("ahead", [{"nothing_to_do": True}, {"problems": ("a lock is held",)}])
def test_no_backup_for_nothing(places: Any, night: Night, ahead: dict[str, Any]) -> None:
    night.ahead.__dict__.update(ahead)
    patched(places(Unbacked.BACK_UP))
    assert night.happened == ["plan", "apply"]


def test_what_turns_up_between_two_plans_is_not_patched_without_a_backup(places: Any, night: Night) -> None:
    night.ahead.nothing_to_do = night.changes = True
    with pytest.raises(OperationFailed, match="no backup was taken, so nothing is patched"):
        patched(places(Unbacked.BACK_UP))
    assert night.happened == ["plan", "apply"]
    night.ahead.nothing_to_do = False
    assert patched(places(Unbacked.BACK_UP)).status is Status.DONE


def test_no_backup_for_a_plan_that_nobody_approved(places: Any, night: Night) -> None:
    profile = load_profile(INVENTORIES, CUSTOMER)
    asking = profile.model_copy(update={"approvals": profile.approvals.model_copy(
        update={"patch": ApprovalNeed.ONE_PERSON})})
    with pytest.raises(ApprovalMissing):
        changing.patch(places(Unbacked.BACK_UP), asking, OPTIONS)
    assert night.happened == ["plan"]


def test_no_backup_for_a_plan_that_is_another_today(places: Any, night: Night) -> None:
    approved: Any = SimpleNamespace(hash="yesterday")
    changing.patch(places(Unbacked.BACK_UP), load_profile(INVENTORIES, CUSTOMER), OPTIONS, approved)
    assert night.happened == ["plan", "apply"]


def test_whose_backup_is_not_covered_is_patched_and_that_is_told(places: Any, night: Night) -> None:
    night.backup = NotCovered(f"{CUSTOMER}: the agreement ended", "")
    warnings = patched(places(Unbacked.BACK_UP)).warnings
    assert "there is no good backup, and sample-aalund: the agreement ended: patched all the same" in warnings[0]
    assert night.happened == ["plan", "backup", "apply"]
