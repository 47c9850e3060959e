"""The newest entry of each chain and topic, and an index that reads one kind over all chains."""

import sqlalchemy as sa
from alembic import op

from opsctl.ledger.latest import rebuild

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_index("ledger_entry_kind_recorded_at", "ledger_entry", ["kind", "recorded_at"])
    op.create_table(
        "ledger_latest",
        sa.Column("topic", sa.Text, nullable=False),
        sa.Column("chain", sa.Text, nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("recorded_at", sa.Text, nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("topic", "chain", name="ledger_latest_pkey"),
        sqlite_with_rowid=False,
    )
    op.create_index("ledger_latest_chain", "ledger_latest", ["chain"])
    rebuild(op.get_bind())


def downgrade() -> None:
    op.drop_table("ledger_latest")
    op.drop_index("ledger_entry_kind_recorded_at", "ledger_entry")
