"""Database engines: what a backup of each needs, is proven by, and how it comes back. One module per way."""

from __future__ import annotations

from opsctl.backup.engines.contract import DatabaseEngine
from opsctl.profiles.hosted import Engine, Method


def engine_for(engine: Engine, method: Method = Method.PHYSICAL) -> DatabaseEngine:
    """The implementation of an engine and a way to back it up."""
    if engine is Engine.POSTGRESQL:
        from opsctl.backup.engines.postgresql import PostgreSQL
        from opsctl.backup.engines.postgresql_dump import PostgreSQLDump

        return PostgreSQL() if method is Method.PHYSICAL else PostgreSQLDump()
    from opsctl.backup.engines.mariadb import MariaDB
    from opsctl.backup.engines.mariadb_dump import MariaDBDump

    return MariaDB() if method is Method.PHYSICAL else MariaDBDump()
