"""The ledger as JSON Lines, and its verification without the ledger."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from opsctl.ledger.canonical import canonical
from opsctl.ledger.model import Checkpoint, Finding, FindingKind, Verification, conclude
from opsctl.ledger.records import Record
from opsctl.ledger.verify import Witness, examine


def entry_line(record: Record) -> str:
    """One entry, payload and hash included, as one line of canonical JSON.

    A payload that is not canonical JSON was damaged: its very text follows as `payload_text`, so that the
    damage is exported, not repaired.
    """
    fields = record._asdict()
    try:
        payload = json.loads(record.payload)
        if isinstance(payload, dict) and canonical(payload) == record.payload:
            return canonical({**fields, "payload": payload})
    except (ValueError, TypeError, RecursionError):
        pass
    damaged = {("payload_text" if name == "payload" else name): value for name, value in fields.items()}
    return json.dumps(damaged, sort_keys=True, default=repr)


def head_line(chain: str, head: Checkpoint) -> str:
    """The last line of a chain: how many entries it has and the hash of the last."""
    return canonical({"chain": chain, "head": {"count": head.length, "hash": head.head}})


def verify_export(lines: Iterable[str], checkpoints: Collection[Mapping[str, Checkpoint]] = ()) -> Verification:
    """Verify exported lines offline, against checkpoints when there are any.

    Findings are the ledger's own; a line that is no entry is an unreadable finding that names its number.
    """
    records: dict[str, list[Record]] = defaultdict(list)
    heads: dict[str, Checkpoint] = {}
    findings: list[Finding] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            _sort(json.loads(line), records, heads)
        except (ValueError, TypeError, KeyError, RecursionError):
            findings.append(Finding("", FindingKind.UNREADABLE, None, f"Line {number} is not an exported entry."))
    given = by_chain(checkpoints)
    counts: dict[str, int] = {}
    for chain in sorted({*records, *heads, *given}):
        witnesses = witnesses_of(heads.get(chain), given.get(chain, ()), "head line")
        counts[chain], found = examine(chain, records[chain], witnesses)
        findings += found
    return conclude(counts, findings, vouched=set(counts) <= {*heads, *given} and bool(counts),
                    checkpointed=bool(counts) and set(counts) <= set(given))


def by_chain(checkpoints: Iterable[Mapping[str, Checkpoint]],
             chain: str | None = None) -> dict[str, tuple[Checkpoint, ...]]:
    """What the checkpoints know of each chain, or of one, without repetition and with the longest last."""
    found: dict[str, set[Checkpoint]] = defaultdict(set)
    for known in checkpoints:
        for name, seen in known.items():
            if chain in {None, name}:
                found[name].add(Checkpoint(*seen))
    return {name: tuple(sorted(points)) for name, points in found.items()}


def witnesses_of(head: Checkpoint | None, given: Iterable[Checkpoint], name: str = "head row") -> list[Witness]:
    """Who vouches for a chain's length."""
    witnesses = [Witness(name, head, latest=True)] if head else []
    return witnesses + [Witness("checkpoint", point, latest=False) for point in given]


def _sort(value: Any, records: dict[str, list[Record]], heads: dict[str, Checkpoint]) -> None:
    """Put one parsed line where it belongs; KeyError, TypeError or ValueError when it is no line of ours."""
    chain = value["chain"]
    if not isinstance(chain, str):
        raise TypeError("a chain is named by text")
    if "head" in value:
        count, digest = value["head"]["count"], value["head"]["hash"]
        if not isinstance(count, int) or not isinstance(digest, str):
            raise TypeError("a head is a number and a hash")
        heads[chain] = Checkpoint(count, digest)
        return
    fields = dict(value)
    # `payload_text` is text that was damaged in the ledger already.
    payload = fields.pop("payload_text") if "payload_text" in fields else canonical(fields.pop("payload"))
    if set(fields) != set(Record._fields) - {"payload"}:
        raise ValueError("an entry has other fields")
    records[chain].append(Record(**fields, payload=payload))
