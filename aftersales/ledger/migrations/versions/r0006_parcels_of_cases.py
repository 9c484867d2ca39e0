"""The tracking numbers that cases know, for a search by them."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the table; workers fill it with the numbers of open cases, too, as they take them up."""
    op.create_table(
        "case_parcels",
        sa.Column("tracking_no", sa.String(), primary_key=True),
        sa.Column("case_id", sa.String(), primary_key=True),
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("case_parcels")
