"""What the dialogue with the host program is made of: commands, parts, transfers, and where parts go or come from."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from opsctl.core.errors import OperationFailed
from opsctl.core.secret import Secret


@dataclass(frozen=True)
class Command:
    """What runs on the host: one stage of a pipeline, or alone. user: None stays root."""

    name: str
    argv: Sequence[str]
    user: str | None = None


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Hello:
    """What the program says of its host. time: seconds since 1970 by the host's clock."""

    python: str
    host: str
    machine: str
    time: float
    user: int
    scratch: str


@dataclass(frozen=True)
class SentPart:
    """A part that left the host. etag is what the store answered; "" when it came over the channel."""

    name: str
    volume: int
    number: int
    size: int
    md5: str
    sha256: str
    etag: str = ""


@dataclass(frozen=True)
class StageEnd:
    """How a stage ended: exit code (negative for a signal) and the end of its standard error."""

    name: str
    code: int
    stderr: str


@dataclass(frozen=True)
class Transfer:
    """How a stream or a reception ended; good only without error and with every stage at 0."""

    error: str
    stages: tuple[StageEnd, ...]
    size: int
    sha256: str = ""

    def of(self, parts: int) -> Transfer:
        """With an error, where the host tells of none and its bytes are not those of its parts together."""
        told = self.error or any(stage.code for stage in self.stages)
        return self if told or self.size == parts else replace(
            self, error=f"the host tells of {self.size} bytes, its parts have {parts}")

    def require(self, what: str) -> Transfer:
        """Return self when good; otherwise OperationFailed with each stage that did not end with 0."""
        bad = [stage for stage in self.stages if stage.code]
        if not self.error and not bad:
            return self
        details = tuple(f"{stage.name}: exit code {stage.code}; {telling_line(stage.stderr)}" for stage in bad)
        # A stage that ended by itself knows the cause; the others only lost their neighbour.
        own = [stage for stage in bad if stage.code > 0 and stage.stderr.strip()]
        reason = (f"{own[0].name}: {telling_line(own[0].stderr)}" if own
                  else self.error or f"{bad[0].name} ended with {bad[0].code}")
        raise OperationFailed(f"{what}: {reason}", "read the details, repair what they name, and run it again",
                              (*((self.error,) if self.error else ()), *details))


class Sink(Protocol):
    """Where parts of a stream go."""

    def addresses(self, key: str) -> tuple[Mapping[str, Secret], int]:
        """Signed addresses for `STREAM/VOLUME/NUMBER` and those that follow, and their life in seconds."""

    def stored(self, part: SentPart, body: bytes | None) -> None:
        """Take note of a part; `body` is there when the store does not sign."""


class Giver(Protocol):
    """Where parts of a reception come from."""

    def addresses(self, key: str) -> tuple[Mapping[str, Secret], int]:
        """Signed addresses for the object `key`."""

    def part(self, key: str, offset: int, size: int) -> bytes:
        """The bytes themselves, for a store that does not sign."""


@dataclass(frozen=True)
class Order:
    """A stream, reception or relay as the host gets it. ca: PEM text of the store's CA, "" for the host's own.

    source_ca: the same for the store that a relay reads.
    """

    name: str
    stages: Sequence[Command]
    by_address: bool
    part_bytes: int = 16 << 20
    parts_per_volume: int = 10_000
    bandwidth: int | None = None
    ca: str = ""
    source_ca: str = ""
    parts: Sequence[Mapping[str, Any]] = field(default_factory=tuple)
    identity: Secret | None = None


def telling_line(text: str) -> str:
    """The line of a tool's output that tells most: the last that speaks of an error, else the last."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and "age/report" not in line]
    telling = [line for line in lines if re.search(r"error|fatal|failed|denied|refused", line, re.IGNORECASE)]
    return ([*lines, *telling] or ["it said nothing"])[-1][:300]
