"""`ready-migrate`: brings the database to the schema of the installed release."""

from __future__ import annotations

import sys
from typing import Any

from . import database
from .migrations import MIGRATIONS
from .release import load_release

NEWER = 3
"""Exit code when the database is newer than the release: restore it, or install the newer release again."""

_BOOKKEEPING = ("CREATE TABLE IF NOT EXISTS ready_schema (version INTEGER PRIMARY KEY, title VARCHAR(80) NOT NULL, "
                "applied_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP)")


def migrate(connection: Any, target: int) -> list[int]:
    """Apply the missing steps up to `target`; returns their numbers. Each step is committed on its own."""
    database.query(connection, _BOOKKEEPING)
    present = database.schema_version(connection)
    applied = []
    for migration in MIGRATIONS:
        if present < migration.number <= target:
            for statement in migration.statements(database.engine()):
                database.query(connection, statement)
            database.query(connection, "INSERT INTO ready_schema (version, title) VALUES (%s, %s)",
                           (migration.number, migration.title))
            connection.commit()
            applied.append(migration.number)
    return applied


def main() -> int:
    """0: the schema is the release's; 3: it is newer; 1: a step failed or the database does not answer."""
    release = load_release()
    with database.connected() as connection:
        present = database.schema_version(connection)
        if present > release.schema:
            _tell(f"the database has schema {present}, release {release.version} knows {release.schema} at most")
            return NEWER
        applied = migrate(connection, release.schema)
    _tell(f"schema {release.schema}, applied {applied or 'nothing'}")
    return 0


def _tell(text: str) -> None:
    print(f"ready-migrate: {text}", file=sys.stderr)  # noqa: T201 - a program of the host, not of opsctl


if __name__ == "__main__":
    sys.exit(main())
