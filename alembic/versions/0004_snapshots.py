"""V4: snapshots, from which rows of the past are folded.

A log that was written before has none at first: its rows are folded from the beginning.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "snapshots",
        sa.Column("tenant_id", sa.BigInteger, autoincrement=False),
        sa.Column("projection", sa.Text),
        sa.Column("key", sa.Text),
        sa.Column("position", sa.BigInteger, autoincrement=False),
        sa.Column("document", postgresql.JSONB, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "projection", "key", "position", name="pk_snapshots"),
    )


def downgrade() -> None:
    op.drop_table("snapshots")
