"""Addresses and headers hold secrets: whatever is wrong with them, no message repeats one."""

import socket
import threading
import urllib.request

import pytest

from opsctl.adapters.notify import checked, header, ping, sent
from opsctl.core.errors import ConfigurationError, OperationFailed, OpsctlError
from opsctl.core.secret import Secret
from opsctl.profiles.monitoring import SilenceSettings


@pytest.mark.parametrize("address", [
    "https://me:s3cret@hc.example/x", "https://s3cret@hc.example", "https://hc.example:s3cret/x", "https://:443/s3cret",
    "http://localhost:80@s3cret.example/", "http://127.0.0.1:s3cret@hc.example/", "https://[s3cret/", "https:///s3cret",
    "https://hc.example:99999/s3cret", "https://hc.example/s3cret\r\nX: y"])
def test_an_address_that_is_not_sound_is_refused_and_not_repeated(address: str) -> None:
    for refuse in (lambda: checked(address), lambda: ping(Secret(address))):
        with pytest.raises(ConfigurationError) as error:
            refuse()
        assert "s3cret" not in str(error.value) + error.value.resolution


def test_sound_addresses_pass() -> None:
    for address in ("https://hc.example/a@b", "https://[2001:db8::1]:8443/", "http://localhost:9093/x?y=a@b"):
        assert checked(address) == address


@pytest.mark.parametrize("value", ["Bearer s3cret\r\nX-Other: y", "Bearer s3cret\x00", "Bearer s3cret\x7f", "s3cret€"])
def test_a_secret_that_no_header_can_hold_is_refused_and_not_repeated(value: str) -> None:
    with pytest.raises(ConfigurationError, match=r"silences\.authorization") as error:
        header(Secret(value), "silences.authorization")
    assert "s3cret" not in str(error.value) + error.value.resolution
    assert header(Secret("Bearer s3cret é"), "x") == "Bearer s3cret é"


def test_the_authorization_of_silences_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    from opsctl.adapters.silences import version

    monkeypatch.setenv("OPSCTL_TEST_AM", "Bearer s3cret\nmore")
    with pytest.raises(ConfigurationError, match="header"):
        version(SilenceSettings(alertmanager="http://127.0.0.1:9", authorization="env:OPSCTL_TEST_AM"))


def test_errors_that_repeat_what_was_sent_or_answered_are_told_by_their_kind() -> None:
    broken = urllib.request.Request("http://127.0.0.1:9/", headers={"Authorization": "Bearer s3cret\nmore"})
    bad_port = urllib.request.Request("http://localhost:s3cret/")
    for request in (broken, bad_port):
        with pytest.raises(OperationFailed, match=r"not taken: (ValueError|InvalidURL)$") as error:
            sent(request, "the message")
        assert "s3cret" not in str(error.value)


@pytest.mark.slow
def test_an_answer_that_is_no_http_is_told_by_its_kind() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def answer() -> None:
            link, _ = listener.accept()
            with link:
                link.recv(4096)
                link.sendall(b"s3cret\r\n\r\n")

        threading.Thread(target=answer, daemon=True).start()
        with pytest.raises(OpsctlError, match="BadStatusLine") as error:
            ping(Secret(f"http://127.0.0.1:{listener.getsockname()[1]}/x"))
    assert "s3cret" not in str(error.value)


def test_why_a_server_cannot_be_reached_is_still_told() -> None:
    with pytest.raises(OperationFailed, match="Connection refused"):
        ping(Secret("http://127.0.0.1:9/x"))
