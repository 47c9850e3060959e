"""A command at work on a host over SSH (paramiko): bytes in, lines or exact counts out, and how it ended."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass

import paramiko

from opsctl.adapters.buffered import BufferedBytes
from opsctl.core.errors import OperationFailed
from opsctl.core.text import printable

WINDOW_BYTES = 1 << 24
# What paramiko raises where a link breaks; EOFError from whichever call notices first.
BREAKS = (OSError, EOFError, paramiko.SSHException)


@dataclass(frozen=True)
class Completed:
    """How a command on a host ended."""

    exit_code: int
    stdout: bytes
    stderr: bytes

    def text(self) -> str:
        """Standard output as text, without the last line break."""
        return self.stdout.decode("utf-8", "replace").rstrip("\n")


class Channel(BufferedBytes):
    """A running command: bytes in, lines or exact counts out. OperationFailed when it falls silent or breaks off."""

    def __init__(self, channel: paramiko.Channel, name: str) -> None:
        super().__init__(name)
        self._channel = channel

    def write(self, data: bytes) -> None:
        """Send all of `data`."""
        try:
            self._channel.sendall(data)
        except BREAKS as error:
            raise self._broken(error) from None

    def _fill(self, seconds: float) -> bool:
        self._channel.settimeout(seconds)
        try:
            data = self._channel.recv(WINDOW_BYTES)
        except TimeoutError:
            raise OperationFailed(f"{self._name}: nothing was heard for {seconds:.0f} seconds",
                                  "look whether the host and its link are up, then run it again") from None
        except BREAKS as error:
            raise self._broken(error) from None
        self._buffer += data
        return bool(data)

    def close_input(self) -> None:
        """Tell the command that no more input comes."""
        try:
            self._channel.shutdown_write()
        except BREAKS as error:
            raise self._broken(error) from None

    def result(self, seconds: float) -> Completed:
        """Wait for the end; returns what is left of both outputs.

        OperationFailed without an exit code: what was said by then is no answer.
        """
        deadline = time.monotonic() + seconds
        out, err = bytearray(self._buffer), bytearray()
        channel = self._channel
        while True:
            # Asked before the outputs are read: a host may tell how a command ended before the last of what it said.
            ended = channel.closed or (channel.eof_received and channel.status_event.is_set())
            moved = False
            while channel.recv_ready():
                out += channel.recv(WINDOW_BYTES)
                moved = True
            while channel.recv_stderr_ready():
                err += channel.recv_stderr(WINDOW_BYTES)
                moved = True
            if ended:
                return self._completed(channel.recv_exit_status(), bytes(out), bytes(err))
            if time.monotonic() > deadline:
                self.close()
                raise OperationFailed(f"{self._name}: not done after {seconds:.0f} seconds",
                                      "look at the host's load, then run it again")
            if not moved and channel.status_event.wait(0.01):
                time.sleep(0.001)

    def close(self) -> None:
        """Break the command off: its input ends. No error where the link is gone already."""
        with suppress(*BREAKS):
            self._channel.close()

    def _completed(self, code: int, out: bytes, err: bytes) -> Completed:
        # paramiko's word for "none was told": the link broke, or a signal ended the command.
        if code == -1:
            said = err.decode("utf-8", "replace").split("\n")
            raise OperationFailed(f"{self._name}: a command ended without an exit code: the connection broke off, or "
                                  "something killed it",
                                  "look whether the host and its link are up and memory is left, then run it again",
                                  tuple(printable(line)[:500] for line in said[-20:] if line.strip()))
        return Completed(code, out, err)

    def _broken(self, error: Exception) -> OperationFailed:
        return OperationFailed(f"{self._name}: the connection broke off ({type(error).__name__})",
                               "look whether the host and its link are up, then run it again")
