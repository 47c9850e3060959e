"""Silences against Alertmanager itself: it takes them, mutes exactly the hosts at work, and lets them end."""

import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from opsctl.adapters.silences import ALERTMANAGER, Quiet, begin, end, version
from opsctl.core.errors import OperationFailed
from opsctl.profiles.monitoring import SilenceSettings
from tests.contracts.alertmanagers import (
    PROGRAM,
    alert,
    alertmanager,
    silence_state,
    silenced_alerts,
    silencer,
    silences_at,
)
from tests.not_exercised import not_exercised


@pytest.fixture(params=["alertmanager", "small server"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "small server":
        with silencer() as server:
            yield server.address
        return
    if shutil.which(PROGRAM) is None:
        not_exercised(f"{PROGRAM} is not installed")
    with alertmanager(tmp_path) as found:
        yield found


def quiet(seconds: float = 3600, *hosts: str) -> Quiet:
    return Quiet("sample-aalund", hosts or ("aalund-1",), "run-1", "patch apply",
                 datetime.now(UTC) + timedelta(seconds=seconds))


pytestmark = pytest.mark.slow


def test_a_silence_begins_ends_and_may_be_ended_twice(address: str) -> None:
    settings = SilenceSettings(alertmanager=f"{address}/")
    name = begin(settings, ALERTMANAGER, quiet(), datetime.now(UTC))
    assert silence_state(address, name) == "active"
    end(settings, ALERTMANAGER, name, "sample-aalund", datetime.now(UTC))
    assert silence_state(address, name) == "expired"
    end(settings, ALERTMANAGER, name, "sample-aalund", datetime.now(UTC))
    with pytest.raises(OperationFailed, match="the silence was not taken"):
        end(settings, ALERTMANAGER, "0c8f3b1c-0000-4000-8000-000000000000", "sample-aalund", datetime.now(UTC))


def test_the_doctor_knows_an_alertmanager_when_it_meets_one(address: str) -> None:
    assert version(SilenceSettings(alertmanager=address)) .count(".") in {0, 2}
    with pytest.raises(OperationFailed):
        version(SilenceSettings(alertmanager=f"{address}/elsewhere"))


def test_an_end_in_the_past_is_refused(address: str) -> None:
    with pytest.raises(OperationFailed, match="answered 400"):
        begin(SilenceSettings(alertmanager=address), ALERTMANAGER, quiet(-60), datetime.now(UTC))


def test_alertmanager_mutes_the_hosts_at_work_and_no_other(tmp_path: Path) -> None:
    if shutil.which(PROGRAM) is None:
        not_exercised(f"{PROGRAM} is not installed")
    settings = {"customer_label": "customer", "host_label": "host"}
    with alertmanager(tmp_path) as address:
        name = begin(SilenceSettings(alertmanager=address, **settings), ALERTMANAGER,
                     quiet(2, "aalund-1", "aalund.2"), datetime.now(UTC))
        alert(address, customer="sample-aalund", host="aalund-1")
        alert(address, customer="sample-aalund", host="aalund-11")
        alert(address, customer="sample-aalund", host="aalundx2")
        alert(address, customer="sample-birkeby", host="aalund-1")
        assert silenced_alerts(address) == 1
        assert silences_at(address)[name]["comment"] == "patch apply at sample-aalund, run run-1"
        time.sleep(2.2)
        assert (silence_state(address, name), silenced_alerts(address)) == ("expired", 0), "nobody ended it"
