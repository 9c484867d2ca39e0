"""Who works on a case, and what clerks note about it."""

import sqlalchemy as sa
from alembic import op

from aftersales.ledger.tables import Utc

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "claims",
        sa.Column("case_id", sa.String(), primary_key=True),
        sa.Column("clerk", sa.String(), nullable=False),
        sa.Column("at", Utc(), nullable=False),
    )
    op.create_index("ix_claims_clerk", "claims", ["clerk"])
    op.create_table(
        "notes",
        sa.Column("serial", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("clerk", sa.String(), nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
    )
    op.create_index("ix_notes_case_id", "notes", ["case_id"])


def downgrade() -> None:
    """Drop them."""
    for table in ("notes", "claims"):
        op.drop_table(table)
