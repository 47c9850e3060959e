"""A run's silences: begun before the work, ended after it also when it failed, and never lost from the record."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from opsctl.adapters.silences import matchers
from opsctl.contract.gate import Delivery, Purpose, Request
from opsctl.contract.services import Service
from opsctl.core.clock import SystemClock
from opsctl.core.errors import ExitCode, OperationFailed
from opsctl.core.outcome import Outcome, Status
from opsctl.core.progress import Silent
from opsctl.ledger import open_ledger
from opsctl.profiles.loader import load_profile
from opsctl.profiles.monitoring import SilenceSettings, Without
from opsctl.profiles.settings import Settings
from opsctl.runs.service import Run, perform
from opsctl.runs.silencing import BEGAN, ENDED, FAILED, end_left, open_silences, silenced
from opsctl.runs.workplace import Workplace
from tests.contracts.alertmanagers import Silencer, silencer

ROOT = Path(__file__).resolve().parents[3]
CUSTOMER = "sample-aalund"
REQUEST = Request(Service.IT_SYSTEM_MAINTENANCE, Purpose.PROTECT, Delivery.WORK)


@pytest.fixture
def server() -> Iterator[Silencer]:
    with silencer() as found:
        yield found


def place_of(tmp_path: Path, **settings: Any) -> Workplace:
    found = Settings(silences=SilenceSettings(**settings))
    return Workplace(found, open_ledger(f"sqlite:///{tmp_path}/ledger.db", SystemClock()), SystemClock(), Silent(),
                     "tests", tmp_path / "runs", tmp_path / "drafts")


def worked(place: Workplace, work: Any, **options: Any) -> Outcome:
    def act(run: Run) -> Outcome:
        with silenced(run, ["aalund-1"], **options) as warnings:
            work(run)
        return Outcome(CUSTOMER, "x", Status.DONE, "done", warnings=tuple(warnings))

    return perform(place, load_profile(ROOT / "inventories", CUSTOMER), REQUEST, "patch apply", act)


def kinds(place: Workplace) -> list[str]:
    return [entry.kind for entry in place.ledger.entries(CUSTOMER) if entry.kind.startswith("silence")]


def states(server: Silencer) -> list[str]:
    return [one["status"]["state"] for one in server.silences.values()]


def test_silent_while_it_works_and_no_longer(server: Silencer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AM", "Bearer of the tests")
    place = place_of(tmp_path, alertmanager=server.address, authorization="env:AM", hours=2)
    seen: list[str] = []
    outcome = worked(place, lambda run: seen.extend(states(server)))
    assert (seen, states(server), outcome.warnings) == (["active"], ["expired"], ())
    assert kinds(place) == [BEGAN, ENDED]
    assert {one["Authorization"] for one in server.headers} == {"Bearer of the tests"}
    began = place.ledger.last(CUSTOMER, BEGAN)
    assert began is not None and began.payload["hosts"] == ["aalund-1"]
    left = datetime.fromisoformat(began.payload["until"]) - datetime.now(UTC)
    assert timedelta(minutes=119) < left <= timedelta(hours=2)
    assert "of the tests" not in str([dict(entry.payload) for entry in place.ledger.entries(CUSTOMER)])


def test_work_that_fails_is_loud_again(server: Silencer, tmp_path: Path) -> None:
    def bad(run: Run) -> None:
        raise OperationFailed("no")

    place = place_of(tmp_path, alertmanager=server.address)
    assert worked(place, bad).code is ExitCode.FAILED
    assert states(server) == ["expired"]
    assert kinds(place) == [BEGAN, ENDED]


def test_without_monitoring_it_warns_or_refuses_as_the_policy_says(server: Silencer, tmp_path: Path) -> None:
    server.refuse = 503
    done: list[Run] = []
    careless = worked(place_of(tmp_path, alertmanager=server.address), done.append)
    assert careless.status is Status.DONE and len(done) == 1
    assert careless.warnings == ("monitoring was not silenced: the silence was not taken: it answered 503",)
    careful = place_of(tmp_path, alertmanager=server.address, without=Without.REFUSE)
    refused = worked(careful, done.append)
    assert refused.code is ExitCode.FAILED and len(done) == 1
    assert "so nothing was touched" in refused.summary
    assert worked(careful, done.append, needed=False).status is Status.DONE, "getting READY to run does not wait"
    assert kinds(careful) == [FAILED] * 3


def test_a_silence_that_cannot_be_ended_is_told_with_its_end(server: Silencer, tmp_path: Path) -> None:
    place = place_of(tmp_path, alertmanager=server.address)
    outcome = worked(place, lambda run: setattr(server, "refuse", 500))
    assert outcome.status is Status.DONE
    assert len(outcome.warnings) == 1 and "monitoring stays silent until 20" in outcome.warnings[0]
    server.refuse = 0
    assert worked(place, end_left).warnings == ()
    assert states(server) == ["expired", "expired"]


def test_what_a_run_that_died_left_silent_is_ended_by_the_next(server: Silencer, tmp_path: Path) -> None:
    place = place_of(tmp_path, alertmanager=server.address)

    class Died(BaseException):
        pass

    def act(run: Run) -> Outcome:
        context = silenced(run, ["aalund-1"])
        context.__enter__()
        kept.append(context)
        return Outcome(CUSTOMER, "x", Status.DONE, "the record ends here, as after a kill")

    kept: list[Any] = []
    perform(place, load_profile(ROOT / "inventories", CUSTOMER), REQUEST, "patch apply", act)
    assert states(server) == ["active"]
    entries = list(place.ledger.entries(CUSTOMER, kinds=(BEGAN, ENDED)))
    assert len(open_silences(entries, datetime.now(UTC))) == 1
    assert open_silences(entries, datetime.now(UTC) + timedelta(hours=5)) == [], "it ended by itself"
    left: list[tuple[str, ...]] = []
    worked(place, lambda run: left.append(end_left(run)))
    assert states(server) == ["expired", "expired"]


def test_a_webhook_is_told_of_begin_and_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import json
    import threading

    from opsctl.adapters.notify import SENT_AT, SIGNATURE, signature
    from opsctl.core.secret import Secret
    from tests.unit.report.test_outputs import Receiver

    receiver = Receiver()
    threading.Thread(target=receiver.serve_forever, args=(0.01,), daemon=True).start()
    monkeypatch.setenv("HOOK", "a key")
    try:
        place = place_of(tmp_path, webhook=f"http://127.0.0.1:{receiver.server_address[1]}/x", webhook_key="env:HOOK")
        worked(place, lambda run: None)
    finally:
        receiver.shutdown()
        receiver.server_close()
    said = [json.loads(body) for _, _, _, body in receiver.taken]
    assert [one["event"] for one in said] == ["begin", "end"]
    assert said[0]["hosts"] == ["aalund-1"] and said[0]["run"] == said[1]["run"]
    _, _, headers, body = receiver.taken[0]
    lower = {name.lower(): value for name, value in headers.items()}
    assert lower[SIGNATURE.lower()] == signature(Secret("a key"), lower[SENT_AT.lower()], body)


def test_host_names_are_no_patterns() -> None:
    settings = SilenceSettings(alertmanager="https://alerts.example", host_label="instance")
    assert matchers(settings, "c", ["a.b", "x-1"])[1] == {"name": "instance", "value": r"a\.b|x-1", "isRegex": True,
                                                         "isEqual": True}


@pytest.mark.parametrize("wrong", [
    {"alertmanager": "http://alerts.example"}, {"webhook": "https://x.example"}, {"host_label": "instance"},
    {"alertmanager": "https://x.example", "customer_label": "a b"}, {"hours": 0}])
def test_settings_that_cannot_be_meant(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SilenceSettings(**wrong)
