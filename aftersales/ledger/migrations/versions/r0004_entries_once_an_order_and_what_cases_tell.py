"""Entries that count once an order, and income; what cases tell each other; the use of tracking numbers."""

import sqlalchemy as sa
from alembic import op

from aftersales.ledger.tables import Utc

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the columns and the tables; no entry of an earlier release is either."""
    for name in ("once_an_order", "income"):
        op.add_column("entries", sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("entries", sa.Column("undone_by", sa.String()))
    op.create_index("ix_cases_shop_id_order", "cases", ["shop_id", "order"])
    op.create_table(
        "undone",
        sa.Column("case_id", sa.String(), primary_key=True),
        sa.Column("key", sa.String(), primary_key=True),
        sa.Column("clause", sa.String(), primary_key=True),
        sa.Column("shop_id", sa.String(), nullable=False),
        sa.Column("order", sa.String()),
        sa.Column("at", Utc(), nullable=False),
        sa.Column("process", sa.String()),
        sa.Column("begins_at", Utc()),
        sa.Column("ends_at", Utc()),
    )
    op.create_index("ix_undone_shop_id_clause_order", "undone", ["shop_id", "clause", "order"])
    op.create_table(
        "told",
        sa.Column("key", sa.String(), primary_key=True),
        sa.Column("process", sa.String(), nullable=False),
        sa.Column("shop_id", sa.String(), nullable=False),
        sa.Column("order", sa.String()),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("form", sa.JSON(none_as_null=True)),
        sa.Column("occurred_at", Utc(), nullable=False),
        sa.Column("told_by", sa.String(), nullable=False),
    )
    op.create_index("ix_told_shop_id_process_order", "told", ["shop_id", "process", "order"])
    op.create_table(
        "number_uses",
        sa.Column("shop_id", sa.String(), primary_key=True),
        sa.Column("tracking_no", sa.String(), primary_key=True),
        sa.Column("order", sa.String(), primary_key=True),
        sa.Column("carrier", sa.String(), nullable=False),
        sa.Column("consignee", sa.String()),
        sa.Column("at", Utc(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
    )


def downgrade() -> None:
    """Drop them; entries that another case took back stay reversed."""
    for table in ("number_uses", "told", "undone"):
        op.drop_table(table)
    op.drop_index("ix_cases_shop_id_order", "cases")
    with op.batch_alter_table("entries") as entries:
        for name in ("undone_by", "income", "once_an_order"):
            entries.drop_column(name)
