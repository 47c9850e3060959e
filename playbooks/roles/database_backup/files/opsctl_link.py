"""The host side of opsctl's dialogue: the link to the control side and pipelines.

Sent together with `opsctl_stream.py`, whose text tells the dialogue. Python 3.9, standard library only.
"""

import collections
import contextlib
import fcntl
import json
import os
import queue
import select
import subprocess
import threading
import time

SILENCE_SECONDS = 160
ANSWER_SECONDS = 150
BEAT_SECONDS = 10
PIPE_BYTES = 1 << 20
F_SETPIPE_SZ = 1031
"""Linux; fcntl has the name since Python 3.10."""
CHUNK_BYTES = 256 * 1024
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}


class Failed(Exception):
    """The transfer cannot go on; the text is for people and holds no address and no secret."""


class Link:
    """The dialogue with the control side. Reads in a thread of its own, writes under a lock."""

    def __init__(self):
        self.commands = queue.Queue()
        self.incoming = queue.Queue()
        self.changed = threading.Condition()
        self.addresses = {}
        self.writing = threading.Lock()
        self.children = []
        self._buffer = bytearray()
        self._out = os.fdopen(1, "wb", buffering=0)

    def send(self, event, body=None, **fields):
        if body is not None:
            fields["bytes"] = len(body)
        line = json.dumps(dict(fields, event=event)).encode() + b"\n"
        with self.writing:
            self._write(line)
            if body is not None:
                self._write(body)

    def _write(self, data):
        view = memoryview(data)
        while view:
            view = view[self._out.write(view[:CHUNK_BYTES]) or 0:]

    def _fill(self):
        if not select.select([0], [], [], SILENCE_SECONDS)[0]:
            self.end(71)
        data = os.read(0, PIPE_BYTES)
        if not data:
            self.end(70)
        self._buffer += data

    def listen(self):
        """Sort what the control side says; the end of its input is the end of this program."""
        while True:
            while (end := self._buffer.find(b"\n")) < 0:
                self._fill()
            message = json.loads(bytes(self._buffer[:end]))
            del self._buffer[:end + 1]
            while len(self._buffer) < message.get("bytes", 0):
                self._fill()
            self._sort(message)

    def _sort(self, message):
        if message["op"] == "urls":
            until = time.monotonic() + message["seconds"]
            with self.changed:
                self.addresses.update((key, (url, until)) for key, url in message["urls"].items())
                self.changed.notify_all()
        elif message["op"] in ("part", "stored"):
            size = message.get("bytes", 0)
            with memoryview(self._buffer) as whole, whole[:size] as own:
                body = bytes(own)
            del self._buffer[:size]
            self.incoming.put((message, body))
        elif message["op"] == "abort":
            self.end(72)
        elif message["op"] != "alive":
            self.commands.put(message)

    def address(self, way, key, renew=False):
        """The signed address for `key`, asked for when it is missing, nearly over or was refused."""
        deadline = time.monotonic() + ANSWER_SECONDS
        with self.changed:
            if renew:
                self.addresses.pop(key, None)
            asked = 0.0
            while True:
                url, until = self.addresses.get(key, ("", 0.0))
                now = time.monotonic()
                if url and now < until - 15:
                    return url
                if now > deadline:
                    raise Failed(f"the control side gave no address for {key}")
                if now - asked > 30:
                    self.send("need", way=way, key=key)
                    asked = now
                self.changed.wait(1)

    def forget(self):
        """Drop all addresses: the same key is another part in another transfer."""
        with self.changed:
            self.addresses.clear()

    def answer(self):
        """The next answer to a part sent or asked for over the channel."""
        try:
            return self.incoming.get(timeout=ANSWER_SECONDS)
        except queue.Empty:
            raise Failed("the control side did not answer for a part") from None

    def spawn(self, command, **how):
        """Start a child that dies with this program; `user` in the command changes to that user first."""
        argv = ["setpriv", "--pdeathsig", "KILL"]
        if command.get("user"):
            argv += ["--reuid", command["user"], "--regid", command["user"], "--init-groups"]
        child = subprocess.Popen([*argv, "--", *command["argv"]], cwd="/", env=ENVIRONMENT, **how)
        self.children.append(child)
        return child

    def beat(self, tell):
        """From a thread: say every second how far `tell()` is, and at least that this host is alive."""
        last, said = None, time.monotonic()
        while True:
            time.sleep(1)
            done = tell()
            if done != last or time.monotonic() - said >= BEAT_SECONDS:
                last, said = done, time.monotonic()
                self.send("progress", done=done)

    def end(self, code):
        """Kill what was started and leave at once; systemd ends whatever else is in the unit."""
        for child in self.children:
            if child.poll() is None:
                child.kill()
        os._exit(code)


class Stages:
    """A pipeline whose every exit code counts. Standard error of each stage is kept, its end at least.

    wide: between its stages lie PIPE_BYTES; with the usual 64 KiB both ends of a pipe wait for each other.
    A stage inherits the descriptors that its `fds` name, and no other stage has them.
    """

    def __init__(self, link, stages, first_input, last_output, wide=False):
        self.names = [stage["name"] for stage in stages]
        self.errors = [collections.deque(maxlen=400) for _ in stages]
        self.children, self._readers = [], []
        source = first_input
        for index, stage in enumerate(stages):
            out = last_output if index == len(stages) - 1 else subprocess.PIPE
            child = link.spawn(stage, stdin=source, stdout=out, stderr=subprocess.PIPE, pass_fds=stage.get("fds", ()))
            if index:
                source.close()
            source = child.stdout
            for pipe in (child.stdin, child.stdout) if wide else ():
                _widen(pipe)
            self.children.append(child)
            reader = threading.Thread(target=self._drain, args=(child.stderr, self.errors[index]), daemon=True)
            reader.start()
            self._readers.append(reader)

    @staticmethod
    def _drain(pipe, lines):
        for line in pipe:
            lines.append(line[:2000].decode("utf-8", "replace"))

    def kill(self):
        for child in self.children:
            if child.poll() is None:
                child.kill()

    def results(self):
        """Wait for every stage: name, exit code and the end of its standard error."""
        codes = [child.wait() for child in self.children]
        for reader in self._readers:
            reader.join(5)
        return [{"name": name, "code": code, "stderr": "".join(lines)[-20000:]}
                for name, code, lines in zip(self.names, codes, self.errors)]  # noqa: B905 (Python 3.9)


def _widen(pipe):
    """Give a pipe a buffer of PIPE_BYTES, where the kernel lets us."""
    if pipe is not None:
        with contextlib.suppress(OSError):
            fcntl.fcntl(pipe.fileno(), F_SETPIPE_SZ, PIPE_BYTES)


class Session:
    """A client of the database that stays open while a stream runs, and may go on saying something."""

    def __init__(self, child):
        self.child, self.rest = child, []
        self.reader = threading.Thread(target=self.rest.extend, args=(child.stdout,), daemon=True)

    def begin(self, text, marker):
        """Give it its input and wait for the marker: whether it came, and what was said before."""
        self.child.stdin.write(text.encode())
        self.child.stdin.flush()
        said = []
        for line in self.child.stdout:
            if line.decode("utf-8", "replace").strip() == marker:
                self.reader.start()
                return True, "".join(said)
            said.append(line.decode("utf-8", "replace"))
        return False, "".join(said)

    def finish(self, seconds):
        """Close its input and wait until it has said all: whether it ended in time and with 0, and what it said."""
        self.child.stdin.close()
        self.reader.join(seconds)
        if self.reader.is_alive():
            self.child.kill()
        whole = self.child.wait() == 0
        return whole, b"".join(self.rest).decode("utf-8", "replace")
