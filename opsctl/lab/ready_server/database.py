"""READY's database: PostgreSQL or MariaDB behind one small set of questions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from .release import load_configuration, load_database_password

CONNECT_SECONDS = 5


@contextmanager
def connected() -> Iterator[Any]:
    """A DB-API connection; committed when the block ends well, rolled back when it does not."""
    settings = load_configuration()["database"]
    connection = _connect(settings)
    try:
        yield connection
        connection.commit()
    except BaseException:
        connection.rollback()
        raise
    finally:
        connection.close()


def engine() -> str:
    """`postgresql` or `mariadb`."""
    return str(load_configuration()["database"]["engine"])


def query(connection: Any, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """Run a statement and return its rows; none for one that has no result."""
    cursor = connection.cursor()
    try:
        cursor.execute(statement, tuple(values))
        return list(cursor.fetchall()) if cursor.description else []
    finally:
        cursor.close()


def schema_version(connection: Any) -> int:
    """The highest migration that was applied; 0 for an empty database."""
    known = query(connection, "SELECT count(*) FROM information_schema.tables WHERE table_name = 'ready_schema' "
                              "AND table_schema NOT IN ('information_schema', 'pg_catalog', 'mysql')")
    if not known[0][0]:
        return 0
    return int(query(connection, "SELECT coalesce(max(version), 0) FROM ready_schema")[0][0])


def _connect(settings: dict[str, Any]) -> Any:
    if settings["engine"] == "postgresql":
        import psycopg2

        return psycopg2.connect(host=settings["host"], port=settings["port"], dbname=settings["name"],
                                user=settings["user"], password=load_database_password(),
                                connect_timeout=CONNECT_SECONDS, application_name="ready-server")
    import pymysql

    return pymysql.connect(host=settings["host"], port=settings["port"], database=settings["name"],
                           user=settings["user"], password=load_database_password(),
                           connect_timeout=CONNECT_SECONDS, autocommit=False)
