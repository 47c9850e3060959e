"""The newest entry of each chain and topic, kept beside the entries so that many chains are read in one query.

A projection: written in the transaction of its entry, verified against the entries by `ledger verify`, and made anew
from them by `rebuild`. A topic is the entry's kind, narrowed where the newest of a kind alone would say too little.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, delete, insert, or_, select, text

from opsctl.ledger import schema
from opsctl.ledger.model import Finding, FindingKind
from opsctl.ledger.records import Record
from opsctl.ledger.rows import Newest
from opsctl.ledger.topics import stored_topic

_table = schema.latest
_COLUMNS = ("topic", "chain", "sequence", "recorded_at", "payload")
_PUT = text("INSERT INTO ledger_latest (topic, chain, sequence, recorded_at, payload) "
            "VALUES (:topic, :chain, :sequence, :recorded_at, :payload) ON CONFLICT (topic, chain) DO UPDATE SET "
            "sequence = excluded.sequence, recorded_at = excluded.recorded_at, payload = excluded.payload")
_AT_ONCE = 500


class Gathered:
    """The projection of one chain, from its records in the order of sequence. Records that cannot be read count not."""

    def __init__(self) -> None:
        self.rows: dict[str, Newest] = {}
        self._there: set[Any] = set()

    def take(self, records: Iterable[Record]) -> Iterator[Record]:
        """The records as they come, each seen."""
        for record in records:
            self._there.add(record.sequence)
            topic = stored_topic(record.kind, record.payload)
            if topic is not None:
                self.rows[topic] = Newest(topic, record.chain, record.sequence, record.recorded_at, record.payload)
            yield record

    def compare(self, chain: str, stored: Mapping[Any, Newest], known: Collection[Finding]) -> Iterator[Finding]:
        """What the stored projection says otherwise. known: the chain's own findings: such an entry is told once."""
        damaged = {finding.sequence for finding in known}
        for topic in sorted({*self.rows, *stored}, key=str):
            want, found = self.rows.get(topic), stored.get(topic)
            if want == found or (known and any(row and (row.sequence in damaged or row.sequence not in self._there)
                                               for row in (want, found))):
                continue
            place = want.sequence if want and isinstance(want.sequence, int) else None
            what = f"has no row for {topic}" if found is None else \
                f"has a row for {topic}, of which there is no entry" if want is None else \
                f"says of {topic} something else than its newest entry"
            yield Finding(chain, FindingKind.LATEST_MISMATCH, place,
                          f"The table of newest entries {what}; `opsctl ledger rebuild` makes it anew.")


def put(connection: Connection, topic: str, content: Mapping[str, Any], payload: str) -> None:
    """Make an entry the newest of its topic. content: chain, sequence, recorded_at as they are stored."""
    connection.execute(_PUT, {"topic": topic, "chain": content["chain"], "sequence": content["sequence"],
                              "recorded_at": content["recorded_at"], "payload": payload})


def put_many(connection: Connection, rows: Iterable[Newest]) -> int:
    """Store rows of chains that have none yet; returns how many."""
    documents = [row._asdict() for row in rows]
    for start in range(0, len(documents), _AT_ONCE):
        connection.execute(insert(_table), documents[start:start + _AT_ONCE])
    return len(documents)


def stored_rows(connection: Connection, chain: Any) -> dict[Any, Newest]:
    """The projection of one chain as it is stored, by topic."""
    query = select(*(_table.c[name] for name in _COLUMNS)).where(_table.c.chain == chain)
    return {row.topic: Newest(*row) for row in connection.execute(query)}


def chains(connection: Connection, chain: str | None = None) -> set[str]:
    """The chains that the projection names."""
    query = select(_table.c.chain).distinct()
    return {str(name) for name in connection.scalars(query if chain is None else query.where(_table.c.chain == chain))}


def of_topics(connection: Connection, topics: Iterable[str]) -> Iterator[Newest]:
    """The newest entries of these topics, over all chains; one that ends with a slash stands for all below it."""
    below = [_table.c.topic.startswith(name, autoescape=True) for name in topics if name.endswith("/")]
    query = select(*(_table.c[name] for name in _COLUMNS)).where(
        or_(_table.c.topic.in_(sorted(name for name in topics if not name.endswith("/"))), *below))
    return (Newest(*row) for row in connection.execute(query))


def rebuild(connection: Connection) -> int:
    """Make the projection anew from all entries; returns how many rows it has."""
    connection.execute(delete(_table))
    columns = [schema.entry.c[name] for name in Record._fields]
    count = 0
    for chain in list(connection.scalars(select(schema.entry.c.chain).distinct())):
        gathered = Gathered()
        query = select(*columns).where(schema.entry.c.chain == chain).order_by(schema.entry.c.sequence)
        with connection.execute(query.execution_options(yield_per=1000)) as rows:
            for _ in gathered.take(Record(*row) for row in rows):
                pass
        count += put_many(connection, gathered.rows.values())
    return count
