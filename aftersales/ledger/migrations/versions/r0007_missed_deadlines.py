"""Which deadlines of ours cases have missed."""

import sqlalchemy as sa
from alembic import op

from aftersales.ledger.tables import Utc

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the table; cases that were opened with earlier editions write nothing into it."""
    op.create_table(
        "missed_deadlines",
        sa.Column("case_id", sa.String(), primary_key=True),
        sa.Column("serial", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("process", sa.String(), nullable=False),
        sa.Column("shop_id", sa.String(), nullable=False),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("order", sa.String()),
        sa.Column("at", Utc(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
    )
    op.create_index("ix_missed_deadlines_day_shop_id", "missed_deadlines", ["day", "shop_id"])


def downgrade() -> None:
    """Drop it."""
    op.drop_table("missed_deadlines")
