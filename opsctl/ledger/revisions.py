"""The schema's revisions; known here so that neither opening nor quick reading of a ledger need load Alembic."""

from __future__ import annotations

REVISIONS = ("0001", "0002", "0003", "0004")
"""Every schema revision, oldest first."""

REVISION_TABLE = "ledger_revision"
