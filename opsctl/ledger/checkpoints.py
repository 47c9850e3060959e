"""Checkpoints: how long every chain was and the hash of its last entry, as documents that are kept elsewhere. Pure.

Each names the hash of the one before it, so that one which is changed or missing in between is found. That the newest
were taken away is seen by what the ledger recorded of them, and prevented only by a lock on the store.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from opsctl.ledger.canonical import canonical, stamp, unstamp
from opsctl.ledger.model import GENESIS, Checkpoint, Finding, FindingKind

PREFIX = "checkpoints/"
WRITTEN = "checkpoint.written"
_FORMAT = 1
_NAME = re.compile(r"checkpoints/(\d{6})-(\d{8}T\d{6}Z)\.json")


@dataclass(frozen=True)
class Sealed:
    """One checkpoint as it is kept. digest: SHA-256 of its bytes. previous: that of the one before it."""

    key: str
    number: int
    written_at: datetime
    previous: str
    chains: Mapping[str, Checkpoint]
    digest: str


def key_of(number: int, at: datetime) -> str:
    """Where checkpoint `number` is kept; keys sort as numbers do."""
    return f"{PREFIX}{number:06d}-{at:%Y%m%dT%H%M%SZ}.json"


def number_of(key: str) -> int | None:
    """The number in a key; None for what is no checkpoint."""
    match = _NAME.fullmatch(key)
    return int(match[1]) if match else None


def seal(number: int, at: datetime, previous: str, chains: Mapping[str, Checkpoint]) -> bytes:
    """The document, as it is put into the store."""
    return (canonical({"format": _FORMAT, "number": number, "written_at": stamp(at), "previous": previous,
                       "chains": {name: [point.length, point.head] for name, point in chains.items()}}) + "\n").encode()


def unseal(key: str, body: bytes) -> Sealed:
    """The document that was found under `key`; ValueError when it is none of ours."""
    try:
        value = json.loads(body)
        chains = {str(name): Checkpoint(int(count), str(head)) for name, (count, head) in value["chains"].items()}
        found = Sealed(key, int(value["number"]), unstamp(value["written_at"]), str(value["previous"]), chains,
                       hashlib.sha256(body).hexdigest())
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError(f"{key} is no checkpoint of opsctl's") from error
    if value.get("format") != _FORMAT or found.number != number_of(key) or \
            seal(found.number, found.written_at, found.previous, chains) != body:
        raise ValueError(f"{key} is not as opsctl writes checkpoints")
    return found


def examine_checkpoints(sealed: Sequence[Sealed], damaged: Sequence[str], recorded: Mapping[str, str],
                        replaced: Sequence[str] = ()) -> list[Finding]:
    """What is wrong with the checkpoints themselves.

    sealed: the readable ones by number. damaged: keys that cannot be read. recorded: by key the hash that the ledger
    noted when it was written. replaced: keys of which the store has another version or a removal too.
    """
    found = [f"The checkpoint {key} cannot be read: it was changed." for key in damaged]
    found += [f"The checkpoint {key} was written over or removed; the store still has the older version."
              for key in replaced]
    before = GENESIS if sealed and sealed[0].number == 1 else None
    for earlier, later in pairwise([None, *sealed]):
        assert later is not None  # noqa: S101 - only the first is None
        expected = before if earlier is None else earlier.digest
        follows = earlier is None or later.number == earlier.number + 1
        if not follows or (expected is not None and later.previous != expected):
            what = "was changed, or the one before it was" if follows else "does not follow the one before it"
            found.append(f"The checkpoint {later.key} {what}.")
        elif expected is None:
            found.append(f"The checkpoints before {later.key} are missing.")
    have = {one.key: one.digest for one in sealed}
    found += [f"The checkpoint {key} is not in the store, and the ledger says that it was written."
              for key in recorded if key not in have and key not in damaged]
    found += [f"The checkpoint {key} is not the one that the ledger says was written."
              for key, digest in recorded.items() if key in have and have[key] != digest]
    return [Finding("", FindingKind.CHECKPOINT, None, detail) for detail in found]


def regressions(before: Mapping[str, Checkpoint], now: Mapping[str, Checkpoint],
                standing: Mapping[str, str]) -> list[str]:
    """Why the ledger cannot be what the last checkpoint saw; empty when it only grew.

    now: its heads. standing: by chain the hash of the entry that stands where the checkpoint's last one stood.
    """
    found = []
    for chain, (count, head) in sorted(before.items()):
        length = now[chain].length if chain in now else 0
        if length < count:
            found.append(f"the chain {chain} had {count} entries, and has {length}")
        elif count and standing.get(chain) != head:
            found.append(f"entry {count} of the chain {chain} is not the one that was there")
    return found
