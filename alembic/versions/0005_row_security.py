"""V5: row-level security, and the roles that work under it.

Roles belong to the whole server: they are made if they are not there yet, and a downgrade takes
their rights in this database and leaves them.
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

SERVICE = "stakebook_service"
OPERATOR = "stakebook_operator"

EVENTS = ("bet_events", "payment_events", "balance_events")
VIEWS = (
    "bets_view",
    "payments_view",
    "user_balances_view",
    "tenants_summary_view",
    "user_activity_view",
)
OF_TENANTS = ("tenant_heads", *EVENTS, *VIEWS, "idempotency_keys", "snapshots")

# The tenants that the transaction has named, as the text of an array. A scalar subquery, so that
# it is read once for a statement and not for each row; unset, it is null, which no row equals.
NAMED = "(SELECT nullif(current_setting('stakebook.tenants', true), ''))::bigint[]"
# Worded so that the planner takes it neither for a way to find rows nor for what leaves few of
# them. Each statement has a predicate of its own for that, and the plans stay those it had before.
OF_NAMED = "array_position(" + NAMED + ", {column}) IS NOT NULL"
# The list of the tenants themselves can be asked for as a whole, and has to be.
EVERY = "(SELECT current_setting('stakebook.every_tenant', true)) = 'yes'"

SERVICE_RIGHTS = {
    "SELECT": ("alembic_version",),
    "SELECT, INSERT": (*EVENTS, "snapshots"),
    "SELECT, INSERT, UPDATE": ("tenants", "tenant_heads", *VIEWS),
    # Who forgets old keys locks them first, for which PostgreSQL wants a right to change them.
    "SELECT, INSERT, DELETE, UPDATE (created_at)": ("idempotency_keys",),
}
OPERATOR_RIGHTS = {
    "SELECT": ("alembic_version", "idempotency_keys"),
    "SELECT, INSERT": EVENTS,
    "SELECT, INSERT, UPDATE": ("tenants", "tenant_heads"),
    "SELECT, INSERT, UPDATE, DELETE": (*VIEWS, "snapshots"),
}
RIGHTS = {SERVICE: SERVICE_RIGHTS, OPERATOR: OPERATOR_RIGHTS}

# Another database of the server may be migrated at the same time.
CREATE_ROLE = """
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN
        CREATE ROLE {role} NOLOGIN;
    END IF;
EXCEPTION
    WHEN duplicate_object OR unique_violation THEN
        NULL;
    WHEN insufficient_privilege THEN
        RAISE insufficient_privilege USING
            MESSAGE = 'the role {role} is missing and this login may not create it',
            HINT = 'Have somebody who may run: CREATE ROLE {role} NOLOGIN';
END $$
"""
# Who migrates is mostly who serves; any other login is given the role by hand.
GRANT_ROLE = """
DO $$ BEGIN
    IF NOT pg_has_role(current_user, '{role}', 'MEMBER') THEN
        GRANT {role} TO CURRENT_USER;
    END IF;
EXCEPTION
    WHEN insufficient_privilege THEN
        RAISE NOTICE '% is not given %: who serves has to be', current_user, '{role}';
END $$
"""


def upgrade() -> None:
    for role, rights in RIGHTS.items():
        op.execute(CREATE_ROLE.format(role=role))
        op.execute(GRANT_ROLE.format(role=role))
        op.execute(f"GRANT USAGE ON SCHEMA public TO {role}")
        for privileges, tables in rights.items():
            op.execute(f"GRANT {privileges} ON {', '.join(tables)} TO {role}")
    op.execute(
        f"DO $$ BEGIN EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO {OPERATOR}',"
        " current_database()); END $$"
    )
    for table in OF_TENANTS:
        _secure(table, OF_NAMED.format(column="tenant_id"))
    _secure("tenants", f"{OF_NAMED.format(column='id')} OR {EVERY}")


def _secure(table: str, condition: str) -> None:
    op.execute(f"CREATE POLICY of_named_tenants ON {table} USING ({condition})")
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")


def downgrade() -> None:
    for table in ("tenants", *OF_TENANTS):
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY")
        op.execute(f"DROP POLICY of_named_tenants ON {table}")
    op.execute(
        f"DO $$ BEGIN EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM {OPERATOR}',"
        " current_database()); END $$"
    )
    for role, rights in RIGHTS.items():
        for tables in rights.values():
            op.execute(f"REVOKE ALL ON {', '.join(tables)} FROM {role}")
        op.execute(f"REVOKE USAGE ON SCHEMA public FROM {role}")
