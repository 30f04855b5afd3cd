"""V1: tenants, the heads of their logs, and the event tables."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

EVENT_TABLES = ("bet_events", "payment_events", "balance_events")

REFUSE_CHANGE = """
CREATE FUNCTION refuse_event_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% on % refused: events are never changed', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation',
              HINT = 'Correct a mistake with a new event.';
END
$$
"""

# What commands are decided on beside the log: whoever changes it, by whatever means, makes
# the decisions in flight lose their swap. A head that is only just being opened has to wait.
BUMP_REVISION = """
CREATE FUNCTION bump_tenant_revision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO tenant_heads (tenant_id, revision) VALUES (NEW.id, 1)
        ON CONFLICT (tenant_id) DO UPDATE SET revision = tenant_heads.revision + 1;
    RETURN NULL;
END
$$
"""


def upgrade() -> None:
    op.create_table(
        "tenants",
        sa.Column("id", sa.BigInteger, autoincrement=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("slug", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False, server_default=sa.text("'active'")),
        sa.Column("plan", sa.Text, nullable=False, server_default=sa.text("'basic'")),
        sa.Column("wallet", sa.Text, nullable=False, server_default=sa.text("'external'")),
        sa.Column(
            "created_at",
            sa.TIMESTAMP(timezone=True),
            nullable=False,
            server_default=sa.func.now(),
        ),
        sa.PrimaryKeyConstraint("id", name="pk_tenants"),
        sa.UniqueConstraint("slug", name="ux_tenants_slug"),
        sa.CheckConstraint("id > 0", name=op.f("ck_tenants_id_positive")),
        sa.CheckConstraint(
            "status IN ('active', 'suspended')", name=op.f("ck_tenants_status_known")
        ),
        sa.CheckConstraint(
            "wallet IN ('external', 'internal')", name=op.f("ck_tenants_wallet_known")
        ),
    )
    op.create_table(
        "tenant_heads",
        sa.Column("tenant_id", sa.BigInteger, autoincrement=False),
        sa.Column("position", sa.BigInteger, nullable=False, server_default=sa.text("0")),
        sa.Column("hash", sa.LargeBinary, nullable=False, server_default=sa.text(r"'\x'::bytea")),
        sa.Column("last_timestamp", sa.BigInteger, nullable=False, server_default=sa.text("0")),
        sa.Column("revision", sa.BigInteger, nullable=False, server_default=sa.text("0")),
        sa.PrimaryKeyConstraint("tenant_id", name="pk_tenant_heads"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="fk_tenant_heads_tenants"),
        # Updated by every batch: room on the page keeps the update off the index.
        postgresql_with={"fillfactor": 10},
    )
    op.execute(BUMP_REVISION)
    op.execute(
        "CREATE TRIGGER bump_tenant_revision AFTER UPDATE OF status, wallet ON tenants"
        " FOR EACH ROW EXECUTE FUNCTION bump_tenant_revision()"
    )
    op.execute(REFUSE_CHANGE)
    for table in EVENT_TABLES:
        _create_event_table(table)
    op.execute(
        "INSERT INTO tenants (id, name, slug, status, plan)"
        " VALUES (10001, 'Default Tenant', 'default', 'active', 'basic')"
    )


def _create_event_table(name: str) -> None:
    op.create_table(
        name,
        sa.Column("tenant_id", sa.BigInteger, autoincrement=False),
        sa.Column("position", sa.BigInteger, autoincrement=False),
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("aggregate_id", sa.Text, nullable=False),
        sa.Column("event_type", sa.Text, nullable=False),
        sa.Column("event_name", sa.Text, nullable=False),
        sa.Column("event_data", postgresql.JSONB, nullable=False),
        sa.Column("timestamp", sa.BigInteger, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("idempotency_key", sa.Text, nullable=False),
        sa.Column("metadata", postgresql.JSONB, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column(
            "created_at",
            sa.TIMESTAMP(timezone=True),
            nullable=False,
            server_default=sa.func.now(),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "position", name=f"pk_{name}"),
        sa.UniqueConstraint("tenant_id", "aggregate_id", "version", name=f"ux_{name}_version"),
    )
    op.create_index(f"ix_{name}_timestamp", name, ["tenant_id", "timestamp"])
    op.execute(
        f"CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON {name}"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_event_change()"
    )


def downgrade() -> None:
    for table in EVENT_TABLES:
        op.drop_table(table)
    op.execute("DROP FUNCTION refuse_event_change()")
    op.drop_table("tenant_heads")
    op.drop_table("tenants")
    op.execute("DROP FUNCTION bump_tenant_revision()")
