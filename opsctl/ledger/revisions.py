"""The schema's revisions; known here so that neither opening nor quick reading of a ledger need load Alembic.
"""

from __future__ import annotations

REVISIONS = ("0001", "0002", "0003", "0004", "0005")
"""Every schema revision, oldest first."""

REVISION_TABLE = "ledger_revision"

NOW = {
    # SQLite keeps milliseconds; the Julian day as a double is exact to 0.05 ms, so rounding restores them.
    "sqlite": "CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER)",
    "postgresql": "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)",
}
"""The database's own clock in milliseconds since 1970."""
