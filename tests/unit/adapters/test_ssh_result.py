"""What a command said is whole, in whatever order a host tells its end and its words (RFC 4254, 6.10)."""

import paramiko
import pytest

from opsctl.adapters.ssh_channel import Channel
from opsctl.core.errors import OperationFailed


class Scripted(paramiko.Channel):
    """A real channel to which something comes at a chosen moment: when it is asked for output the nth time."""

    def __init__(self, moments: dict[int, list[str]]) -> None:
        super().__init__(1)
        self._moments = moments
        self._asked = 0

    def recv_ready(self) -> bool:
        ready = super().recv_ready()
        self._asked += 1
        for what in self._moments.get(self._asked, []):
            if what == "status":
                self.exit_status = 3
                self.status_event.set()
            elif what == "end":
                self.eof_received = True
            elif what == "close":
                with self.lock:
                    self._set_closed()  # type: ignore[attr-defined]  # as when the host closes it
            else:
                self.in_buffer.feed(what.encode())
        return ready

    def recv_stderr_ready(self) -> bool:
        return False


@pytest.mark.parametrize("moments", [
    {1: ["said", "end", "status"]},
    {1: ["status"], 2: ["said", "end"]},
    {1: ["status", "said"], 4: ["end"]},
    {1: ["said", "end"], 3: ["status", "close"]},
    {2: ["said", "status", "end", "close"]},
])
def test_the_last_words_are_not_lost(moments: dict[int, list[str]]) -> None:
    done = Channel(Scripted(moments), "host").result(5)
    assert (done.exit_code, done.stdout) == (3, b"said")


def test_a_command_without_an_exit_code_gave_no_answer() -> None:
    """A signal ended it, or the link is gone: paramiko tells both the same way."""
    with pytest.raises(OperationFailed, match="host: a command ended without an exit code"):
        Channel(Scripted({1: ["said"], 2: ["close"]}), "host").result(5)


def test_one_that_never_ends_is_given_up() -> None:
    with pytest.raises(OperationFailed, match="not done after"):
        Channel(Scripted({1: ["said", "status"]}), "host").result(0.05)
