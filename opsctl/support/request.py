"""One request on record: what was reported, its levels with their clocks, what was done, and the word for its verdict.

Pure values. Texts and names of persons lie beside the ledger's chain; the values here hold their references.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from opsctl.core.clock import iso


class Origin(StrEnum):
    """Who found it (P35: also what Kamstrup finds itself)."""

    CUSTOMER = "customer"
    INTERNAL = "internal"


class Channel(StrEnum):
    """By which way it came (P03)."""

    WEBSITE = "website"
    EMAIL = "email"
    CALL_CENTER = "call-center"
    MONITORING = "monitoring"
    OTHER = "other"


class State(StrEnum):
    """Where a request stands. WAITING: for the customer."""

    NEW = "new"
    STARTED = "started"
    WAITING = "waiting"
    CLOSED = "closed"


class Word(StrEnum):
    """The verdict on the start of handling, in the words that every report uses."""

    KEPT = "kept"
    BROKEN = "broken"
    NOT_DUE = "not due"
    NOT_COVERED = "not covered"


class Urgency(StrEnum):
    """How much of the level's working hours is used before anybody started; LATE is more than all of it."""

    OPEN = "open"
    HALF = "50 %"
    NEAR = "75 %"
    DUE = "100 %"
    LATE = "late"


_TIMES = ("deadline", "last_in_time", "without_pause", "half", "near")


@dataclass(frozen=True)
class Clock:
    """The deadline as it was recorded, with the version and hash of the calendar that gave it.

    half, near: when 50 and 75 % of the budget are used; last_in_time: the latest instant at which not more than all of
    it is. All three are inside support hours. from_change: the working target when a change of level came too late.
    """

    level: str
    calendar: str
    version: int
    digest: str
    budget_seconds: int
    deadline: datetime
    last_in_time: datetime
    without_pause: datetime
    half: datetime
    near: datetime
    from_change: datetime | None = None
    late_at_change: bool = False

    @property
    def target(self) -> datetime:
        """Until when to start now: the deadline, or the one from the change of level that came too late for it."""
        return self.from_change if self.late_at_change and self.from_change else self.deadline

    def payload(self) -> dict[str, Any]:
        """As the ledger keeps it."""
        return {name: iso(value) if isinstance(value, datetime) else value for name, value in vars(self).items()}

    @classmethod
    def of(cls, payload: Mapping[str, Any]) -> Clock:
        """From the ledger; KeyError, TypeError or ValueError when it is no clock."""
        if payload.keys() != cls.__dataclass_fields__.keys():
            raise KeyError("clock")
        change = payload["from_change"]
        # Not by the constructor: a frozen class sets field by field, which takes most of a long log's reading.
        made = object.__new__(cls)
        made.__dict__.update(payload, from_change=datetime.fromisoformat(change) if change else None,
                             **{name: datetime.fromisoformat(payload[name]) for name in _TIMES})
        return made


@dataclass(frozen=True)
class Grade:
    """A level as it was set: by whom, why, and the clock that it gave, counted from receipt (P44)."""

    level: str
    at: datetime
    by: str
    reason: str
    clock: Clock


@dataclass(frozen=True)
class Wait:
    """Waiting for the customer. until: None while it lasts. pauses: whether the policy stops the clock for it."""

    since: datetime
    until: datetime | None
    cause: str
    by: str
    pauses: bool
    late_reason: str = ""


@dataclass(frozen=True)
class Start:
    """A person started handling. handler: reference of the name. used_seconds, in_time: the recorded verdict."""

    at: datetime
    handler: str
    recorded_at: datetime
    used_seconds: float
    in_time: bool
    late_reason: str = ""


@dataclass(frozen=True)
class Note:
    """Something added: kind is `note`, `answer`, `informed`, `correction`, `reopened`. text: a reference, or empty.

    what: plain words that name no person.
    """

    at: datetime
    by: str
    kind: str
    what: str
    text: str = ""


@dataclass(frozen=True)
class Spent:
    """Time spent on a request (P54)."""

    minutes: int
    day: date
    by: str
    what: str


@dataclass(frozen=True)
class Cause:
    """What caused it. evidence: what shows that; empty for none."""

    code: str
    evidence: str
    by: str
    at: datetime


@dataclass(frozen=True)
class Told:
    """The customer was told of the cost; sha256: of what it was told of."""

    at: datetime
    sha256: str


@dataclass(frozen=True)
class Approval:
    """A signature that lets the time be invoiced; sha256: of the statement that was signed."""

    sha256: str
    signer: str
    signature: str
    at: datetime


@dataclass(frozen=True)
class Request:
    """One request. person: reference of reporter, subject and text; `covered` names row and promise otherwise.

    answers: what was asked at intake (P39-P42). proposed: the level that the answers give. errors: the ids of the
    errors that it is about, as release notes cite them (P08).
    """

    id: str
    customer: str
    received: datetime
    recorded_at: datetime
    by: str
    channel: Channel
    origin: Origin
    person: str
    system: str
    reference: str
    about: str
    not_covered: str
    answers: Mapping[str, Any]
    proposed: str
    grades: tuple[Grade, ...]
    late_reason: str = ""
    duplicate_of: str = ""
    waits: tuple[Wait, ...] = ()
    start: Start | None = None
    closed_at: datetime | None = None
    notes: tuple[Note, ...] = ()
    reminded: frozenset[int] = frozenset()
    spent: tuple[Spent, ...] = ()
    cause: Cause | None = None
    told: Told | None = None
    approval: Approval | None = None
    errors: tuple[str, ...] = ()

    def having(self, **changes: Any) -> Request:
        """As dataclasses.replace, without its walk over every field: a log holds many entries."""
        made = object.__new__(Request)
        made.__dict__.update(self.__dict__, **changes)
        return made

    @property
    def level(self) -> str:
        """The level that stands."""
        return self.grades[-1].level

    @property
    def clock(self) -> Clock:
        """The clock that stands."""
        return self.grades[-1].clock

    @property
    def waiting(self) -> Wait | None:
        """The wait that lasts, if one does."""
        return self.waits[-1] if self.waits and self.waits[-1].until is None else None

    @property
    def state(self) -> State:
        """Where it stands."""
        if self.closed_at is not None:
            return State.CLOSED
        if self.waiting is not None:
            return State.WAITING
        return State.NEW if self.start is None else State.STARTED

    def word(self, now: datetime) -> Word:
        """The verdict at `now`, from what is on record alone: no later calendar changes it."""
        if self.not_covered:
            return Word.NOT_COVERED
        if self.start is not None:
            return Word.KEPT if self.start.in_time else Word.BROKEN
        return Word.BROKEN if self.urgency(now) is Urgency.LATE else Word.NOT_DUE

    def urgency(self, now: datetime) -> Urgency:
        """How near the deadline is while nobody has started; a wait that stops the clock holds it where it was."""
        if self.start is not None:
            return Urgency.OPEN
        wait, clock = self.waiting, self.clock
        if wait is not None and wait.pauses:
            now = min(now, wait.since)
        if now > clock.last_in_time:
            return Urgency.LATE
        steps = ((clock.deadline, Urgency.DUE), (clock.near, Urgency.NEAR), (clock.half, Urgency.HALF))
        return next((word for at, word in steps if now >= at), Urgency.OPEN)

    @property
    def minutes(self) -> int:
        """All time spent."""
        return sum(one.minutes for one in self.spent)
