"""Apprise against a real receiver on loopback: told once, its recovery once, and what failed is recorded."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from opsctl.adapters.notify_apprise import channels, send
from opsctl.core.clock import FixedClock
from opsctl.core.errors import ConfigurationError, ExitCode, OperationFailed
from opsctl.core.progress import Silent
from opsctl.core.secret import Secret
from opsctl.ledger import open_ledger
from opsctl.profiles.settings import OutputSettings, Settings
from opsctl.report.after_night import tell_others
from opsctl.report.telling import tell
from opsctl.runs.workplace import Workplace
from tests.unit.promises.register_values import ROOT, profile
from tests.unit.report import test_outputs
from tests.unit.report.test_outputs import CATALOGUE, NOW, Receiver, checked

pytestmark = pytest.mark.slow
receiver = test_outputs.receiver


@pytest.fixture
def place(tmp_path: Path, receiver: Receiver) -> Iterator[Workplace]:
    addresses = tmp_path / "apprise"
    addresses.touch(0o600)
    addresses.write_text("# who is told\n"
                         f"chat = json://127.0.0.1:{receiver.server_port}/chat-token\n\n"
                         f"on-call = json://127.0.0.1:{receiver.server_port}/call-token\n")
    ledger = open_ledger(f"sqlite:///{tmp_path}/ledger.db", FixedClock(NOW))
    yield Workplace(Settings(outputs=OutputSettings(apprise=f"file:{addresses}"), releases=ROOT / "releases"), ledger,
                    FixedClock(NOW), Silent(), "tests", tmp_path / "runs", tmp_path / "drafts")
    ledger.close()


def told(place: Workplace) -> dict[str, list[tuple[str, str]]]:
    return {one.receiver: [(alert.what, alert.kind) for alert in one.alerts]
            for one in tell(place, [profile()], CATALOGUE)}


def test_each_channel_is_told_once_and_of_the_recovery_once(place: Workplace, receiver: Receiver) -> None:
    checked(place, "down")
    problem = [("component api", "problem")]
    assert told(place) == {"apprise chat": problem, "apprise on-call": problem}
    assert told(place) == {"apprise chat": [], "apprise on-call": []}
    checked(place, "up")
    recovery = [("component api", "recovery")]
    assert told(place) == {"apprise chat": recovery, "apprise on-call": recovery}
    assert [path for _, path, _, _ in receiver.taken] == ["/chat-token", "/call-token"] * 2
    first, last = json.loads(receiver.taken[0][3]), json.loads(receiver.taken[-1][3])
    assert (first["title"], first["type"]) == ("opsctl: 1 problem", "failure")
    assert first["message"] == "sample-aalund component api: down: why"
    assert (last["title"], last["type"]) == ("opsctl: 1 recovery", "success")


def test_a_channel_that_did_not_take_it_is_recorded_and_told_again_alone(place: Workplace, receiver: Receiver) -> None:
    checked(place, "down")
    receiver.answer = 500
    assert told(place) == {"apprise chat": [], "apprise on-call": []}
    failed = [entry.payload for entry in place.ledger.entries("operator", kinds=("notification.failed",))]
    assert [payload["to"] for payload in failed] == ["apprise chat", "apprise on-call"]
    assert "token" not in json.dumps([dict(payload) for payload in failed])
    receiver.answer = 204
    place.ledger.append("operator", "notification.sent", {"to": "apprise chat", "alerts": [
        {"customer": "sample-aalund", "what": "component api", "kind": "problem", "state": "down"}]}, actor="tests")
    assert told(place) == {"apprise chat": [], "apprise on-call": [("component api", "problem")]}


def test_a_night_names_the_channel_that_was_not_told_and_goes_on(place: Workplace, receiver: Receiver) -> None:
    checked(place, "down")
    receiver.answer = 503
    rows = [(row.service, row.code) for row in tell_others(place, [profile()], CATALOGUE, everyone=True)]
    assert rows == [("apprise chat", ExitCode.FAILED), ("apprise on-call", ExitCode.FAILED)]


def test_addresses_that_cannot_be_used_are_told_by_name_and_never_shown() -> None:
    for text, words in (("chat = nothing://token", "does not know"), ("chat = json://example.com/token", "protection"),
                        ("chat = jsons://example.com/token?verify=no", "not verified"),
                        ("chat = slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ?verify=no", "not verified"),
                        ("chat = tgram://123456789:token_of_a_bot_token/1/?verify=false", "not verified")):
        (name, address), = channels(Secret(text)).items()
        with pytest.raises(ConfigurationError, match=words) as error:
            send(name, address, "title", "body", problem=True)
        assert "token" not in f"{error.value.message} {error.value.resolution}"
    with pytest.raises(OperationFailed) as refused:
        send("dead", Secret("json://127.0.0.1:9/token"), "title", "body", problem=True)
    assert "token" not in f"{refused.value.message} {refused.value.resolution}"


def test_a_server_here_need_not_be_verified(receiver: Receiver) -> None:
    send("chat", Secret(f"json://127.0.0.1:{receiver.server_port}/x?verify=no"), "title", "body", problem=True)
    assert [path for _, path, _, _ in receiver.taken] == ["/x"]


TEXT = "api: <b>down</b> <a href='https://bad.example'>log in</a> & \\n <script>x</script>"


def test_what_hosts_said_is_text_where_a_channel_takes_html(receiver: Receiver,
                                                            monkeypatch: pytest.MonkeyPatch) -> None:
    from apprise.plugins.telegram import NotifyTelegram

    receiver.answer = 200
    monkeypatch.setattr(NotifyTelegram, "notify_url", f"http://127.0.0.1:{receiver.server_port}/bot")
    send("chat", Secret("tgram://123456789:abcdefghijklmnop/12315544/"), "one <i>problem</i>", TEXT, problem=True)
    (_, path, _, body), = receiver.taken
    message = json.loads(body)
    assert path.endswith("/sendMessage") and message["parse_mode"] == "HTML"
    text = message["text"].replace("<b>", "", 1).replace("</b>", "", 1)
    assert "<" not in text and ">" not in text.replace("\r\n", ""), text
    for part in ("&lt;b&gt;down&lt;/b&gt;", "&lt;a href=", "&amp; \\n", "one &lt;i&gt;problem"):
        assert part in message["text"]


def test_a_channel_of_plain_text_gets_it_as_it_is(receiver: Receiver) -> None:
    send("chat", Secret(f"json://127.0.0.1:{receiver.server_port}/x"), "title", TEXT, problem=True)
    assert json.loads(receiver.taken[0][3])["message"] == TEXT


@pytest.mark.parametrize(("text", "words"), [
    ("json://127.0.0.1/token", "line 1"), ("# none\n", "no address"), ("a = json://x\na = json://y/token", "line 2"),
    ("A b = json://token", "line 1")])
def test_lines_that_are_no_addresses_are_named_by_number(text: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words) as error:
        channels(Secret(text))
    assert "token" not in error.value.message


def test_a_file_others_may_read_is_a_row_and_stops_nothing(place: Workplace, tmp_path: Path) -> None:
    (tmp_path / "apprise").chmod(0o644)
    checked(place, "down")
    (one,) = tell(place, [profile()], CATALOGUE)
    assert one.receiver == "apprise" and isinstance(one.error, ConfigurationError)
    assert place.ledger.last("operator", "notification.failed") is not None


def test_without_the_extra_the_remedy_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "apprise", None)
    with pytest.raises(ConfigurationError, match="not installed") as error:
        send("chat", Secret("json://127.0.0.1/x"), "t", "b", problem=True)
    assert "opsctl[notify]" in error.value.resolution
