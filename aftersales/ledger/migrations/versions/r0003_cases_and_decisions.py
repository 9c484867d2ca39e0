"""Cases and decisions; entries that were taken back; amounts that are unknown."""

import sqlalchemy as sa
from alembic import op

from aftersales.ledger.tables import Exact, Utc

revision = "0003"
down_revision = "0002"

_STATUS = "ck_entries_status"


def upgrade() -> None:
    """Add the tables, and take the cases that earlier releases kept from their outcomes and entries."""
    op.create_table(
        "cases",
        sa.Column("case_id", sa.String(), primary_key=True),
        sa.Column("process", sa.String(), nullable=False),
        sa.Column("shop_id", sa.String(), nullable=False),
        sa.Column("order", sa.String()),
        sa.Column("opened_at", Utc(), nullable=False),
        sa.Column("as_of", Utc()),
        sa.Column("ending", sa.String()),
        sa.Column("ended_at", Utc()),
    )
    op.create_table(
        "decisions",
        sa.Column("case_id", sa.String(), primary_key=True),
        sa.Column("key", sa.String(), primary_key=True),
        sa.Column("process", sa.String(), nullable=False),
        sa.Column("shop_id", sa.String(), nullable=False),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("order", sa.String()),
        sa.Column("at", Utc(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("party", sa.String(), nullable=False),
        sa.Column("actor", sa.String()),
        sa.Column("way", sa.String()),
    )
    op.create_index("ix_decisions_day_shop_id", "decisions", ["day", "shop_id"])
    with op.batch_alter_table("entries") as entries:
        entries.add_column(sa.Column("counted", sa.Boolean(), nullable=False, server_default=sa.false()))
        entries.drop_constraint(_STATUS, type_="check")
        entries.create_check_constraint(_STATUS, "status IN ('expected', 'billed', 'reversed')")
    with op.batch_alter_table("outcomes") as outcomes:
        outcomes.alter_column("lost", existing_type=Exact(12, 2), nullable=True)
        outcomes.add_column(sa.Column("unknown_losses", sa.Integer(), nullable=False, server_default="0"))
    op.execute(
        'INSERT INTO cases (case_id, process, shop_id, "order", opened_at, as_of)'
        ' SELECT case_id, process, shop_id, "order", opened_at, closed_at FROM outcomes'
    )
    op.execute(
        "INSERT INTO cases (case_id, process, shop_id, opened_at, as_of)"
        " SELECT case_id, min(process), min(shop_id), min(at), max(at) FROM entries"
        " WHERE status = 'expected' AND case_id NOT IN (SELECT case_id FROM outcomes) GROUP BY case_id"
    )


def downgrade() -> None:
    """Drop the tables and what was taken back; fails if an amount is unknown."""
    op.execute("DELETE FROM entries WHERE status = 'reversed'")
    with op.batch_alter_table("outcomes") as outcomes:
        outcomes.drop_column("unknown_losses")
        outcomes.alter_column("lost", existing_type=Exact(12, 2), nullable=False)
    with op.batch_alter_table("entries") as entries:
        entries.drop_constraint(_STATUS, type_="check")
        entries.create_check_constraint(_STATUS, "status IN ('expected', 'billed')")
        entries.drop_column("counted")
    op.drop_table("decisions")
    op.drop_table("cases")
