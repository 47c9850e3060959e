"""The ledger's values: entries, leases, checkpoints, and what a verification found. No database here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from time import monotonic
from typing import Any, NamedTuple, TypeAlias

JSON: TypeAlias = "str | int | float | bool | Mapping[str, JSON] | Sequence[JSON] | None"

GENESIS = "0" * 64
"""What the first entry of every chain names as its previous hash."""


@dataclass(frozen=True)
class Entry:
    """One piece of evidence.

    chain: the customer's id, or `operator`. sequence: 1, 2, 3 ... within the chain.
    previous, hash: 64 hexadecimal digits, SHA-256; see `canonical.entry_hash`.
    """

    chain: str
    sequence: int
    kind: str
    recorded_at: datetime
    actor: str
    run: str
    payload: Mapping[str, Any]
    previous: str
    hash: str

    @property
    def reference(self) -> str:
        """How a report names this entry, for example `sample-aalund:17`."""
        return f"{self.chain}:{self.sequence}"


GENERATED = "history.generated"
"""The first entry of every chain of a ledger that holds generated history."""

REBUILT = "ledger.rebuilt"
"""The entry that says that the table of newest entries was made anew."""


class Latest(NamedTuple):
    """The newest entry of a chain and topic, without what only verification needs."""

    topic: str
    chain: str
    sequence: int
    recorded_at: datetime
    payload: Mapping[str, Any]


@dataclass(frozen=True)
class Subject:
    """What entries are about, as the index keeps it for quick lists.

    room: whose subject it is. rank: its place in a list, compared as ASCII text. label: what a list selects by.
    entries: the sequences of the entries about it, in their chain.
    """

    room: str
    name: str
    rank: str
    label: str
    entries: tuple[int, ...]


@dataclass(frozen=True)
class Lease:
    """A right to work alone, for a time, on what `name` stands for.

    fence: grows with every acquisition of the name, for ever. since, until: by the database's clock.
    seconds: the time asked for; a renewal asks for the same. expired: by the database's clock when read.
    """

    name: str
    owner: str
    fence: int
    since: datetime
    until: datetime
    seconds: float
    expired: bool = False


@dataclass
class Renewal:
    """What the renewing thread knows. good_until: by this process's monotonic clock, in seconds."""

    good_until: float
    lost: bool = False


@dataclass(frozen=True)
class HeldLease(Lease):
    """A lease that a thread renews; `until` is the first one, the database knows the present one."""

    renewal: Renewal = field(default_factory=lambda: Renewal(0.0), compare=False, repr=False)

    @property
    def lost(self) -> bool:
        """True once the lease was taken over, or could not be renewed within its time."""
        return self.renewal.lost or monotonic() >= self.renewal.good_until


class Checkpoint(NamedTuple):
    """How long a chain was and the hash of its last entry; kept elsewhere, it shows a cut tail."""

    length: int
    head: str


class FindingKind(StrEnum):
    """What can be wrong with a chain."""

    UNREADABLE = "unreadable"
    EDITED = "edited"
    REWRITTEN = "rewritten"
    MOVED = "moved"
    DROPPED = "dropped"
    CUT_TAIL = "cut tail"
    HEAD_MISMATCH = "head mismatch"
    LATEST_MISMATCH = "newest entries mismatch"
    PERSONAL = "personal data changed"
    UNGUARDED = "unguarded"
    CHECKPOINT = "checkpoint"


INCOMPLETE = frozenset({FindingKind.DROPPED, FindingKind.CUT_TAIL})
ASIDE = frozenset({FindingKind.UNGUARDED, FindingKind.CHECKPOINT})
"""What is wrong with the guards and the witnesses, not with an entry."""


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong. sequence: the place in the chain, None where there is none to name."""

    chain: str
    kind: FindingKind
    sequence: int | None
    detail: str


class Verdict(StrEnum):
    """What a verification can say.

    UNPROVEN: nothing speaks against it, and nothing vouches for it. UNKNOWN: what could vouch was not reached.
    """

    SOUND = "sound"
    BROKEN = "broken"
    UNPROVEN = "unproven"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Verification:
    """The result of reading every entry again.

    integrity: is what is there what was recorded. completeness: is everything there that was recorded.
    chains: how many entries each chain has. checkpointed: every chain was compared with a checkpoint kept
    elsewhere; without one, a tail cut together with its head row, or a chain forged as a whole, cannot be
    seen, because the hashes are not keyed, and completeness is unproven.
    """

    chains: Mapping[str, int]
    findings: tuple[Finding, ...]
    integrity: Verdict
    completeness: Verdict
    checkpointed: bool

    @property
    def sound(self) -> bool:
        """True when nothing is wrong, as far as this verification could see."""
        return not self.findings


def conclude(chains: Mapping[str, int], findings: Sequence[Finding], *, vouched: bool,
             checkpointed: bool) -> Verification:
    """Both verdicts. vouched: every chain has a head row or a checkpoint that tells its length.

    checkpointed: a checkpoint kept elsewhere tells of every chain; head rows lie beside the entries and prove nothing.
    """
    kinds = {finding.kind for finding in findings}
    completeness = Verdict.SOUND
    if kinds & INCOMPLETE:
        completeness = Verdict.BROKEN
    elif not vouched or not checkpointed or kinds & {FindingKind.HEAD_MISMATCH, FindingKind.CHECKPOINT}:
        completeness = Verdict.UNPROVEN
    integrity = Verdict.SOUND
    if kinds - INCOMPLETE - ASIDE:
        integrity = Verdict.BROKEN
    elif FindingKind.UNGUARDED in kinds:
        integrity = Verdict.UNPROVEN
    return Verification(dict(chains), tuple(findings), integrity, completeness, checkpointed)
