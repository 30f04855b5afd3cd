"""Row-level security: what a transaction sees that names tenants, and what one that names none."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.parse import quote, urlsplit, urlunsplit
from uuid import uuid4

import asyncpg
import pytest

from app.database import batch_connection, open_pool
from app.migrations import migrate
from app.row_security import naming, show_every_tenant, turn_to
from app.settings import Settings
from projections import metadata
from projections.row_security import OPERATOR_ROLE, SERVICE_ROLE
from tests.app.ledger import Connection
from tests.app.operators import operate
from tests.app.processes import run
from tests.conftest import DEFAULT_TENANT, EXTERNAL_TENANT, INTERNAL_TENANT, StartService

OF_TENANTS: Final = sorted(
    name for name, table in metadata.tables.items() if "tenant_id" in table.c
)
EVENTS: Final = ("bet_events", "payment_events", "balance_events")
KEYS: Final = "idempotency_keys"
OWN: Final = DEFAULT_TENANT
OTHER: Final = EXTERNAL_TENANT
ROLES: Final = (SERVICE_ROLE, OPERATOR_ROLE)

each_role = pytest.mark.parametrize("role", ROLES)


@asynccontextmanager
async def working_as(url: str, role: str) -> AsyncGenerator["asyncpg.Connection[Any]"]:
    """A connection of the service, or one of its operator's commands."""
    if role == OPERATOR_ROLE:
        async with batch_connection(url, "test") as connection:
            yield connection
    else:
        async with await open_pool(url, Settings()) as pool, pool.acquire() as connection:
            yield connection  # type: ignore[misc]  # a proxy that behaves as one


async def tenants_in(connection: Connection, table: str) -> set[int]:
    """Whose rows of the table the connection sees."""
    rows = await connection.fetch(f"SELECT DISTINCT tenant_id FROM {table}")  # noqa: S608
    return {row["tenant_id"] for row in rows}


@pytest.fixture
async def ledger(database: str, connection: Connection) -> str:
    """The URL of a database in which every table has rows of two tenants."""
    await operate(database, 600, tenants=[OWN, OTHER])
    await connection.execute(
        "INSERT INTO snapshots SELECT tenant_id, 'p', 'k', 1, '{}' FROM tenant_heads"
    )
    for table in OF_TENANTS:
        assert await tenants_in(connection, table) == {OWN, OTHER}
    return database


@each_role
async def test_a_transaction_that_names_no_tenant_sees_nothing(ledger: str, role: str) -> None:
    async with working_as(ledger, role) as connection:
        assert await connection.fetchval("SELECT current_user") == role
        for table in OF_TENANTS:
            assert await tenants_in(connection, table) == set()
        assert await connection.fetch("SELECT FROM tenants") == []


@each_role
async def test_a_transaction_sees_the_tenant_that_it_names_and_no_other(
    ledger: str, role: str, subtests: pytest.Subtests
) -> None:
    async with working_as(ledger, role) as working:
        for table in OF_TENANTS:
            with subtests.test(table):
                async with naming(working, OWN):
                    assert await tenants_in(working, table) == {OWN}
                assert await tenants_in(working, table) == set()  # the name ends with it
        async with naming(working, OWN):
            assert await working.fetchval("SELECT array_agg(id) FROM tenants") == [OWN]


@each_role
async def test_what_is_not_named_cannot_be_written(
    ledger: str, connection: Connection, role: str, subtests: pytest.Subtests
) -> None:
    async with working_as(ledger, role) as working:
        for table in OF_TENANTS:
            with subtests.test(table):
                before = await connection.fetch(f"SELECT * FROM {table}")  # noqa: S608
                columns = ", ".join(name for name in dict(before[0]) if name != "tenant_id")
                row = f"SELECT {OTHER}, {columns} FROM {table} LIMIT 1"  # noqa: S608
                async with naming(working, OWN):
                    copied = f"INSERT INTO {table} (tenant_id, {columns}) {row}"
                    with pytest.raises(asyncpg.InsufficientPrivilegeError):
                        async with working.transaction():
                            await working.execute(copied)
                if await _may(working, table, "UPDATE"):
                    async with naming(working, OWN):
                        others = f"UPDATE {table} SET tenant_id = tenant_id WHERE tenant_id <> $1"  # noqa: S608
                        assert await working.execute(others, OWN) == "UPDATE 0"
                assert await connection.fetch(f"SELECT * FROM {table}") == before  # noqa: S608


@each_role
async def test_the_list_of_tenants_has_to_be_asked_for(ledger: str, role: str) -> None:
    async with working_as(ledger, role) as connection:
        async with connection.transaction():
            await show_every_tenant(connection)
            known = await connection.fetchval("SELECT array_agg(id ORDER BY id) FROM tenants")
            assert known == [DEFAULT_TENANT, EXTERNAL_TENANT, INTERNAL_TENANT]
            assert await tenants_in(connection, "bet_events") == set()  # nothing of theirs
        assert await connection.fetch("SELECT FROM tenants") == []


async def test_an_operators_connection_turns_from_one_tenant_to_the_next(ledger: str) -> None:
    async with batch_connection(ledger, "test") as connection:
        for tenant_id in (OWN, OTHER):
            await turn_to(connection, tenant_id)
            assert await tenants_in(connection, "bet_events") == {tenant_id}


RIGHTS: Final = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "TRIGGER", "REFERENCES")
READ: Final = {"SELECT"}
ADD: Final = READ | {"INSERT"}
CHANGE: Final = ADD | {"UPDATE"}
VIEWS: Final = {name for name in metadata.tables if name.endswith("_view")}
MAY: Final[dict[str, dict[str, set[str]]]] = {
    SERVICE_ROLE: {
        "alembic_version": READ,
        "tenants": CHANGE,
        "tenant_heads": CHANGE,
        **dict.fromkeys(EVENTS, ADD),
        **dict.fromkeys(VIEWS, CHANGE),
        KEYS: ADD | {"DELETE"},
        "snapshots": ADD,
    },
    OPERATOR_ROLE: {
        "alembic_version": READ,
        "tenants": CHANGE,
        "tenant_heads": CHANGE,
        **dict.fromkeys(EVENTS, ADD),
        **dict.fromkeys(VIEWS, CHANGE | {"DELETE"}),
        KEYS: READ,
        "snapshots": CHANGE | {"DELETE"},
    },
}


@each_role
async def test_a_role_may_do_what_it_needs_and_no_more(connection: Connection, role: str) -> None:
    tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    found = {
        table: {right for right in RIGHTS if await _may(connection, table, right, role)}
        for (table,) in tables
    }
    assert found == MAY[role]


@each_role
async def test_a_role_owns_nothing_and_cannot_pass_by_the_policies(
    connection: Connection, role: str
) -> None:
    row = await connection.fetchrow(
        "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolcanlogin,"
        " (SELECT count(*) FROM pg_class WHERE relowner = pg_roles.oid) AS owned"
        " FROM pg_roles WHERE rolname = $1",
        role,
    )
    assert row is not None
    assert tuple(row) == (False, False, False, False, False, 0)


async def test_every_table_of_tenants_has_its_policy_by_force(connection: Connection) -> None:
    secured = await connection.fetch(
        "SELECT relname FROM pg_class JOIN pg_policy ON polrelid = pg_class.oid"
        " WHERE relrowsecurity AND relforcerowsecurity AND polcmd = '*' ORDER BY 1"
    )
    assert [name for (name,) in secured] == sorted([*OF_TENANTS, "tenants"])


@asynccontextmanager
async def login(server: Connection, *roles: str) -> AsyncGenerator[str]:
    """A login of its own that may create databases and no roles, a member of these."""
    name = f"login_{uuid4().hex}"
    await server.execute(f"CREATE ROLE {name} LOGIN NOSUPERUSER CREATEDB NOCREATEROLE")
    for role in roles:
        await server.execute(f"GRANT {role} TO {name}")
    yield name
    await server.execute(f"DROP OWNED BY {name}")
    await server.execute(f"DROP ROLE {name}")


def url_of(url: str, name: str, database: str) -> str:
    """The URL of a database for another login."""
    parts = urlsplit(url)
    rest = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{quote(name)}@{rest}", path=f"/{database}"))


async def test_an_owner_without_other_rights_migrates_and_serves_with_roles_made_beforehand(
    server_url: str, connection: Connection, start_service: StartService
) -> None:
    async with login(connection, *ROLES) as owner:
        name = f"owned_{uuid4().hex}"
        await connection.execute(f"CREATE DATABASE {name} OWNER {owner}")
        url = url_of(server_url, owner, name)
        await migrate(url)
        async with start_service(url) as client:
            placed = await client.place_bet()
            assert placed.status_code == 201
            assert (await client.get(f"/bets/{placed.json()['bet_id']}")).status_code == 200
        owned = await asyncpg.connect(url)
        assert await owned.fetch("SELECT FROM bet_events") == []  # the policies bind owners too
        await owned.close()
        verified = await run("verify", DATABASE_URL=url)
        assert (verified.returncode, verified.stderr) == (0, "")
        assert "tenant 10001: 1 events" in verified.stdout
        await migrate(url, "base")
        await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


async def test_a_login_that_may_not_become_the_role_is_told_what_to_grant(
    database: str, connection: Connection
) -> None:
    async with login(connection) as stranger:
        await connection.execute(f"GRANT SELECT ON alembic_version TO {stranger}")
        url = url_of(database, stranger, urlsplit(database).path.removeprefix("/"))
        checked = await run("check", DATABASE_URL=url)
    assert checked.returncode == 1
    assert f"GRANT {SERVICE_ROLE} TO {stranger}" in checked.stderr


async def _may(connection: Connection, table: str, right: str, role: str | None = None) -> bool:
    if role is None:
        role = await connection.fetchval("SELECT current_user")
    return bool(
        await connection.fetchval("SELECT has_table_privilege($1, $2, $3)", role, table, right)
    )
