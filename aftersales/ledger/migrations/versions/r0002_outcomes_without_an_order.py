"""An outcome may be that of a case about no order."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Let the order of an outcome be empty."""
    with op.batch_alter_table("outcomes") as outcomes:
        outcomes.alter_column("order", existing_type=sa.String(), nullable=True)


def downgrade() -> None:
    """Require an order again; fails if an outcome has none."""
    with op.batch_alter_table("outcomes") as outcomes:
        outcomes.alter_column("order", existing_type=sa.String(), nullable=False)
