"""The webhook, the heartbeat and the metrics: a real receiver, one that refuses, and none at all."""

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from opsctl.adapters.notify import SENT_AT, SIGNATURE, signature
from opsctl.core.clock import FixedClock
from opsctl.core.errors import ExitCode, OperationFailed
from opsctl.core.progress import Silent
from opsctl.core.secret import Secret
from opsctl.ledger import open_ledger
from opsctl.profiles.settings import OutputSettings, Settings
from opsctl.releases.catalogue import load
from opsctl.report.after_night import tell_others
from opsctl.report.alerts import Alert, due
from opsctl.report.outputs import measured
from opsctl.report.telling import tell
from opsctl.runs.workplace import Workplace
from tests.unit.promises.register_values import ROOT, profile

NOW = datetime(2026, 11, 23, 3, tzinfo=UTC)
KEY = "a key of the tests"
CATALOGUE = load(ROOT / "releases")


class Receiver(ThreadingHTTPServer):
    answer = 204

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Taker)
        self.taken: list[tuple[str, str, dict[str, str], bytes]] = []


class Taker(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.taken.append((self.command, self.path, dict(self.headers.items()), body))
        self.send_response(self.server.answer)
        if self.server.answer == 302:
            self.send_header("Location", "/elsewhere")
        self.end_headers()

    def do_GET(self) -> None:
        self.do_POST()

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOW)


@pytest.fixture
def place(tmp_path: Path, clock: FixedClock, receiver: Receiver,
          monkeypatch: pytest.MonkeyPatch) -> Iterator[Workplace]:
    url = f"http://127.0.0.1:{receiver.server_port}"
    monkeypatch.setenv("OPSCTL_TEST_KEY", KEY)
    monkeypatch.setenv("OPSCTL_TEST_BEAT", f"{url}/beat/secret-part")
    ledger = open_ledger(f"sqlite:///{tmp_path}/ledger.db", clock)
    outputs = OutputSettings.model_validate({"webhook": f"{url}/hook", "webhook_key": "env:OPSCTL_TEST_KEY",
                                             "heartbeat": "env:OPSCTL_TEST_BEAT", "metrics": tmp_path / "opsctl.prom"})
    yield Workplace(Settings(outputs=outputs, releases=ROOT / "releases"), ledger, clock, Silent(), "tests",
                    tmp_path / "runs", tmp_path / "drafts")
    ledger.close()


def checked(place: Workplace, state: str) -> None:
    place.ledger.append("sample-aalund", "network.checked", {
        "level": "ok", "summary": "x", "skipped": [], "changes": [], "components": [
            {"name": "api", "state": state, "raw": "up" if state == "up" else "down", "detail": "why", "facts": {
                "certificate_ends": "2029-01-01"}, "round_trip_milliseconds": 2.5}]}, actor="tests")


def told(place: Workplace) -> list[tuple[str, str, str]]:
    found = []
    for one in tell(place, [profile()], CATALOGUE):
        if one.error is not None:
            raise one.error
        found += [(alert.what, alert.kind, alert.state) for alert in one.alerts]
    return found


def test_a_problem_is_told_once_and_its_recovery_once(place: Workplace, receiver: Receiver, clock: FixedClock) -> None:
    checked(place, "up")
    assert told(place) == []
    checked(place, "down")
    assert told(place) == [("component api", "problem", "down")]
    assert told(place) == []
    clock.move(timedelta(minutes=5))
    checked(place, "up")
    assert told(place) == [("component api", "recovery", "ok")]
    assert told(place) == []
    assert len(receiver.taken) == 2


def test_the_message_is_signed_with_its_time(place: Workplace, receiver: Receiver) -> None:
    checked(place, "down")
    told(place)
    (_, path, headers, body), = receiver.taken
    assert path == "/hook"
    assert headers[SIGNATURE] == signature(Secret(KEY), headers[SENT_AT], body)
    assert headers[SIGNATURE] != signature(Secret(KEY), headers[SENT_AT], body + b" ")
    assert json.loads(body)["alerts"][0]["customer"] == "sample-aalund"


@pytest.mark.parametrize("answer", [500, 404, 302])
def test_a_message_that_was_not_taken_is_recorded_and_due_again(place: Workplace, receiver: Receiver,
                                                               answer: int) -> None:
    checked(place, "down")
    receiver.answer = answer
    with pytest.raises(OperationFailed, match=str(answer)):
        told(place)
    failed = place.ledger.last("operator", "notification.failed")
    assert failed is not None
    assert failed.payload["about"] == ["sample-aalund/component api"]
    assert len(receiver.taken) == 1
    receiver.answer = 200
    assert told(place) == [("component api", "problem", "down")]


def rows(place: Workplace, everyone: bool = True) -> list[tuple[str, ExitCode]]:
    return [(row.service, row.code) for row in tell_others(place, [profile()], CATALOGUE, everyone=everyone)]


def test_after_a_night_of_all_customers_the_heart_beats(place: Workplace, receiver: Receiver) -> None:
    assert rows(place, everyone=False) == []
    assert receiver.taken == []
    assert rows(place) == []
    assert [taken[:2] for taken in receiver.taken] == [("GET", "/beat/secret-part")]
    path = place.settings.outputs.metrics
    assert path is not None
    assert path.stat().st_mode & 0o777 == 0o644


def test_a_heartbeat_that_fails_is_a_row_and_does_not_tell_its_address(place: Workplace, receiver: Receiver) -> None:
    receiver.answer = 503
    assert rows(place) == [("heartbeat", ExitCode.FAILED)]
    entry = place.ledger.last("operator", "notification.failed")
    assert entry is not None
    assert "secret-part" not in json.dumps(dict(entry.payload))


def test_metrics_are_text_that_prometheus_reads(place: Workplace) -> None:
    checked(place, "down")
    lines = measured(place, [profile(), profile("dalmose")], CATALOGUE).splitlines()
    assert 'opsctl_component_up{customer="sample-aalund",component="api"} 0' in lines
    assert 'opsctl_component_round_trip_seconds{customer="sample-aalund",component="api"} 0.0025' in lines
    assert 'opsctl_verdict{customer="sample-dalmose",what="backup",verdict="not covered"} 1' in lines
    assert not [line for line in lines if line.startswith("opsctl_nightly")]
    names = [line.split()[2] for line in lines if line.startswith("# TYPE")]
    assert len(names) == len(set(names))
    documented = (ROOT / "docs" / "surveillance.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in documented for name in names)


def test_prometheus_own_parser_reads_every_sample_also_with_odd_names(place: Workplace) -> None:
    odd = 'a "quoted" name\\with\nbreaks æøå'
    place.ledger.append("sample-aalund", "storage.measured", {
        "level": "ok", "findings": [], "databases": [], "latency": [],
        "stores": [{"place": "s3://bucket/", "bytes": 9_600_000, "objects": 12, "error": ""},
                   {"place": "s3://other/", "bytes": 0, "objects": 0, "error": "not reached"}],
        "volumes": [{"host": "aalund-1", "mount": odd, "error": "", "bytes_used": 10**15 + 1, "bytes_available": 7,
                     "forecast": {"full": "2027-01-03"}}]}, actor="tests")
    checked(place, "down")
    families = {family.name: family for family in text_string_to_metric_families(
        measured(place, [profile(), profile("dalmose")], CATALOGUE))}
    (used,) = families["opsctl_storage_used_bytes"].samples
    assert (used.labels["mount"], used.value) == (odd, 10**15 + 1)
    assert [(one.labels["store"], one.value) for one in families["opsctl_backup_store_bytes"].samples] == [
        ("s3://bucket/", 9_600_000)]
    assert all(family.type == "gauge" and family.documentation for family in families.values())
    samples = [(one.name, tuple(sorted(one.labels.items()))) for family in families.values() for one in family.samples]
    assert len(samples) == len(set(samples)) > 10


def test_a_metrics_file_that_cannot_be_written_is_a_row(place: Workplace) -> None:
    outputs = place.settings.outputs.model_copy(update={"metrics": Path("/nonexistent/opsctl.prom")})
    elsewhere = replace(place, settings=place.settings.model_copy(update={"outputs": outputs}))
    assert rows(elsewhere) == [("metrics", ExitCode.FAILED)]


@pytest.mark.parametrize("given_", [{"webhook": "http://example.com/x", "webhook_key": "env:X"},
                                    {"webhook": "https://example.com/x"}, {"heartbeat": "https://example.com/x"},
                                    {"webhook": "file:///etc/passwd", "webhook_key": "env:X"}])
def test_outputs_that_are_not_safe_are_refused(given_: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"webhook|heartbeat"):
        OutputSettings.model_validate(given_)


@given(steps=st.lists(st.dictionaries(st.sampled_from("abc"), st.sampled_from(["down", "broken"]))))
def test_what_was_told_is_what_stands(steps: list[dict[str, str]]) -> None:
    known: dict[str, str] = {}
    for step in steps:
        now = {f"c/{what}": Alert("c", what, "problem", state, "") for what, state in step.items()}
        for alert in due(now, known, ["c"]):
            known.pop(alert.key, None)
            if alert.kind == "problem":
                known[alert.key] = alert.state
        assert known == {key: alert.state for key, alert in now.items()}
        assert not due(now, known, ["c"])
    assert not due({}, {"other/x": "down"}, ["c"])
