"""The control side of the dialogue with the program on a host (playbooks/roles/database_backup/files)."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from opsctl.backup.exchange import (
    Giver,
    Hello,
    Order,
    Ran,
    SentPart,
    Sink,
    StageEnd,
    Transfer,
    telling_line,
)
from opsctl.core.errors import OperationFailed
from opsctl.core.secret import Secret

SILENCE_SECONDS = 130
"""A link that is cut for a minute comes back only with its next retransmission, up to twice as late (RFC 6298)."""
BEAT_SECONDS = 20
SOURCES = ("opsctl_link", "opsctl_web", "opsctl_moves", "opsctl_stream")
"""The host program's files; each may import those before it, and the last one is run."""
FOLDER = Path("roles/database_backup/files")

_BOOTSTRAP = """import json,os,sys,types
b=b''
while len(b)<{size}:
 c=os.read(0,{size}-len(b))
 if not c: sys.exit(66)
 b+=c
s=json.loads(b)
for n in {helpers}:
 m=sys.modules[n]=types.ModuleType(n)
 exec(compile(s[n],n+'.py','exec'),m.__dict__)
exec(compile(s['{main}'],'{main}.py','exec'),{{'__name__':'__main__'}})"""


class Duplex(Protocol):
    """A running program's input and output; `adapters.ssh.Channel` is one."""

    def write(self, data: bytes) -> None:
        """Send all of `data`."""

    def read_line(self, seconds: float) -> bytes:
        """The next line; b"" at the end of the output; OperationFailed after `seconds` of silence."""

    def read_exactly(self, count: int, seconds: float) -> bytes:
        """Exactly `count` bytes."""


@dataclass(frozen=True)
class Source:
    """The host program's text, and its hash for the manifest."""

    payload: bytes

    @classmethod
    def read(cls, playbooks: Path) -> Source:
        """Read it from the role that owns it."""
        texts = {name: (playbooks / FOLDER / f"{name}.py").read_text(encoding="utf-8") for name in SOURCES}
        return cls(json.dumps(texts, sort_keys=True).encode())

    @property
    def sha256(self) -> str:
        """SHA-256 over both files."""
        return hashlib.sha256(self.payload).hexdigest()

    def argv(self) -> list[str]:
        """The command that reads the program from its standard input; the same for every run."""
        return ["/usr/bin/python3", "-I", "-c", _BOOTSTRAP.format(
            size=len(self.payload), helpers=SOURCES[:-1], main=SOURCES[-1])]


class HostProgram:
    """The program, started and answering. One caller at a time; a thread of its own sends the heartbeat."""

    def __init__(self, link: Duplex, name: str, on_progress: Callable[[int], None] = lambda done: None) -> None:
        self._link = link
        self._name = name
        self.on_progress = on_progress
        self._writing = threading.Lock()
        self._stop = threading.Event()
        self.hello: Hello

    def start(self, source: Source) -> Hello:
        """Send the program and wait until it answers."""
        self._link.write(source.payload)
        answer = self._await({"hello"})
        self.hello = Hello(**{name: answer[name] for name in Hello.__annotations__})
        threading.Thread(target=self._beat, daemon=True, name=f"heartbeat {self._name}").start()
        return self.hello

    def _beat(self) -> None:
        # A link that is gone shows in the reading thread, which ends the run.
        with suppress(OperationFailed):
            while not self._stop.wait(BEAT_SECONDS):
                self._send({"op": "alive"})

    def _send(self, message: Mapping[str, Any], body: bytes | None = None) -> None:
        line = json.dumps(dict(message) | ({"bytes": len(body)} if body is not None else {})).encode() + b"\n"
        with self._writing:
            self._link.write(line if body is None else line + body)

    def _receive(self) -> dict[str, Any]:
        line = self._link.read_line(SILENCE_SECONDS)
        if not line:
            raise OperationFailed(f"{self._name}: opsctl's program on the host ended early",
                                  "look into the host's journal, then run it again")
        try:
            message = json.loads(line)
        except ValueError:
            message = None
        if not isinstance(message, dict):
            raise OperationFailed(f"{self._name}: the host answered something else than opsctl's program does",
                                  "does the login shell or sudo print a text?")
        return message

    def _await(self, events: set[str], handlers: Mapping[str, Callable[[dict[str, Any]], None]] | None = None,
               ) -> dict[str, Any]:
        while True:
            message = self._receive()
            event = message.pop("event", "")
            if event in events:
                return message
            if event == "progress":
                self.on_progress(int(message["done"]))
            elif event == "failed":
                raise OperationFailed(f"{self._name}: {message['error']}", "repair it on the host, then run it again")
            elif handlers and event in handlers:
                handlers[event](message)
            else:
                raise OperationFailed(f"{self._name}: the host said {event[:40]!r} out of turn", "run it again")

    def which(self, names: Sequence[str]) -> dict[str, str | None]:
        """Paths of programs on the host, None for one that is missing."""
        self._send({"op": "which", "names": list(names)})
        return dict(self._await({"found"})["paths"])

    def run(self, argv: Sequence[str], *, user: str | None = None, stdin: str = "", seconds: int = 60) -> Ran:
        """Run a command to its end; a non-zero exit code is no error here."""
        self._send({"op": "run", "argv": list(argv), "user": user, "input": stdin, "seconds": seconds})
        answer = self._await({"ran"})
        return Ran(answer["code"], answer["out"], answer["err"])

    def hold(self, argv: Sequence[str], *, user: str | None, stdin: str, marker: str) -> str:
        """Start a session that stays open until `release`; returns what it printed before the marker.

        OperationFailed when it ends without printing the marker.
        """
        self._send({"op": "hold", "argv": list(argv), "user": user, "input": stdin, "marker": marker})
        answer = self._await({"held"})
        if not answer["ok"]:
            raise OperationFailed(f"{self._name}: {argv[0]} did not get ready: {telling_line(answer['out'])}",
                                  "repair what it names, then run it again")
        return str(answer["out"])

    def release(self, seconds: int = 30) -> str:
        """End the sessions held; returns what they printed after the marker. seconds: for what they still do."""
        self._send({"op": "release", "seconds": seconds})
        answer = self._await({"released"})
        if not answer["ok"]:
            raise OperationFailed(f"{self._name}: a database session failed, or took over {seconds} s: "
                                  f"{telling_line(answer['out'])}", "look at the server's log, then run it again")
        return str(answer["out"])

    def stream(self, order: Order, sink: Sink) -> Transfer:
        """Run a pipeline and bring its output into the store in parts."""
        noted = 0

        def part(message: dict[str, Any]) -> None:
            nonlocal noted
            size = message.pop("bytes", None)
            body = None if size is None else self._link.read_exactly(size, SILENCE_SECONDS)
            sink.stored(SentPart(**message), body)
            noted += int(message["size"])
            if body is not None:
                self._send({"op": "stored", "number": message["number"]})

        self._send({"op": "stream", "sink": "urls" if order.by_address else "channel", "threads": 2, **_wire(order),
                    "part_bytes": order.part_bytes, "parts_per_volume": order.parts_per_volume})
        handlers = {"part": part, "need": lambda message: self._answer(message, sink.addresses)}
        return _transfer(self._await({"streamed"}, handlers)).of(noted)

    def receive(self, order: Order, giver: Giver) -> Transfer:
        """Bring parts to the host and feed them to a pipeline."""
        def need(message: dict[str, Any]) -> None:
            if message["way"] == "part":
                self._send({"op": "part"}, giver.part(message["key"], message["offset"], message["size"]))
            else:
                self._answer(message, giver.addresses)

        self._send({"op": "receive", "source": "urls" if order.by_address else "channel", **_wire(order),
                    "parts": list(order.parts),
                    "identity": None if order.identity is None else order.identity.reveal()})
        return _transfer(self._await({"received"}, {"need": need})).of(sum(part["size"] for part in order.parts))

    def relay(self, order: Order, giver: Giver, sink: Sink) -> Transfer:
        """Bring parts from one store to another, each checked on the host; both stores sign addresses."""
        def need(message: dict[str, Any]) -> None:
            self._answer(message, giver.addresses if message["way"] == "get" else sink.addresses)

        noted = 0

        def part(message: dict[str, Any]) -> None:
            nonlocal noted
            sink.stored(SentPart(**message), None)
            noted += int(message["size"])

        self._send({"op": "relay", "parts": list(order.parts), "bandwidth": order.bandwidth, "ca": order.ca,
                    "source_ca": order.source_ca})
        return _transfer(self._await({"relayed"}, {"need": need, "part": part})).of(noted)

    def _answer(self, message: dict[str, Any], ask: Callable[[str], tuple[Mapping[str, Secret], int]]) -> None:
        addresses, seconds = ask(message["key"])
        self._send({"op": "urls", "seconds": seconds,
                    "urls": {key: address.reveal() for key, address in addresses.items()}})

    def end(self) -> None:
        """Let the program end by itself."""
        self._send({"op": "end"})
        self._await({"bye"})
        self._stop.set()

    def stop(self) -> None:
        """Stop the heartbeat; the program ends when its input does."""
        self._stop.set()


def _wire(order: Order) -> dict[str, Any]:
    return {"name": order.name, "stages": [asdict(stage) for stage in order.stages],
            "bandwidth": order.bandwidth, "ca": order.ca}


def _transfer(message: dict[str, Any]) -> Transfer:
    stages = tuple(StageEnd(**stage) for stage in message["stages"])
    return Transfer(message["error"], stages, message["size"], message.get("sha256", ""))
