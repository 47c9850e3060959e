"""An index of what entries are about, for quick lists; it can be made anew from the entries at any time."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "ledger_subject",
        sa.Column("room", sa.Text, nullable=False),
        sa.Column("chain", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("rank", sa.Text, nullable=False),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.Column("last", sa.BigInteger, nullable=False),
        sa.Column("entries", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("room", "chain", "name", name="ledger_subject_pkey"),
    )
    op.create_index("ledger_subject_room_rank", "ledger_subject", ["room", "rank"])


def downgrade() -> None:
    op.drop_table("ledger_subject")
