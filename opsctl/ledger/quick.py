"""A quick way to read: the database's own driver and a few fixed queries, without SQLAlchemy, which takes a fifth of a
second to load.

It reads the index of subjects, and the entries and the personal data that it points to, in one transaction. Where
anything is not as it should be, it raises QuickFailed: the caller takes the ordinary way, which says what is wrong.
"""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from opsctl.ledger.canonical import personal_reference, stamp
from opsctl.ledger.model import Entry, Latest, Subject
from opsctl.ledger.records import Record
from opsctl.ledger.revisions import NOW, REVISION_TABLE, REVISIONS
from opsctl.ledger.rows import Newest, entry_of, latest_of

_AT_ONCE = 500
"""Values in one query: databases take a limited number of parameters."""
_COLUMNS = ", ".join(Record._fields)


class QuickFailed(Exception):
    """It cannot be read this way."""


class QuickLedger:
    """A ledger opened for quick reading."""

    def __init__(self, connection: Any, mark: str) -> None:
        self._connection = connection
        self._mark = mark

    def chains(self) -> set[str]:
        """The chains that have entries."""
        return {row[0] for row in self._rows("SELECT chain FROM ledger_head WHERE count > 0")}

    def indexed(self, room: str) -> dict[str, tuple[int, int]]:
        """By chain how many entries the index knows, and the last one's place."""
        return {row[0]: (int(row[1]), int(row[2])) for row in self._rows(
            "SELECT chain, SUM(count), MAX(last) FROM ledger_subject WHERE room = ? GROUP BY chain", room)}

    def recorded(self, kinds: Collection[str]) -> dict[str, tuple[int, int]]:
        """By chain how many entries of these kinds there are, and the last one's place."""
        return {row[0]: (int(row[1]), int(row[2])) for row in self._rows(
            "SELECT chain, COUNT(*), MAX(sequence) FROM ledger_entry WHERE chain IN (SELECT chain FROM ledger_head) "  # noqa: S608
            f"AND kind IN ({_places(kinds)}) GROUP BY chain", *sorted(kinds))}

    def page(self, room: str, chains: Sequence[str], labels: Sequence[str], below: str,
             limit: int) -> tuple[list[tuple[str, Subject]], int]:
        """The first `limit` subjects by rank with their chains, and how many there are in all.

        chains: of these alone; empty for all. labels: with one of them. below: whose rank is less than this.
        """
        among = f" AND chain IN ({_places(chains)})" if chains else ""
        where = f"room = ? AND rank < ? AND label IN ({_places(labels)}){among}"
        values = (room, below, *labels, *chains)
        rows = self._rows(f"SELECT chain, name, rank, label, entries FROM ledger_subject WHERE {where} "  # noqa: S608
                          "ORDER BY rank, name LIMIT ?", *values, limit)
        total = self._rows(f"SELECT COUNT(*) FROM ledger_subject WHERE {where}", *values)  # noqa: S608
        return [(row[0], Subject(room, row[1], row[2], row[3], tuple(json.loads(row[4])))) for row in rows], total[0][0]

    def entries(self, chain: str, places: Collection[int]) -> Iterator[Entry]:
        """The chain's entries at these places, in their order; EvidenceDamaged for one that cannot be read."""
        for some in _batches(sorted(places)):
            yield from (entry_of(Record(*row)) for row in self._rows(
                f"SELECT {_COLUMNS} FROM ledger_entry WHERE chain = ? AND sequence IN ({_places(some)}) "  # noqa: S608
                "ORDER BY sequence", chain, *some))

    def newest(self, topics: Collection[str]) -> list[Latest]:
        """As `Ledger.newest`."""
        found: list[Latest] = []
        for name in topics:
            # Bytes order, as the table's key has it; "0" follows the slash.
            where, values = ("topic >= ? AND topic < ?", (name, f"{name[:-1]}0")) if name.endswith("/") else (
                "topic = ?", (name,))
            if name.endswith("/") and self._mark != "?":
                where, values = "starts_with(topic, ?)", (name,)
            found += [latest_of(Newest(*row)) for row in self._rows(
                f"SELECT topic, chain, sequence, recorded_at, payload FROM ledger_latest WHERE {where}",  # noqa: S608
                *values)]
        return found

    def selected(self, chain: str, kinds: Collection[str] | None, since: datetime | None, until: datetime | None,
                 order: tuple[bool, int | None]) -> Iterator[Entry]:
        """As `Ledger.entries` of one chain. order: newest first, and how many at most."""
        where, values = ["chain = ?"], [chain]
        if kinds is not None:
            where.append(f"kind IN ({_places(kinds)})")
            values += sorted(kinds)
        for sign, instant in ((">=", since), ("<", until)):
            if instant is not None:
                # An expression, so that no index over all chains is chosen.
                where.append(f"coalesce(recorded_at, '') {sign} ?")
                values.append(stamp(instant))
        newest_first, limit = order
        rows = self._rows(f"SELECT {_COLUMNS} FROM ledger_entry WHERE {' AND '.join(where)} ORDER BY sequence "  # noqa: S608
                          f"{'DESC' if newest_first else 'ASC'}{'' if limit is None else f' LIMIT {limit:d}'}", *values)
        return (entry_of(Record(*row)) for row in rows)

    def running(self) -> list[tuple[str, str]]:
        """Name and owner of every lease that is held now, by the database's clock."""
        now = NOW["sqlite" if self._mark == "?" else "postgresql"]
        return [(str(row[0]), str(row[1])) for row in self._rows(
            f"SELECT name, owner FROM ledger_lease WHERE owner IS NOT NULL AND until > {now} ORDER BY name")]  # noqa: S608

    def personals(self, references: Collection[str]) -> dict[str, str]:
        """As `Ledger.personals`; QuickFailed for a text that was changed."""
        found: dict[str, str] = {}
        for some in _batches(sorted(set(references))):
            for reference, salt, text in self._rows(
                    "SELECT reference, salt, text FROM ledger_personal WHERE text IS NOT NULL "  # noqa: S608
                    f"AND reference IN ({_places(some)})", *some):
                if personal_reference(str(salt), str(text)) != reference:
                    raise QuickFailed(reference)
                found[reference] = str(text)
        return found

    def _rows(self, query: str, *values: Any) -> list[Any]:
        cursor = self._connection.cursor()
        cursor.execute(query.replace("?", self._mark), values)
        return list(cursor.fetchall())


@contextmanager
def quick(url: str) -> Iterator[QuickLedger]:
    """The ledger at `url` for quick reading; QuickFailed when there is none, or one of another revision."""
    try:
        with closing(_sqlite(url) if url.startswith("sqlite:") else _postgresql(url)) as connection:
            found = QuickLedger(connection, "?" if url.startswith("sqlite:") else "%s")
            if found._rows(f"SELECT version_num FROM {REVISION_TABLE}") != [(REVISIONS[-1],)]:  # noqa: S608
                raise QuickFailed("revision")
            yield found
    except _errors() as error:
        raise QuickFailed(type(error).__name__) from error


def _errors() -> tuple[type[Exception], ...]:
    """What says that it cannot be read this way; of drivers, what those that are loaded raise."""
    known: tuple[type[Exception], ...] = (OSError, ValueError, TypeError, sqlite3.Error)
    psycopg = sys.modules.get("psycopg")
    return known if psycopg is None else (*known, psycopg.Error)


def _sqlite(url: str) -> Any:
    path = Path(url.removeprefix("sqlite:///"))
    if not path.is_absolute() or "?" in url:
        raise QuickFailed("url")
    connection = sqlite3.connect(f"file:{quote(str(path))}?mode=rw", uri=True, timeout=5, isolation_level=None)
    # As the ordinary way reads: a damaged row is found by its hash, and is no exception.
    connection.text_factory = lambda data: data.decode("utf-8", "surrogateescape")
    connection.execute("PRAGMA query_only = ON")
    connection.execute("BEGIN")
    return connection


def _postgresql(url: str) -> Any:
    import psycopg

    connection = psycopg.connect(url.replace("postgresql+psycopg:", "postgresql:", 1), connect_timeout=10,
                                 application_name="opsctl")
    connection.read_only = True
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    return connection


def _places(values: Collection[object]) -> str:
    return ", ".join("?" * len(values))


def _batches(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (values[start:start + _AT_ONCE] for start in range(0, len(values), _AT_ONCE))
