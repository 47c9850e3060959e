"""The switch in front of the object store, and the table of faults."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from opsctl.core.errors import OperationFailed, UsageError
from opsctl.lab import fault, paths, services
from opsctl.lab.definition import HOSTS
from opsctl.lab.servers.faults import FaultSwitch


def answer(control: Path) -> str:
    """The status of a request through the switch."""
    statuses: list[str] = []

    def application(environment: dict[str, Any], start: Any) -> list[bytes]:
        start("200 OK", [])
        return [b"fine"]

    FaultSwitch(application, control)({}, lambda status, headers: statuses.append(status))  # type: ignore[arg-type,return-value]
    return statuses[0]


def test_the_switch_passes_on_unless_told_otherwise(tmp_path: Path) -> None:
    control = tmp_path / "faults.json"
    assert answer(control) == "200 OK"
    for text, expected in (('{"errors": true}', "503 Slow Down"), ('{"broken": true}', "500 Internal Server Error"),
                           ('{"denied": true}', "403 Forbidden"), ("{}", "200 OK"), ("{", "200 OK"), ("[]", "200 OK")):
        control.write_text(text)
        assert answer(control) == expected


def test_the_switch_waits_when_it_is_slow(tmp_path: Path) -> None:
    control = tmp_path / "faults.json"
    control.write_text('{"slow": 0.2}')
    began = time.monotonic()
    assert answer(control) == "200 OK"
    assert time.monotonic() - began >= 0.2


def test_errors_and_slow_answers_are_switched_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "SERVICES", tmp_path)
    store = services.service("s3")
    control = tmp_path / "s3-faults.json"
    fault.SERVICE_FAULTS["errors"].begin(store)
    fault.SERVICE_FAULTS["slow"].begin(store)
    assert json.loads(control.read_text()) == {"errors": True, "slow": fault.SLOW_ANSWER_SECONDS}
    fault.SERVICE_FAULTS["errors"].end(store)
    assert json.loads(control.read_text()) == {"slow": fault.SLOW_ANSWER_SECONDS}
    fault.SERVICE_FAULTS["slow"].end(store)
    assert json.loads(control.read_text()) == {}


@pytest.mark.parametrize(("target", "kind", "named"), [
    ("nobody", "stop", "aalund-1"), ("aalund-1", "earthquake", "link-down"), ("apt", "errors", "freeze"),
    ("smtp", "slow", "drop")])
def test_an_unknown_target_or_kind_is_answered_with_the_known_ones(target: str, kind: str, named: str) -> None:
    with pytest.raises(UsageError) as caught:
        fault.set_fault(target, kind, on=True)
    assert named in caught.value.resolution


def test_a_fault_of_something_that_does_not_run_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "HOSTS", tmp_path)
    monkeypatch.setattr(paths, "SERVICES", tmp_path)
    for target in (HOSTS[0].name, "smtp"):
        with pytest.raises(OperationFailed, match="does not run"):
            fault.set_fault(target, "freeze", on=True)


def test_only_the_object_store_can_refuse_and_dawdle() -> None:
    assert {"errors", "slow"} <= fault.kinds("s3").keys()
    assert not {"errors", "slow"} & fault.kinds("apt").keys()
