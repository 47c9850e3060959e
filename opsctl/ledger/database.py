"""The database under the ledger: connections, transactions, its clock, and its errors in our words."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, Engine, create_engine, event, literal_column
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from opsctl.core.errors import ConfigurationError, EvidenceDamaged, OperationFailed
from opsctl.ledger.revisions import NOW

WAIT_SECONDS = 60
"""How long a writer waits for its turn before it gives up."""

_WRITES = "opsctl_writes"
_DAMAGE = ("disk image is malformed", "no such table: ledger_", 'relation "ledger_')
"""What drivers say of a database that was a ledger and is not whole any more."""


def parse_url(text: str) -> URL:
    """The ledger's URL with its driver; ConfigurationError unless it is a SQLite file or PostgreSQL."""
    remedy = "Use sqlite:////absolute/path/ledger.db or postgresql://user@host/database."
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        # The text may hold a password, so it is not repeated, nor is the error that would repeat it.
        raise ConfigurationError("The ledger's URL cannot be read.", remedy) from None
    if url.drivername == "sqlite":
        if not url.database or not Path(url.database).is_absolute():
            raise ConfigurationError("The ledger's SQLite URL does not name a file by its absolute path.", remedy)
        if url.query:
            raise ConfigurationError("The ledger's SQLite URL has options after a question mark.", remedy)
        return url
    if url.drivername in {"postgresql", "postgresql+psycopg"}:
        return url.set(drivername="postgresql+psycopg")
    raise ConfigurationError(f"The ledger cannot be kept in {url.drivername!r}.", remedy)


class Database:
    """One engine with the ledger's rules for transactions. Not to be shared over a fork."""

    def __init__(self, url: URL) -> None:
        self.place = url.render_as_string(hide_password=True)
        self.path = Path(url.database) if url.drivername == "sqlite" and url.database else None
        self._engine = _engine(url)
        self.now: ColumnElement[int] = literal_column(NOW[self._engine.dialect.name], BigInteger())

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that will write; on SQLite it holds the write lock from its first statement."""
        with self._translated(), self._engine.execution_options(**{_WRITES: True}).begin() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees one state of the database however long it lasts."""
        engine = self._engine
        if engine.dialect.name == "postgresql":
            engine = engine.execution_options(isolation_level="REPEATABLE READ")
        with self._translated(), engine.begin() as connection:
            yield connection

    def close(self) -> None:
        """Close every idle connection."""
        self._engine.dispose()

    def fold_log(self) -> None:
        """Fold SQLite's write-ahead log into the file: the log keeps erased text until it is overwritten.

        While somebody reads an older state this cannot be done; then the next ordinary fold does it.
        """
        if self.path is None:
            return
        connection = self._engine.raw_connection()
        try:
            with suppress(sqlite3.OperationalError):
                connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            connection.close()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except IntegrityError as error:
            raise EvidenceDamaged(f"The ledger at {self.place} refused an entry: {first_line(error)}",
                                  "Run `opsctl ledger verify`; entries and head rows do not agree.") from error
        except DBAPIError as error:
            if any(words in str(error.orig) for words in _DAMAGE):
                raise EvidenceDamaged(f"The ledger at {self.place} is damaged: {first_line(error)}",
                                      "Stop what writes to it, keep a copy as it is, and restore the ledger "
                                      "from its last copy.") from error
            raise OperationFailed(f"The ledger at {self.place} cannot be used: {first_line(error)}",
                                  "Nothing was recorded. Check that the database runs, that its disk is not "
                                  "full, and that no other process holds it locked.") from error
        except PoolTimeout as error:
            raise OperationFailed(f"The ledger at {self.place} has no free connection.",
                                  "Nothing was recorded. Finish reading before more is read at once.") from error


def first_line(error: DBAPIError) -> str:
    """The driver's own words without the statement and its parameters."""
    lines = str(error.orig).strip().splitlines()
    return lines[0] if lines else type(error.orig).__name__


def _engine(url: URL) -> Engine:
    # Parameters may be personal data: they stay out of every error's text.
    if url.drivername == "sqlite":
        engine = create_engine(url, hide_parameters=True, connect_args={"timeout": WAIT_SECONDS})
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        engine = create_engine(url, hide_parameters=True, pool_pre_ping=True,
                               connect_args={"connect_timeout": 10, "application_name": "opsctl"})
        event.listen(engine, "connect", _prepare_postgresql)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _: Any) -> None:
    # The driver must not begin transactions by itself: a deferred one could not become a writer in time.
    connection.isolation_level = None
    # A damaged row is a finding; the default would end the whole reading with an exception.
    connection.text_factory = lambda data: data.decode("utf-8", "surrogateescape")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    # Erased personal data is overwritten in the file, not only unlinked.
    connection.execute("PRAGMA secure_delete=ON")


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _prepare_postgresql(connection: Any, _: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SET lock_timeout = '{WAIT_SECONDS}s'")
    connection.commit()
