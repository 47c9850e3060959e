"""Whatever is edited, swapped, dropped or cut, verification says so and says what; Hypothesis looks for the rest."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from opsctl.core.clock import FixedClock
from opsctl.ledger import Checkpoint, Finding, FindingKind, Ledger, Verdict, open_ledger, verify_export
from opsctl.ledger.canonical import canonical, entry_hash, plain, stamp, unstamp
from opsctl.ledger.model import GENESIS
from opsctl.ledger.records import Record
from opsctl.ledger.verify import Witness, examine

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(st.none() | st.booleans() | NUMBERS | TEXT,
                      lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
                      max_leaves=6)
PAYLOADS = st.dictionaries(TEXT, VALUES, max_size=3)
# On a busy machine an example may take any time; these tests are about findings, not speed.
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
FIELDS = ("previous", "recorded_at", "kind", "actor", "run", "payload", "hash")


@dataclass(frozen=True)
class Chain:
    """A sound chain as the tables hold it."""

    records: list[Record]
    head: Checkpoint

    def examine(self, records: list[Record] | None = None, head: Checkpoint | None = None,
                checkpoint: Checkpoint | None = None) -> list[Finding]:
        """Findings over these records (by default its own), in the order in which the database gives them."""
        given_records = self.records if records is None else records
        witnesses = [Witness("head row", head or self.head, latest=True)]
        if checkpoint:
            witnesses.append(Witness("checkpoint", checkpoint, latest=False))
        return examine("c", sorted(given_records, key=lambda record: record.sequence), witnesses)[1]


def build(payloads: list[dict[str, Any]]) -> Chain:
    records: list[Record] = []
    previous = GENESIS
    for sequence, payload in enumerate(payloads, start=1):
        content = {"chain": "c", "sequence": sequence, "previous": previous, "kind": "k", "actor": "me", "run": "r",
                   "recorded_at": stamp(datetime(2026, 1, 1, tzinfo=UTC)), "payload": payload}
        previous = entry_hash(content)
        records.append(Record(**{**content, "payload": canonical(payload)}, hash=previous))
    return Chain(records, Checkpoint(len(records), previous))


CHAINS = st.lists(PAYLOADS, min_size=1, max_size=12).map(build)


def found(findings: list[Finding]) -> set[tuple[FindingKind, int | None]]:
    return {(finding.kind, finding.sequence) for finding in findings}


@unhurried
@given(CHAINS)
def test_a_sound_chain_has_no_findings(chain: Chain) -> None:
    assert chain.examine() == []
    for record in chain.records:
        assert chain.examine(checkpoint=Checkpoint(record.sequence, record.hash)) == []


@unhurried
@given(CHAINS, st.data())
def test_any_edit_is_found_at_its_place(chain: Chain, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(chain.records) - 1))
    name = data.draw(st.sampled_from(FIELDS))
    value = data.draw(TEXT)
    record = chain.records[place]
    assume(getattr(record, name) != value)
    records = [*chain.records]
    records[place] = record._replace(**{name: value})
    kinds = found(chain.examine(records))
    assert kinds & {(FindingKind.EDITED, place + 1), (FindingKind.UNREADABLE, place + 1)}
    assert not {kind for kind, _ in kinds} & {FindingKind.DROPPED, FindingKind.CUT_TAIL, FindingKind.MOVED}


@unhurried
@given(CHAINS, PAYLOADS, st.data())
def test_an_edited_payload_is_an_edit_and_nothing_else(chain: Chain, payload: dict[str, Any],
                                                       data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(chain.records) - 1))
    assume(canonical(payload) != chain.records[place].payload)
    records = [*chain.records]
    records[place] = records[place]._replace(payload=canonical(payload))
    assert found(chain.examine(records)) == {(FindingKind.EDITED, place + 1)}


@unhurried
@given(CHAINS, PAYLOADS, st.data())
def test_an_edit_with_a_new_hash_is_found_by_its_neighbour_or_the_head(chain: Chain, payload: dict[str, Any],
                                                                       data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(chain.records) - 1))
    assume(canonical(payload) != chain.records[place].payload)
    records = [*chain.records]
    changed = records[place]._replace(payload=canonical(payload))
    fields = {**changed._asdict(), "payload": payload}
    del fields["hash"]
    records[place] = changed._replace(hash=entry_hash(fields))
    last = place + 1 == len(records)
    expected = FindingKind.HEAD_MISMATCH if last else FindingKind.REWRITTEN
    assert found(chain.examine(records)) == {(expected, place + 1)}


@unhurried
@given(CHAINS, st.data())
def test_any_reordering_is_found_and_named(chain: Chain, data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(1, len(chain.records) + 1)))
    records = [record._replace(sequence=place) for record, place in zip(chain.records, order, strict=True)]
    findings = chain.examine(records)
    assert {(finding.sequence, finding.detail) for finding in findings} == {
        (place, f"Here stands what was recorded as entry {true}.")
        for true, place in enumerate(order, start=1) if true != place}
    assert {finding.kind for finding in findings} <= {FindingKind.MOVED}


@unhurried
@given(CHAINS, st.data())
def test_any_dropped_entries_are_found_as_gaps_or_a_cut_tail(chain: Chain, data: st.DataObject) -> None:
    length = len(chain.records)
    dropped = data.draw(st.sets(st.integers(1, length), min_size=1))
    left = [record for record in chain.records if record.sequence not in dropped]
    last = max((record.sequence for record in left), default=0)
    starts = {sequence for sequence in dropped if sequence - 1 not in dropped}
    expected = {(FindingKind.DROPPED if sequence < last else FindingKind.CUT_TAIL, sequence) for sequence in starts}
    assert found(chain.examine(left)) == expected


@unhurried
@given(CHAINS, st.data())
def test_dropping_an_entry_and_numbering_the_rest_anew_is_found(chain: Chain, data: st.DataObject) -> None:
    dropped = data.draw(st.integers(1, len(chain.records)))
    assume(dropped < len(chain.records))
    left = [record._replace(sequence=record.sequence - (record.sequence > dropped))
            for record in chain.records if record.sequence != dropped]
    kinds = found(chain.examine(left))
    assert (FindingKind.DROPPED, dropped) in kinds
    assert {kind for kind, _ in kinds} == {FindingKind.DROPPED, FindingKind.MOVED}


@unhurried
@given(CHAINS, st.data())
def test_a_tail_cut_with_its_head_row_is_found_by_a_checkpoint(chain: Chain, data: st.DataObject) -> None:
    keep = data.draw(st.integers(1, len(chain.records)))
    left = chain.records[:keep]
    forged = Checkpoint(keep, left[-1].hash)
    assert chain.examine(left, forged) == []
    expected = {(FindingKind.CUT_TAIL, keep + 1)} if keep < len(chain.records) else set()
    assert found(chain.examine(left, forged, chain.head)) == expected


@unhurried
@given(st.lists(PAYLOADS, min_size=2, max_size=8), PAYLOADS, st.data())
def test_a_chain_forged_as_a_whole_is_found_by_a_checkpoint(payloads: list[dict[str, Any]], other: dict[str, Any],
                                                            data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(payloads) - 1))
    assume(canonical(other) != canonical(payloads[place]))
    chain, forged = build(payloads), build([*payloads[:place], other, *payloads[place + 1:]])
    assert forged.examine() == []
    assert found(forged.examine(checkpoint=chain.head)) == {(FindingKind.HEAD_MISMATCH, len(payloads))}


@unhurried
@given(st.lists(st.tuples(*[st.none() | st.integers() | st.binary(max_size=4) | st.text(max_size=6) | st.floats()] * 9),
                min_size=1, max_size=5))
def test_rubbish_is_a_finding_and_never_an_exception(rows: list[tuple[Any, ...]]) -> None:
    count, findings = examine("c", [Record(*row) for row in rows], [])
    assert count == len(rows) and findings


@unhurried
@given(st.lists(st.text(max_size=30) | VALUES.map(json.dumps) | PAYLOADS.map(lambda p: json.dumps({**p, "chain": "c"})),
                max_size=5))
def test_lines_that_are_no_export_are_findings(lines: list[str]) -> None:
    result = verify_export(lines)
    assert len(result.findings) == sum(bool(line.strip()) for line in lines)
    assert result.completeness is Verdict.UNPROVEN


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    path = tmp_path_factory.mktemp("ledger") / "ledger.db"
    return open_ledger(f"sqlite:///{path}", FixedClock(datetime(2026, 1, 1, tzinfo=UTC)))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(payload=PAYLOADS)
def test_any_payload_comes_back_and_is_sound(ledger: Ledger, payload: dict[str, Any]) -> None:
    entry = ledger.append("c", "k", payload, actor="me")
    read = ledger.last("c", "k")
    assert read == entry and read.payload == payload
    assert ledger.verify("c").sound


@unhurried
@given(st.lists(PAYLOADS, min_size=1, max_size=6), st.data())
def test_an_export_that_lost_lines_is_not_complete(payloads: list[dict[str, Any]], data: st.DataObject) -> None:
    chain = build(payloads)
    lines = [canonical({**record._asdict(), "payload": json.loads(record.payload)}) for record in chain.records]
    keep = data.draw(st.integers(0, len(lines) - 1))
    result = verify_export(lines[:keep], [{"c": chain.head}])
    assert (result.integrity, result.completeness) == (Verdict.SOUND, Verdict.BROKEN)
    assert verify_export(lines[:keep]).completeness is Verdict.UNPROVEN
    assert verify_export(lines, [{"c": chain.head}]).sound


@unhurried
@given(PAYLOADS)
def test_canonical_json_is_one_text_for_one_value(payload: dict[str, Any]) -> None:
    text = canonical(plain(payload))
    assert json.loads(text) == payload
    assert canonical(json.loads(text)) == text
    assert canonical(dict(reversed(payload.items()))) == text


@unhurried
@given(st.datetimes(timezones=st.timezones()), st.datetimes(timezones=st.just(UTC)))
def test_stamps_come_back_and_sort_as_time_does(one: datetime, other: datetime) -> None:
    try:
        # Python never calls an hour that a zone skips equal to an instant; in UTC there is no such hour.
        instant = one.astimezone(UTC)
    except OverflowError:
        assume(False)
    assert unstamp(stamp(one)) == instant
    assert (stamp(one) < stamp(other)) == (instant < other)
