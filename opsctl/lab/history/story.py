"""A customer's story while it is told: entries in the order of time, in the shapes that real runs record."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from opsctl.contract.gate import Purpose
from opsctl.contract.services import CELLS, Hosting, Service
from opsctl.core.outcome import Outcome, Status
from opsctl.lab.history.fleet import Customer, rng_of
from opsctl.ledger.canonical import personal_reference
from opsctl.ledger.generated import Chain, Made
from opsctl.runs.service import lease_of


@dataclass
class Story:
    """What is told of one customer so far."""

    customer: Customer
    seed: int
    entries: list[Made] = field(default_factory=list)
    personal: list[tuple[str, str, str, datetime]] = field(default_factory=list)

    def rng(self, *about: object) -> Random:
        """Chance of its own for one thing of this customer."""
        return rng_of(self.seed, self.customer.name, *about)

    def mark(self, digits: int, *about: object) -> str:
        """So many hexadecimal digits of its own for one thing."""
        text = "/".join(map(str, (self.seed, self.customer.name, *about)))
        return hashlib.blake2b(text.encode()).hexdigest()[:digits]

    def say(self, at: datetime, kind: str, payload: Mapping[str, Any], run: str = "") -> None:
        """One entry."""
        self.entries.append(Made(at, kind, run, payload))

    def keep(self, at: datetime, text: str) -> str:
        """Personal data beside the chain; returns its reference. The salt comes from the seed, as all does."""
        salt = self.mark(32, "salt", len(self.personal))
        reference = personal_reference(salt, text)
        self.personal.append((reference, salt, text, at))
        return reference

    def run(self, at: datetime, operation: str, service: Service, *, purpose: Purpose = Purpose.PROTECT,
            lease: str = "") -> Running:
        """Begin a run. lease: by default the operation's usual one."""
        return Running(self, at, operation, service, purpose, lease or lease_of(operation))

    def chain(self) -> Chain:
        """All of it in the order of time."""
        return Chain(self.customer.name, sorted(self.entries, key=lambda made: made.at), self.personal)


class Running:
    """A run under way: `run.started` is said, then what it finds, then `run.finished`."""

    def __init__(self, story: Story, at: datetime, operation: str, service: Service, purpose: Purpose,
                 lease: str) -> None:
        self._story, self._service, self._operation, self._begun = story, service, operation, at
        self._purpose = purpose
        hosting = Hosting.KAMSTRUP if story.customer.hosted else Hosting.CUSTOMER
        self._promise = CELLS[service, hosting].promise
        suffix = story.mark(6, "run", operation, at)
        self.id = f"{at:%Y%m%dt%H%M%S}-{operation.replace(' ', '-')}-{story.customer.name}-{suffix}"
        story.say(at, "run.started", {"operation": operation, "service": service.value, "lease": lease,
                                      "promise": self._promise, "purpose": purpose.value}, self.id)

    def say(self, at: datetime, kind: str, payload: Mapping[str, Any]) -> None:
        """One entry of this run."""
        self._story.say(at, kind, payload, self.id)

    def end(self, at: datetime, status: Status, summary: str) -> None:
        """How it ended."""
        code = Outcome(self._story.customer.name, self._service, status, summary).code
        self.say(at, "run.finished", {
            "operation": self._operation, "service": self._service.value, "purpose": self._purpose.value,
            "status": status.value, "summary": summary, "exit_code": int(code), "promise": self._promise,
            "seconds": round((at - self._begun).total_seconds(), 3)})


def after(at: datetime, seconds: float) -> datetime:
    """So many seconds later, to the millisecond."""
    return at + timedelta(milliseconds=round(seconds * 1000))


def joined(words: Iterable[str]) -> str:
    """For a summary."""
    return ", ".join(words)
