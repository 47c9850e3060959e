"""Approval of a plan by real SSH signatures: who may, for how long, and for which plan."""

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from opsctl.core.errors import ApprovalMissing, UsageError
from opsctl.core.progress import Silent
from opsctl.ledger import open_ledger
from opsctl.profiles.rollout import ApprovalNeed
from opsctl.profiles.settings import ApprovalSettings, Settings
from opsctl.runs.approval import approve, ask, require_approved
from opsctl.runs.workplace import Workplace

PLAN, OTHER = "a" * 64, "b" * 64
ONE, ANOTHER = ApprovalNeed.ONE_PERSON, ApprovalNeed.ANOTHER_PERSON


class Clock:
    """A clock that is set."""

    def __init__(self) -> None:
        self.time = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def place(tmp_path: Path, clock: Clock) -> Iterator[Workplace]:
    lines = []
    for name in ("anna", "bo", "carl"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / name)], check=True)
        kind, key, *_ = (tmp_path / f"{name}.pub").read_text().split()
        if name != "carl":
            lines.append(f'{name} namespaces="opsctl-plan" {kind} {key}')
    (tmp_path / "signers").write_text("\n".join(lines) + "\n", encoding="utf-8")
    ledger = open_ledger(f"sqlite:///{tmp_path}/ledger.db", clock)
    settings = Settings(approvals=ApprovalSettings(allowed_signers=tmp_path / "signers"))
    yield Workplace(settings, ledger, clock, Silent(), "anna", tmp_path / "runs", tmp_path / "drafts")
    ledger.close()


def key(place: Workplace, name: str) -> Path:
    return place.runs.parent / name


def test_an_approval_holds_for_its_plan_and_its_time(place: Workplace, clock: Clock) -> None:
    ask(place, "north", PLAN, "patch")
    ask(place, "north", OTHER, "patch")
    with pytest.raises(ApprovalMissing, match="is not approved"):
        require_approved(place, "north", PLAN, ONE)
    approve(place, "north", PLAN, key(place, "bo"), ONE)
    assert require_approved(place, "north", PLAN, ONE) == "bo"
    for customer, plan in (("north", OTHER), ("south", PLAN)):
        with pytest.raises(ApprovalMissing, match="is not approved"):
            require_approved(place, customer, plan, ONE)
    clock.time += timedelta(hours=72)
    with pytest.raises(ApprovalMissing, match="expired"):
        require_approved(place, "north", PLAN, ONE)


def test_who_asked_does_not_approve_where_another_person_is_wanted(place: Workplace) -> None:
    ask(place, "north", PLAN, "release")
    with pytest.raises(ApprovalMissing, match="asked for by anna"):
        approve(place, "north", PLAN, key(place, "anna"), ANOTHER)
    approve(place, "north", PLAN, key(place, "anna"), ONE)
    with pytest.raises(ApprovalMissing, match="asked for by anna"):
        require_approved(place, "north", PLAN, ANOTHER)
    approve(place, "north", PLAN, key(place, "bo"), ANOTHER)
    assert require_approved(place, "north", PLAN, ANOTHER) == "bo"
    ask(replace(place, actor="bo"), "north", PLAN, "release")
    with pytest.raises(ApprovalMissing, match="asked for by bo"):
        require_approved(place, "north", PLAN, ANOTHER)


def test_a_plan_that_nobody_asked_for_and_a_key_that_is_not_allowed(place: Workplace) -> None:
    with pytest.raises(UsageError, match="nobody asked"):
        approve(place, "north", PLAN, key(place, "bo"), ONE)
    ask(place, "north", PLAN, "patch")
    with pytest.raises(ApprovalMissing, match="does not hold"):
        approve(place, "north", PLAN, key(place, "carl"), ONE)


def test_a_key_that_was_taken_off_the_list_approves_nothing_any_more(place: Workplace) -> None:
    ask(place, "north", PLAN, "patch")
    approve(place, "north", PLAN, key(place, "bo"), ONE)
    signers = place.settings.approvals.allowed_signers  # type: ignore[union-attr]
    signers.write_text("".join(line for line in signers.read_text().splitlines(True) if not line.startswith("bo")))
    with pytest.raises(ApprovalMissing):
        require_approved(place, "north", PLAN, ONE)


def test_without_a_need_nothing_is_asked(place: Workplace) -> None:
    assert require_approved(place, "north", PLAN, ApprovalNeed.NONE) == ""
