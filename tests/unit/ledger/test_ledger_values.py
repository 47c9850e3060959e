"""The ledger's values and its canonical text, without a database."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import IntEnum, StrEnum
from time import monotonic
from types import MappingProxyType
from typing import Any

import pytest

from opsctl.core.secret import Secret
from opsctl.ledger.canonical import canonical, entry_hash, plain, require_label, stamp, unstamp
from opsctl.ledger.model import GENESIS, Checkpoint, FindingKind, HeldLease, Renewal, Verdict, conclude
from opsctl.ledger.records import Record
from opsctl.ledger.verify import Witness, examine


class Colour(StrEnum):
    RED = "red"

    def __str__(self) -> str:
        return "not the value"


class Level(IntEnum):
    HIGH = 3


def test_canonical_json_has_sorted_keys_no_spaces_and_real_characters() -> None:
    assert canonical({"b": [1, 2.0], "a": {"ø": None, "z": True}}) == '{"a":{"z":true,"ø":null},"b":[1,2.0]}'


def test_the_hash_of_a_known_entry_does_not_change() -> None:
    """Computed with sha256sum over the canonical text; if this changes, every existing ledger is broken."""
    content = {"chain": "c", "sequence": 1, "previous": GENESIS, "recorded_at": "2026-01-01T00:00:00.000000Z",
               "kind": "k", "actor": "me", "run": "", "payload": {"a": "ø"}}
    assert entry_hash(content) == "275479296ba950042f2d3ae78cce3713d5a0aebaa2e4476454fb76492d7757e9"


def test_plain_keeps_values_and_drops_types() -> None:
    value = plain(MappingProxyType({Colour.RED: Colour.RED, "level": Level.HIGH, "tuple": (1, [2.5])}))
    assert value == {"red": "red", "level": 3, "tuple": [1, [2.5]]}
    assert type(value["red"]) is str and type(value["level"]) is int


@pytest.mark.parametrize(("value", "where"), [
    ({"a": [{"b": Secret("hunter2")}]}, r"payload\.a\[0\]\.b is a secret"),
    ({"a": {Secret("hunter2"): 1}}, r"a key of payload\.a is a secret"),
    ({"a": {1: 1}}, r"a key of payload\.a is of type int"), ({"a": {1, 2}}, r"payload\.a is of type set")])
def test_a_refusal_names_the_place_and_not_the_value(value: Mapping[str, Any], where: str) -> None:
    with pytest.raises(TypeError, match=where) as caught:
        plain(value)
    assert "hunter2" not in str(caught.value)


def test_a_stamp_has_one_width_and_one_zone() -> None:
    assert stamp(datetime(26, 1, 1, tzinfo=UTC)) == "0026-01-01T00:00:00.000000Z"
    assert stamp(datetime.fromisoformat("2026-11-23T13:00:00.5+01:00")) == "2026-11-23T12:00:00.500000Z"
    with pytest.raises(ValueError, match="zone"):
        stamp(datetime(2026, 1, 1))
    for text in ("2026-11-23T12:00:00Z", "2026-11-23T12:00:00.500000+00:00", "2026-11-23T12:00:00.500000", "", "noon"):
        with pytest.raises(ValueError):
            unstamp(text)


def test_a_label_is_text() -> None:
    assert require_label("", "run", empty=True) == ""
    with pytest.raises(TypeError, match="actor must be text, not Secret"):
        require_label(Secret("hunter2"), "actor")  # type: ignore[arg-type]


def test_a_held_lease_is_lost_when_its_time_has_passed_unrenewed() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    lease = HeldLease("n", "o", 1, now, now, 1.0, renewal=Renewal(monotonic() + 60))
    assert not lease.lost
    lease.renewal.good_until = monotonic()
    assert lease.lost


def test_a_contradicted_head_leaves_completeness_unproven() -> None:
    _, findings = examine("c", [], [Witness("head row", Checkpoint(0, "a" * 64), latest=True)])
    result = conclude({"c": 0}, findings, vouched=True, checkpointed=False)
    assert [finding.kind for finding in findings] == [FindingKind.HEAD_MISMATCH]
    assert (result.integrity, result.completeness) == (Verdict.BROKEN, Verdict.UNPROVEN)


def test_a_copy_over_another_entry_is_moved_and_the_other_is_missing() -> None:
    records: list[Record] = []
    previous = GENESIS
    for sequence in range(1, 5):
        content = {"chain": "c", "sequence": sequence, "previous": previous, "kind": "k", "actor": "me", "run": "",
                   "recorded_at": "2026-01-01T00:00:00.000000Z", "payload": {}}
        previous = entry_hash(content)
        records.append(Record(**{**content, "payload": "{}"}, hash=previous))
    records[2] = records[1]._replace(sequence=3)
    _, findings = examine("c", records, [Witness("head row", Checkpoint(4, previous), latest=True)])
    assert [(finding.kind, finding.sequence) for finding in findings] == [
        (FindingKind.DROPPED, 3), (FindingKind.MOVED, 3)]


def test_many_damaged_entries_are_traced_in_linear_time() -> None:
    """All of 20,000 entries stand in reverse order: trying every place for each would take hours."""
    records: list[Record] = []
    previous, count = GENESIS, 20_000
    for sequence in range(1, count + 1):
        content = {"chain": "c", "sequence": sequence, "previous": previous, "kind": "k", "actor": "me", "run": "",
                   "recorded_at": "2026-01-01T00:00:00.000000Z", "payload": {}}
        previous = entry_hash(content)
        records.append(Record(**{**content, "payload": "{}", "sequence": count + 1 - sequence}, hash=previous))
    began = monotonic()
    _, findings = examine("c", reversed(records), [Witness("head row", Checkpoint(count, previous), latest=True)])
    assert {finding.kind for finding in findings} == {FindingKind.MOVED} and len(findings) == count
    assert monotonic() - began < 20
