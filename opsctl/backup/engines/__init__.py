"""Database engines: what a backup of each needs, is proven by, and how it comes back."""

from __future__ import annotations

from opsctl.backup.engines.contract import DatabaseEngine
from opsctl.profiles.hosted import Engine


def engine_for(engine: Engine) -> DatabaseEngine:
    """The implementation of an engine."""
    if engine is Engine.POSTGRESQL:
        from opsctl.backup.engines.postgresql import PostgreSQL

        return PostgreSQL()
    from opsctl.backup.engines.mariadb import MariaDB

    return MariaDB()
