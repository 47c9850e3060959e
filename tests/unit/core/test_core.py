"""Clock, days, secrets, exit codes of many outcomes."""

import json
import pickle
from datetime import UTC, date, datetime, timedelta

import pytest

from opsctl.core.clock import day_bounds, iso, local_day, require_aware
from opsctl.core.errors import ExitCode
from opsctl.core.outcome import Outcome, Status, combined_exit_code
from opsctl.core.secret import Secret


@pytest.mark.parametrize(("day", "hours"), [
    (date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 11, 23), 24)])
def test_local_days_have_their_own_length(day: date, hours: int) -> None:
    start, end = day_bounds(day, "Europe/Copenhagen")
    assert end - start == timedelta(hours=hours)
    assert local_day(start, "Europe/Copenhagen") == day
    assert local_day(end - timedelta(microseconds=1), "Europe/Copenhagen") == day
    assert local_day(end, "Europe/Copenhagen") == day + timedelta(days=1)


def test_times_without_a_zone_are_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        require_aware(datetime(2026, 1, 1))
    assert iso(datetime(2026, 1, 1, tzinfo=UTC)) == "2026-01-01T00:00:00Z"


def test_a_secret_does_not_show() -> None:
    secret = Secret("hunter2")
    assert "hunter2" not in f"{secret} {secret!r} {[secret]}"
    with pytest.raises(TypeError):
        json.dumps(secret)
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    assert secret.reveal() == "hunter2"


def outcome(status: Status, code: ExitCode | None = None) -> Outcome:
    return Outcome("c", "backup", status, "", exit_code=code)


@pytest.mark.parametrize(("outcomes", "code"), [
    ([], ExitCode.OK),
    ([outcome(Status.DONE), outcome(Status.NOT_COVERED), outcome(Status.SKIPPED)], ExitCode.OK),
    ([outcome(Status.DONE), outcome(Status.FAILED)], ExitCode.FAILED),
    ([outcome(Status.CHECK_FAILED), outcome(Status.LOCKED)], ExitCode.CHECK_FAILED),
    ([outcome(Status.LOCKED), outcome(Status.DONE)], ExitCode.LOCKED),
    ([outcome(Status.FAILED), outcome(Status.FAILED, ExitCode.EVIDENCE_DAMAGED)], ExitCode.EVIDENCE_DAMAGED),
])
def test_one_exit_code_for_many(outcomes: list[Outcome], code: ExitCode) -> None:
    assert combined_exit_code(outcomes) is code


@pytest.mark.parametrize("code", [code for code in ExitCode if code is not ExitCode.OK])
def test_no_exit_code_of_a_row_is_lost(code: ExitCode) -> None:
    assert combined_exit_code([outcome(Status.DONE), outcome(Status.FAILED, code)]) is code
