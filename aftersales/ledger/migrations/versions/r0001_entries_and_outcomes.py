"""The first tables: entries and outcomes."""

import sqlalchemy as sa
from alembic import op

from aftersales.ledger.tables import Exact, Utc

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create both."""
    op.create_table(
        "entries",
        sa.Column("key", sa.String(), primary_key=True),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("process", sa.String(), nullable=False),
        sa.Column("shop_id", sa.String(), nullable=False),
        sa.Column("clause", sa.String(), nullable=False),
        sa.Column("order", sa.String()),
        sa.Column("at", Utc(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("amount", Exact(12, 2)),
        sa.Column("points", Exact(9, 3)),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("note", sa.String()),
        sa.Column("answers", sa.String(), unique=True),
        sa.CheckConstraint("status IN ('expected', 'billed')", name="ck_entries_status"),
    )
    op.create_index("ix_entries_day_shop_id", "entries", ["day", "shop_id"])
    op.create_index("ix_entries_shop_id_clause_status_order", "entries", ["shop_id", "clause", "status", "order"])
    op.create_index("ix_entries_case_id", "entries", ["case_id"])
    op.create_table(
        "outcomes",
        sa.Column("case_id", sa.String(), primary_key=True),
        sa.Column("process", sa.String(), nullable=False),
        sa.Column("shop_id", sa.String(), nullable=False),
        sa.Column("order", sa.String(), nullable=False),
        sa.Column("opened_at", Utc(), nullable=False),
        sa.Column("closed_at", Utc(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("state_label", sa.String(), nullable=False),
        sa.Column("decided_by", sa.String(), nullable=False),
        sa.Column("decided_before_deadline", sa.Boolean()),
        sa.Column("clocks_run_out", sa.Integer(), nullable=False),
        sa.Column("lost", Exact(12, 2), nullable=False),
    )
    op.create_index("ix_outcomes_day_shop_id", "outcomes", ["day", "shop_id"])


def downgrade() -> None:
    """Drop both."""
    op.drop_table("outcomes")
    op.drop_table("entries")
