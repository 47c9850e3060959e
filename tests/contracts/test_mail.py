"""The relay's adapter against a real SMTP server: refusals, losses, TLS and authentication."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from opsctl.adapters.mail import Fate, Relay, RelayStopped
from opsctl.core.errors import ConfigurationError
from opsctl.profiles.settings import SmtpSettings
from tests.contracts.smtp_server import Script, serving
from tests.unit.backup.s3_server import make_certificate

CONTENT = b"Subject: A notice\r\n\r\nOne line\r\n.\r\n..two dots\r\n"


@contextmanager
def relay(port: int, **settings: Any) -> Iterator[Relay]:
    made = Relay(SmtpSettings.model_validate({"host": "127.0.0.1", "port": port, "tls": "none-loopback-only",
                                              "per_minute": 6000, **settings}))
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def server() -> Iterator[Script]:
    with serving(Script()) as script:
        yield script


def test_each_recipient_has_an_outcome_of_its_own(server: Script) -> None:
    people = ["it@customer.example", "nobody@customer.example", "later@customer.example"]
    with relay(server.port) as found:
        found.ready()
        answers = found.deliver("from@vendor.example", people, CONTENT)
    assert [(answers[one].fate, answers[one].code, answers[one].temporary) for one in people] == [
        (Fate.ACCEPTED, 250, False), (Fate.REFUSED, 550, False), (Fate.REFUSED, 451, True)]
    assert answers[people[0]].reply == "2.0.0 queued as 4ABC"
    assert answers[people[1]].reply == "5.1.1 [address] is unknown", "replies are evidence, addresses are personal data"
    [(sender, recipients, content, _)] = server.kept
    assert (sender, recipients, content) == ("from@vendor.example", [people[0]], CONTENT)


def test_nobody_taken_means_no_content(server: Script) -> None:
    with relay(server.port) as found:
        found.ready()
        [answer] = found.deliver("from@vendor.example", ["later@customer.example"], CONTENT).values()
        assert (answer.fate, answer.temporary, found.stopped) == (Fate.REFUSED, True, "")
        found.ready()
        [again] = found.deliver("from@vendor.example", ["it@customer.example"], CONTENT).values()
    assert again.fate is Fate.ACCEPTED and len(server.kept) == 1


def test_a_connection_lost_after_the_final_dot_is_unknown(server: Script) -> None:
    server.drop = True
    with relay(server.port) as found:
        found.ready()
        [answer] = found.deliver("from@vendor.example", ["it@customer.example"], CONTENT).values()
        assert (answer.fate, answer.code) == (Fate.UNKNOWN, 0)
        server.drop = False
        found.ready()
        [other] = found.deliver("from@vendor.example", ["other@customer.example"], CONTENT).values()
    assert other.fate is Fate.ACCEPTED, "a new connection was opened"


def test_a_refusal_for_policy_stops_everything(server: Script) -> None:
    with relay(server.port) as found:
        found.ready()
        [answer] = found.deliver("from@vendor.example", ["policy@customer.example"], CONTENT).values()
        assert answer.fate is Fate.REFUSED and found.stopped.startswith("550 5.7.1")
        with pytest.raises(RelayStopped, match="not tried"):
            found.ready()
    assert not server.kept


@pytest.mark.parametrize("implicit", [False, True], ids=["STARTTLS", "implicit"])
def test_over_verified_tls(tmp_path: Path, implicit: bool) -> None:
    certificate = make_certificate(tmp_path)
    with serving(Script(), certificate=certificate, implicit=implicit) as script, \
            relay(script.port, tls="implicit" if implicit else "starttls", ca_file=certificate[0]) as found:
        found.ready()
        [answer] = found.deliver("from@vendor.example", ["it@customer.example"], CONTENT).values()
    assert answer.fate is Fate.ACCEPTED
    assert script.kept[0][3] is True, "the content went over TLS"


@pytest.mark.parametrize("implicit", [False, True], ids=["STARTTLS", "implicit"])
@pytest.mark.parametrize("wrong", ["authority", "name"])
def test_a_wrong_certificate_is_refused(tmp_path: Path, implicit: bool, wrong: str) -> None:
    certificate = make_certificate(tmp_path)
    changed = {"ca_file": None} if wrong == "authority" else {"ca_file": certificate[0], "host": "localhost"}
    with serving(Script(), certificate=certificate, implicit=implicit) as script, \
            relay(script.port, tls="implicit" if implicit else "starttls", **changed) as found:
        with pytest.raises(RelayStopped, match="not trusted"):
            found.ready()
        with pytest.raises(RelayStopped, match="not tried"):
            found.ready()
    assert not script.kept


def test_a_server_without_tls_gets_nothing(server: Script) -> None:
    with relay(server.port, tls="starttls") as found, pytest.raises(RelayStopped, match="does not offer starttls"):
        found.ready()


@pytest.mark.parametrize("given", ["right-word", "wrong-word"])
def test_authentication(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    certificate = make_certificate(tmp_path)
    monkeypatch.setenv("RELAY_WORD", given)
    with serving(Script(), certificate=certificate, password="right-word") as script, \
            relay(script.port, tls="starttls", ca_file=certificate[0], user="opsctl",
                  password="env:RELAY_WORD") as found:
        if given == "right-word":
            found.ready()
            assert found.deliver("a@b.example", ["it@c.example"], CONTENT)["it@c.example"].fate is Fate.ACCEPTED
        else:
            with pytest.raises(RelayStopped, match="refused the user or the password") as caught:
                found.ready()
            assert given not in str(caught.value)


def test_no_relay_and_no_answer() -> None:
    with pytest.raises(ConfigurationError):
        Relay(None).ready()
    with serving(Script()) as script:
        port = script.port
    with relay(port) as found, pytest.raises(RelayStopped, match="cannot be reached"):
        found.ready()


def test_the_rate_is_kept(server: Script) -> None:
    pauses: list[float] = []
    found = Relay(SmtpSettings.model_validate({"host": "127.0.0.1", "port": server.port, "tls": "none-loopback-only",
                                               "per_minute": 30}), pause=pauses.append)
    found.ready()
    found.ready()
    found.close()
    assert len(pauses) == 1 and 1.5 < pauses[0] <= 2.0


def test_each_domain_has_a_rate_of_its_own(server: Script) -> None:
    pauses: list[float] = []
    found = Relay(SmtpSettings.model_validate({
        "host": "127.0.0.1", "port": server.port, "tls": "none-loopback-only", "per_minute": 6000,
        "per_minute_and_domain": 1}), pause=pauses.append)
    for domain in ("customer.example", "other.example", "Customer.example"):
        found.ready(domain)
    found.close()
    assert len([pause for pause in pauses if 30 < pause <= 60]) == 1, "only the second mail to the same domain waits"


@pytest.mark.parametrize("settings", [
    {"tls": "none-loopback-only", "host": "relay.example"}, {"user": "opsctl"},
    {"tls": "none-loopback-only", "host": "127.0.0.1", "user": "opsctl", "password": "env:WORD"}])
def test_settings_that_would_leak(settings: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        SmtpSettings.model_validate({"host": "relay.example", **settings})
