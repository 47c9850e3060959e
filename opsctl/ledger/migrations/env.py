"""Alembic's entry: migrates over the connection it is handed, inside that connection's transaction."""

from alembic import context

from opsctl.ledger.revisions import REVISION_TABLE
from opsctl.ledger.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata,
                  version_table=REVISION_TABLE, transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
