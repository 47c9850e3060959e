"""The newest entries by database, also of restores for the exercise."""

from alembic import op

from opsctl.ledger.latest import rebuild

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    rebuild(op.get_bind())


def downgrade() -> None:
    """Nothing to undo: the table is made anew from the entries."""
