"""A link that breaks under a command is told as such, whichever call notices it, and never as an answer."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import paramiko
import pytest

from opsctl.adapters.ssh import Shell
from opsctl.adapters.ssh_channel import Channel
from opsctl.core.clock import SystemClock
from opsctl.core.errors import OperationFailed

KEY = paramiko.RSAKey.generate(2048)


class Host(paramiko.ServerInterface):
    """Lets everybody in; tells when a command was asked for."""

    def __init__(self, said: bytes, code: int | None) -> None:
        self.began = threading.Event()
        self._said = said
        self._code = code

    def check_auth_none(self, username: str) -> int:
        return paramiko.common.AUTH_SUCCESSFUL

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return paramiko.common.OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        def answer() -> None:
            channel.sendall(self._said)
            if self._code is not None:
                channel.send_exit_status(self._code)
                channel.close()
            self.began.set()
        # Later: the request itself is answered when this method has returned.
        threading.Timer(0.1, answer).start()
        return True


@contextmanager
def shell(said: bytes = b"half an ans", code: int | None = None) -> Iterator[tuple[Shell, Callable[[], None]]]:
    """A shell on a host of this process, and what cuts the link when the host has said its part."""
    here, there = socket.socketpair()
    host, server, client = Host(said, code), paramiko.Transport(there), paramiko.SSHClient()
    server.add_server_key(KEY)

    def cut() -> None:
        assert host.began.wait(10)
        there.shutdown(socket.SHUT_RDWR)

    try:
        server.start_server(threading.Event(), host)
        transport = paramiko.Transport(here)
        client._transport = transport
        transport.start_client(timeout=10)
        transport.auth_none("operator")
        yield Shell(client, "host"), cut
    finally:
        client.close()
        server.close()


def writing(channel: Channel) -> None:
    for _ in range(1000):
        channel.write(b"x" * 4096)


@pytest.mark.parametrize("act", [
    lambda channel: channel.result(10),
    writing,
])
def test_a_cut_link_is_an_error_of_the_host(act: Callable[[Channel], None]) -> None:
    with shell() as (host, cut):
        channel = host.open(["true"])
        cut()
        with pytest.raises(OperationFailed, match=r"^host: "):
            act(channel)
        channel.close()


def test_whatever_is_asked_after_it_is_an_error_of_the_host() -> None:
    with shell() as (host, cut):
        channel = host.open(["true"])
        cut()
        while host._client.get_transport().is_active():  # type: ignore[union-attr]
            pass
        for act in (lambda: channel.write(b"more"), lambda: host.open(["true"]), lambda: channel.result(10)):
            with pytest.raises(OperationFailed, match=r"^host: "):
                act()
        channel.close()


@pytest.mark.parametrize(("said", "code"), [(b"", 1), (b"Fri Nov 27", 0), (b"1e400", 0)])
def test_a_host_that_does_not_tell_its_time_is_an_error_of_the_host(said: bytes, code: int) -> None:
    with shell(said, code) as (host, _), pytest.raises(OperationFailed, match="does not tell its time"):
        host.clock_offset(SystemClock())
