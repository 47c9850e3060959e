"""The real host program as a child process of the test, in place of one over SSH."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from opsctl.adapters.buffered import BufferedBytes
from opsctl.backup.dialogue import HostProgram, Source
from opsctl.core.errors import OperationFailed

PLAYBOOKS = Path(__file__).parents[3] / "playbooks"


class LocalLink(BufferedBytes):
    """A process's input and output as a `dialogue.Duplex`."""

    def __init__(self, source: Source) -> None:
        super().__init__("local")
        # A session of its own: the test can see that nothing of it is left.
        self.process = subprocess.Popen(source.argv(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0,
                                        start_new_session=True)

    def write(self, data: bytes) -> None:
        assert self.process.stdin is not None
        view = memoryview(data)
        try:
            while view:
                view = view[self.process.stdin.write(view) or 0:]
        except OSError:
            raise OperationFailed("the link is gone") from None

    def _fill(self, seconds: float) -> bool:
        assert self.process.stdout is not None
        if not select.select([self.process.stdout], [], [], seconds)[0]:
            raise OperationFailed("silence")
        data = os.read(self.process.stdout.fileno(), 1 << 20)
        self._buffer += data
        return bool(data)


@contextmanager
def local_program(on_progress: Callable[[int], None] = lambda done: None, *,
                  kind: type[HostProgram] = HostProgram) -> Iterator[tuple[HostProgram, LocalLink]]:
    """A started host program and its link; whatever is left of it is killed at the end."""
    source = Source.read(PLAYBOOKS)
    link = LocalLink(source)
    program = kind(link, "local", on_progress)
    try:
        program.start(source)
        yield program, link
    finally:
        program.stop()
        with suppress(ProcessLookupError):
            os.killpg(link.process.pid, signal.SIGKILL)
        link.process.wait()
        for pipe in (link.process.stdin, link.process.stdout):
            with suppress(OSError):
                assert pipe is not None
                pipe.close()


def children(session: int) -> list[int]:
    """Processes of the session, zombies left out."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError):
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
                if int(fields[3]) == session and fields[0] != "Z":
                    found.append(int(folder.name))
    return found


def wait_until_empty(session: int, seconds: float = 5) -> list[int]:
    """What is left of the session after at most `seconds`."""
    deadline = time.monotonic() + seconds
    while (left := children(session)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left
