"""Opening a ledger: create it, refuse one of another revision, upgrade it on request."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from sqlalchemy import Connection, text
from sqlalchemy.engine import URL

from opsctl.core.clock import Clock
from opsctl.core.errors import ConfigurationError, EvidenceDamaged, OpsctlError
from opsctl.ledger import guards
from opsctl.ledger.database import Database, parse_url
from opsctl.ledger.generated import is_generated
from opsctl.ledger.revisions import REVISION_TABLE, REVISIONS
from opsctl.ledger.store import Ledger

# Any number will do, as long as every opsctl uses the same: it serialises the creation of the tables.
_MIGRATION_LOCK = 7_043_219_118
_TABLES = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table'",
    "postgresql": "SELECT tablename FROM pg_tables WHERE schemaname = ANY (current_schemas(false))",
}


def open_ledger(url: str, clock: Clock) -> Ledger:
    """The ledger at `url`, created when there is none yet.

    url: `sqlite:////absolute/path` (created 0600, its folder 0700) or `postgresql://...`.
    Raises ConfigurationError when the URL, the database or its schema's revision cannot be used.
    """
    database = _reach(parse_url(url))
    try:
        with database.reading() as connection:
            revision = _revision(connection, database)
            generated = revision == REVISIONS[-1] and is_generated(connection)
        if revision is None:
            _create(database)
        elif revision != REVISIONS[-1]:
            raise _other_revision(database, revision)
    except OpsctlError as error:
        database.close()
        if isinstance(error, ConfigurationError | EvidenceDamaged):
            raise
        raise ConfigurationError(error.message, "Check the ledger's URL in opsctl.yml, and that its database "
                                 "is running and may be used by this account.") from error
    return Ledger(database, clock, generated=generated)


def exists(url: str) -> bool:
    """Whether something is where the ledger should be; for PostgreSQL, which answers by itself, always True."""
    parsed = parse_url(url)
    path = Path(parsed.database or "")
    return parsed.drivername != "sqlite" or (path.exists() and path.stat().st_size > 0)


def upgrade_ledger(url: str) -> tuple[str, str, tuple[str, ...]]:
    """Bring an older ledger to this opsctl's revision, and put back the triggers that guard it.

    Returns the revisions before and after, and the names of the triggers that were not there.
    Raises ConfigurationError when there is no ledger, or a newer opsctl has written it.
    """
    parsed = parse_url(url)
    database = Database(parsed)
    try:
        if database.path and not database.path.exists():
            raise ConfigurationError(f"There is no ledger at {database.place}.",
                                     "Check the ledger's URL in opsctl.yml.")
        with database.writing() as connection:
            _serialise(connection)
            before = _revision(connection, database)
            if before is None:
                raise ConfigurationError(f"There is no ledger at {database.place}.",
                                         "The first command that opens it creates it.")
            if before not in REVISIONS:
                raise _other_revision(database, before)
            if before != REVISIONS[-1]:
                _migrate(connection)
            restored = tuple(guards.restore(connection))
        return before, REVISIONS[-1], restored
    finally:
        database.close()


def _reach(url: URL) -> Database:
    if url.drivername == "sqlite":
        path = Path(url.database or "")
        try:
            if not path.exists():
                _create_file(url, path)
        except OSError as error:
            raise ConfigurationError(f"The ledger cannot be created at {path}: {error.strerror}.",
                                     "Choose another path, or let this account write there.") from error
    return Database(url)


def _create_file(url: URL, path: Path) -> None:
    """Make the file aside and give it its name when it is whole, so that no half-made ledger is ever seen."""
    for folder in reversed([parent for parent in path.parents if not parent.exists()]):
        folder.mkdir(mode=0o700, exist_ok=True)
    aside = path.with_name(f".{path.name}.{secrets.token_hex(6)}.new")
    os.close(os.open(aside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    database = Database(url.set(database=str(aside)))
    try:
        with database.writing() as connection:
            _migrate(connection)
        # The last connection to close folds the write-ahead log into the file.
        database.close()
        try:
            # Unlike a rename, a link fails when somebody else was quicker, and then theirs is the ledger.
            os.link(aside, path)
        except FileExistsError:
            return
    finally:
        database.close()
        for leftover in (aside, Path(f"{aside}-wal"), Path(f"{aside}-shm")):
            leftover.unlink(missing_ok=True)


def _create(database: Database) -> None:
    with database.writing() as connection:
        _serialise(connection)
        # Somebody else may have created it while this process waited for its turn.
        revision = _revision(connection, database)
        if revision is None:
            _migrate(connection)
        elif revision != REVISIONS[-1]:
            raise _other_revision(database, revision)


def _serialise(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _MIGRATION_LOCK})


def _migrate(connection: Connection) -> None:
    from opsctl.ledger.migrate import migrate

    migrate(connection)


def _revision(connection: Connection, database: Database) -> str | None:
    """The schema's revision, None for an empty database (or a PostgreSQL one without our tables)."""
    tables = set(connection.scalars(text(_TABLES[connection.dialect.name])))
    if REVISION_TABLE in tables:
        return connection.scalar(text(f"SELECT version_num FROM {REVISION_TABLE}")) or ""  # noqa: S608
    if tables and connection.dialect.name == "sqlite":
        raise ConfigurationError(f"The file {database.place} is a SQLite database, but not a ledger.",
                                 "Check the ledger's URL in opsctl.yml.")
    return None


def _other_revision(database: Database, found: str) -> ConfigurationError:
    wanted = REVISIONS[-1]
    what = f"The ledger at {database.place} has the schema revision {found!r}, this opsctl needs {wanted!r}."
    if found in REVISIONS:
        return ConfigurationError(what, "Run `opsctl ledger upgrade`.")
    return ConfigurationError(what, "A newer opsctl wrote it: use that version or a later one.")
