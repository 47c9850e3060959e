"""Entries, head rows, leases and personal data.

There is no downgrade: it would destroy evidence.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    _entries()
    op.create_table(
        "ledger_head",
        sa.Column("chain", sa.Text, nullable=False),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("chain", name="ledger_head_pkey"),
    )
    op.create_table(
        "ledger_lease",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("fence", sa.BigInteger, nullable=False),
        sa.Column("owner", sa.Text),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
        sa.Column("milliseconds", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("name", name="ledger_lease_pkey"),
    )
    op.create_table(
        "ledger_personal",
        sa.Column("reference", sa.Text, nullable=False),
        sa.Column("chain", sa.Text, nullable=False),
        sa.Column("salt", sa.Text),
        sa.Column("text", sa.Text),
        sa.Column("recorded_at", sa.Text, nullable=False),
        sa.Column("erased_at", sa.Text),
        sa.PrimaryKeyConstraint("reference", name="ledger_personal_pkey"),
    )


def _entries() -> None:
    op.create_table(
        "ledger_entry",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), nullable=False),
        sa.Column("chain", sa.Text, nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("previous", sa.Text, nullable=False),
        sa.Column("recorded_at", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("run", sa.Text, nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="ledger_entry_pkey"),
        sa.UniqueConstraint("chain", "sequence", name="ledger_entry_chain_sequence_key"),
    )
    op.create_index("ledger_entry_chain_kind_sequence", "ledger_entry", ["chain", "kind", "sequence"])
    op.create_index("ledger_entry_recorded_at", "ledger_entry", ["recorded_at"])
    op.create_index("ledger_entry_run", "ledger_entry", ["run"])
