"""SSH to a customer's host (paramiko): host keys are strict, sessions bounded, and long work can be stopped by name.

Known hosts come from the file beside the customer's profile, never from the user's own; an agent or
other keys of the user are not offered.
"""

from __future__ import annotations

import shlex
import socket
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import paramiko
from paramiko.hostkeys import InvalidHostKey

from opsctl.adapters.ssh_channel import BREAKS, WINDOW_BYTES, Channel, Completed
from opsctl.core.clock import Clock
from opsctl.core.errors import ConfigurationError, OperationFailed
from opsctl.core.text import printable
from opsctl.profiles.hosted import Host

_SSH_PORT = 22
KEEPALIVE_SECONDS = 15
DEAD_LINK_SECONDS = 45.0


class Shell:
    """A connection to one host."""

    def __init__(self, client: paramiko.SSHClient, name: str) -> None:
        self._client = client
        self._name = name

    def open(self, argv: Sequence[str], *, sudo: bool = False, seconds: float = 30) -> Channel:
        """Start a command and return its channel; arguments are quoted, secrets do not belong in them."""
        command = shlex.join(["sudo", "-n", "--", *argv] if sudo else argv)
        transport = self._client.get_transport()
        try:
            if transport is None:
                raise EOFError
            channel = transport.open_session(window_size=WINDOW_BYTES, timeout=seconds)
            channel.settimeout(seconds)
            # paramiko waits without end for the answer to a command; a host that is frozen never gives one.
            alarm = threading.Timer(seconds, channel.close)
            alarm.start()
            try:
                channel.exec_command(command)
            finally:
                alarm.cancel()
        except BREAKS as error:
            raise OperationFailed(f"{self._name}: a command could not be started ({type(error).__name__})",
                                  "look whether the host and its link are up, then run it again") from None
        return Channel(channel, self._name)

    def run(self, argv: Sequence[str], *, stdin: bytes = b"", sudo: bool = False, timeout: float = 60) -> Completed:
        """Run a command to its end; OperationFailed after `timeout` seconds."""
        channel = self.open(argv, sudo=sudo, seconds=timeout)
        try:
            if stdin:
                channel.write(stdin)
            channel.close_input()
            return channel.result(timeout)
        finally:
            channel.close()

    def close(self) -> None:
        """Break the connection off: whatever waits for something over it gets an error."""
        self._client.close()

    def stop_unit(self, name: str, *, timeout: float = 30) -> bool:
        """Stop a systemd unit by name or pattern; True when systemd did so. No error when there is none."""
        return self.run(["systemctl", "stop", "--", name], sudo=True, timeout=timeout).exit_code == 0

    def clock_offset(self, clock: Clock) -> float:
        """Seconds by which the host's clock is ahead of `clock`; off by at most half the round trip."""
        before = clock.now()
        said = self.run(["date", "+%s.%N"], timeout=15)
        after = clock.now()
        try:
            told = datetime.fromtimestamp(float(said.text()), UTC)
        except (ValueError, OverflowError):
            raise OperationFailed(f"{self._name}: the host does not tell its time (`date`: exit code "
                                  f"{said.exit_code})", "look what `date` on the host is") from None
        return (told - (before + (after - before) / 2)).total_seconds()


@contextmanager
def connect(host: Host, *, known_hosts: Path, identity: Path, timeout: float = 10,
            dead_link: float = DEAD_LINK_SECONDS) -> Iterator[Shell]:
    """Connect to `host` with strict host keys; closed at the end of the block.

    dead_link: seconds without an acknowledgement after which a link is given up.
    OperationFailed when the host is unreachable, its key unknown or changed, or the login refused.
    """
    client = paramiko.SSHClient()
    try:
        _open(client, host, known_hosts, identity, timeout, dead_link)
        yield Shell(client, host.name)
    finally:
        client.close()


def greets(address: str, port: int, seconds: float = 3) -> bool:
    """Whether an SSH server answers there; says nothing about whose it is."""
    try:
        with socket.create_connection((address, port), timeout=seconds) as link:
            link.settimeout(seconds)
            return link.recv(4) == b"SSH-"
    except OSError:
        return False


def require_known(hosts: Iterable[Host], known_hosts: Path) -> None:
    """Raise ConfigurationError, naming each host that has no key in `known_hosts`; connects to nothing."""
    keys = paramiko.HostKeys()
    try:
        keys.load(str(known_hosts))
    except OSError as error:
        raise ConfigurationError(f"{known_hosts}: {error.strerror}",
                                 "write each host's key there, read on the host itself") from None
    except InvalidHostKey as error:
        raise _no_key(error, known_hosts) from None
    unknown = [host for host in hosts
               if not keys.lookup(host.address if host.port == _SSH_PORT else f"[{host.address}]:{host.port}")]
    if unknown:
        named = ", ".join(f"{host.name} ({host.address} port {host.port})" for host in unknown)
        raise ConfigurationError(f"no key of {named} in {known_hosts}",
                                 "add each one's key, read on the host itself, not over the network")


def _transport(link: Any, /, **options: Any) -> paramiko.Transport:
    """A transport that prefers AES-GCM: it needs no separate MAC, which Python would compute slowly."""
    transport = paramiko.Transport(link, **options)
    offered = transport.get_security_options()
    offered.ciphers = sorted(offered.ciphers, key=lambda name: "gcm" not in name)
    return transport


def _open(client: paramiko.SSHClient, host: Host, known_hosts: Path, identity: Path, timeout: float,
          dead_link: float) -> None:
    if not identity.is_file():
        raise ConfigurationError(f"the SSH key {identity} is not there", "set `ssh.identity` in opsctl.yml")
    client.set_missing_host_key_policy(paramiko.RejectPolicy())
    try:
        client.load_host_keys(str(known_hosts))
        # A deadline for unacknowledged data: else a dead link is noticed only after a quarter of an hour.
        link = socket.create_connection((host.address, host.port), timeout=timeout)
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(dead_link * 1000))
        client.connect(host.address, host.port, host.user, key_filename=str(identity), sock=link, timeout=timeout,
                       banner_timeout=timeout, auth_timeout=timeout, allow_agent=False, look_for_keys=False,
                       transport_factory=_transport)
        transport = client.get_transport()
        if transport is not None:
            transport.set_keepalive(KEEPALIVE_SECONDS)
    except InvalidHostKey as error:
        raise _no_key(error, known_hosts) from None
    except BREAKS as error:
        raise _explained(error, host, known_hosts, identity) from None


def _no_key(error: InvalidHostKey, known_hosts: Path) -> ConfigurationError:
    return ConfigurationError(f"{known_hosts}: this line holds no host key: {printable(error.line.strip())[:80]}",
                              "mend or remove the line: addresses, key type, key in base64 (sshd(8))")


def _explained(error: Exception, host: Host, known_hosts: Path, identity: Path) -> OperationFailed:
    where = f"{host.name} ({host.address} port {host.port})"
    if isinstance(error, paramiko.BadHostKeyException):
        return OperationFailed(
            f"{where} shows another host key than the one in {known_hosts}: it was reinstalled, or it is not that host",
            f"ask who changed it; only then replace its line in {known_hosts} with the key read on the host itself")
    if isinstance(error, FileNotFoundError):
        return OperationFailed(f"there is no {known_hosts}, so {where} cannot be recognised",
                               "write the host's key there, read on the host itself: /etc/ssh/ssh_host_ed25519_key.pub")
    if isinstance(error, paramiko.AuthenticationException):
        return OperationFailed(f"{where} does not accept {host.user} with the key {identity}",
                               f"add {identity}.pub to {host.user}'s authorized_keys on the host")
    if isinstance(error, paramiko.SSHException) and "not found in known_hosts" in str(error):
        return OperationFailed(f"{where} has no key in {known_hosts}, so it cannot be recognised",
                               f"add its key to {known_hosts}, read on the host itself, not over the network")
    return OperationFailed(f"{where} cannot be reached ({type(error).__name__})",
                           "look whether the host is up and its SSH port open from here")
