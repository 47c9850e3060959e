"""The ledger: what the rest of opsctl sees of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from opsctl.core.clock import Clock
from opsctl.core.errors import ConfigurationError
from opsctl.ledger import inspection, leases, personal, reading, schema, subjects
from opsctl.ledger import latest as projection
from opsctl.ledger.canonical import require_label, stamp
from opsctl.ledger.database import Database
from opsctl.ledger.model import Checkpoint, Entry, Latest, Lease, Subject, Verification
from opsctl.ledger.reading import Selection, read
from opsctl.ledger.rows import latest_of
from opsctl.ledger.writing import draft, write


class Ledger:
    """Append-only evidence on SQLite or PostgreSQL; safe to use from several threads, not over a fork.

    Every method may raise OperationFailed when the database cannot be used.
    """

    def __init__(self, database: Database, clock: Clock, *, generated: bool = False) -> None:
        self._database = database
        self._clock = clock
        self.generated = generated
        """True for generated history: it can be read, and nothing can be added."""

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        """A transaction that writes; ConfigurationError for generated history, which takes no evidence."""
        if self.generated:
            raise ConfigurationError(f"The ledger at {self._database.place} holds generated history: nothing is "
                                     "recorded there.", "Use the settings of your real ledger for what acts.")
        with self._database.writing() as connection:
            yield connection

    def close(self) -> None:
        """Close the database connections; the ledger opens new ones when it is used again."""
        self._database.close()

    def append(self, chain: str, kind: str, payload: Mapping[str, Any], *, actor: str, run: str = "",
               lease: Lease | None = None, at: datetime | None = None,
               subject: Callable[[Entry], Subject] | None = None) -> Entry:
        """Record evidence; durable when this returns.

        chain: the customer's id, or `operator`. at: the time of recording, by default the clock's. subject: from the
        entry what it is about, for the index, which is brought up to date in the same transaction.
        Raises Locked when `lease` was taken over or released, TypeError for a secret or what JSON lacks,
        ValueError for NaN or a name that is empty or not printable.
        """
        new = draft(chain, kind, payload, actor, run)
        with self._writing() as connection:
            entry = write(connection, new, self._clock, lease, at)
            if subject is not None:
                subjects.put(connection, entry.chain, subject(entry))
        return entry

    def entries(self, chain: str | None = None, kinds: Collection[str] | None = None, since: datetime | None = None,
                until: datetime | None = None, newest_first: bool = False,
                limit: int | None = None) -> Iterator[Entry]:
        """Entries with since <= recorded_at < until: by sequence within a chain, by arrival over all.

        EvidenceDamaged when a row cannot be read.
        """
        wanted = None if kinds is None else frozenset([kinds] if isinstance(kinds, str) else kinds)
        return read(self._database, Selection(chain, wanted, None, since, until, newest_first, limit))

    def last(self, chain: str, kind: str) -> Entry | None:
        """The newest entry of this kind, None when there is none."""
        return next(self.entries(chain, [kind], newest_first=True, limit=1), None)

    def newest(self, topics: Collection[str]) -> list[Latest]:
        """The newest entry of each of these topics (`topics.topic`) and chain, in one query over all chains.

        A topic that ends with a slash stands for all below it.
        """
        with self._database.reading() as connection:
            return [latest_of(row) for row in projection.of_topics(connection, topics)]

    def across(self, kinds: Collection[str], since: datetime, until: datetime) -> Iterator[Entry]:
        """Entries of these kinds with since <= recorded_at < until, over all chains: by chain and sequence.

        One query that stays open while it is read: for what is read once and at once.
        """
        with self._database.reading() as connection:
            yield from reading.across(connection, kinds, since, until)

    def beginnings(self) -> dict[str, datetime]:
        """When the first entry of each chain was recorded."""
        with self._database.reading() as connection:
            return reading.beginnings(connection)

    def chains(self) -> list[str]:
        """The chains that have entries, by name."""
        query = select(schema.head.c.chain).where(schema.head.c.count > 0).order_by(schema.head.c.chain)
        with self._database.reading() as connection:
            return list(connection.scalars(query))

    def subjects(self, room: str, chain: str) -> list[Subject]:
        """What the index says of one chain, by name; ValueError for a row that cannot be read."""
        with self._database.reading() as connection:
            return subjects.of_chain(connection, room, chain)

    def index(self, room: str, chain: str, found: Iterable[Subject]) -> None:
        """Make the index of one chain anew. The caller keeps others from appending about the room meanwhile."""
        with self._writing() as connection:
            subjects.replace(connection, room, chain, found)

    def find_run(self, run: str) -> list[Entry]:
        """Every entry of one run, over all chains, in the order of arrival."""
        return list(read(self._database, Selection(run=require_label(run, "run"))))

    def verify(self, chain: str | None = None, checkpoints: Collection[Mapping[str, Checkpoint]] = ()) -> Verification:
        """Read everything again and say what is wrong; damage is a finding, never an exception.

        checkpoints: what `checkpoint()` gave earlier, kept elsewhere; only they show a tail cut with its head row.
        """
        with self._database.reading() as connection:
            return inspection.verify(connection, chain, checkpoints)

    def export(self, chain: str | None = None) -> Iterator[str]:
        """JSON Lines without line ends, one snapshot; `verify_export` reads them without a ledger."""
        with self._database.reading() as connection:
            yield from inspection.export(connection, chain)

    def checkpoint(self) -> dict[str, Checkpoint]:
        """Count and head of every chain, to be kept where this ledger's writer cannot change it."""
        with self._database.reading() as connection:
            return inspection.checkpoints(connection)

    def hashes_at(self, places: Mapping[str, int]) -> dict[str, str]:
        """The hash of the entry at one place of each chain; a chain without an entry there is left out."""
        with self._database.reading() as connection:
            return inspection.hashes_at(connection, places)

    def acquire(self, name: str, owner: str, seconds: float) -> Lease:
        """Take the lease `name`; Locked, naming owner, since and until, while another one holds it."""
        with self._writing() as connection:
            return leases.acquire(connection, self._database.now, name, owner, seconds)

    def renew(self, lease: Lease) -> Lease:
        """The lease with its full time from now; Locked when it was taken over or released."""
        with self._writing() as connection:
            return leases.renew(connection, self._database.now, lease)

    def release(self, lease: Lease) -> None:
        """Free the lease; nothing happens when it was taken over."""
        with self._writing() as connection:
            leases.release(connection, self._database.now, lease)

    def leases(self) -> list[Lease]:
        """Every lease that is not released; `expired` ones belong to runs that died."""
        with self._database.reading() as connection:
            return leases.held_leases(connection, self._database.now)

    def put_personal(self, chain: str, text: str) -> str:
        """Store personal data beside the chain; returns the reference that evidence may name."""
        with self._writing() as connection:
            return personal.put(connection, chain, text, stamp(self._clock.now()))

    def personal(self, reference: str) -> str | None:
        """The personal data, None when it was erased or never stored; EvidenceDamaged when it was changed."""
        with self._database.reading() as connection:
            return personal.get(connection, reference)

    def personals(self, references: Collection[str]) -> dict[str, str]:
        """Many at once, by reference; what was erased or never stored is left out. Raises as `personal` does."""
        with self._database.reading() as connection:
            return personal.get_many(connection, references)

    def personal_of(self, chain: str) -> list[str]:
        """The references of one chain whose text is not erased, whether an entry names them or not; oldest first."""
        with self._database.reading() as connection:
            return personal.of_chain(connection, chain)

    def rebuild(self) -> int:
        """Make the table of newest entries anew from the entries; returns how many rows it has."""
        with self._writing() as connection:
            return projection.rebuild(connection)

    def erase_personal(self, reference: str, reason: str, actor: str) -> Entry:
        """Erase text and salt, and record that and why; the evidence that names the reference stays.

        UsageError when the reference is unknown or erased already.
        """
        require_label(reason, "reason")
        with self._writing() as connection:
            chain = personal.erase(connection, reference, stamp(self._clock.now()))
            new = draft(chain, personal.ERASED, {"reference": reference, "reason": reason}, actor, "")
            entry = write(connection, new, self._clock, None, None)
        self._database.fold_log()
        return entry
