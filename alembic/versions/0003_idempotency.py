"""V3: idempotency keys, in the views and in a table of their own."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

VIEWS = ("bets_view", "payments_view")

# Rows that are there already get the key of their first event, by which they were made.
KEYS_OF_EVENTS = """
UPDATE {resource}s_view AS made SET idempotency_key = first.idempotency_key
FROM {resource}_events AS first
WHERE first.tenant_id = made.tenant_id
  AND first.aggregate_id = made.{resource}_id AND first.version = 1
"""


def upgrade() -> None:
    for view in VIEWS:
        op.add_column(view, sa.Column("idempotency_key", sa.Text))
        op.execute(KEYS_OF_EVENTS.format(resource=view.removesuffix("s_view")))
        op.create_index(
            f"ux_{view}_idempotency",
            view,
            ["tenant_id", "idempotency_key"],
            unique=True,
            postgresql_where=sa.text("idempotency_key IS NOT NULL"),
        )
    op.create_table(
        "idempotency_keys",
        sa.Column("tenant_id", sa.BigInteger, autoincrement=False),
        sa.Column("idempotency_key", sa.Text),
        sa.Column("operation", sa.Text, nullable=False),
        sa.Column("fingerprint", postgresql.JSONB, nullable=False),
        sa.Column("resource_id", sa.Text, nullable=False),
        sa.Column("command_id", sa.Uuid, nullable=False),
        sa.Column("status", sa.SmallInteger, nullable=False),
        sa.Column("problem", postgresql.JSONB),
        sa.Column(
            "created_at",
            sa.TIMESTAMP(timezone=True),
            nullable=False,
            server_default=sa.func.now(),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "idempotency_key", name="pk_idempotency_keys"),
    )
    op.create_index(
        "ix_idempotency_keys_created_at",
        "idempotency_keys",
        ["created_at"],
        postgresql_using="brin",
    )


def downgrade() -> None:
    op.drop_table("idempotency_keys")
    for view in VIEWS:
        op.drop_index(f"ux_{view}_idempotency", view)
        op.drop_column(view, "idempotency_key")
