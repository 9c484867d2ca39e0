"""Alembic's entry point: runs the revisions on the connection that the ledger passes."""

from alembic import context

from aftersales.ledger.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    transaction_per_migration=False,
)
context.run_migrations()
