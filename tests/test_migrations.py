"""The migrations: step by step up and down, and the same schema as the tables in the code."""

from collections.abc import AsyncGenerator, Callable
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import asyncpg
import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Connection as SyncConnection

from app.migrations import alembic_config, migrate, migration_engine
from app.schema import schema_fault
from projections import EVENT_TABLES, metadata
from tests.conftest import INTERNAL_TENANT, StartService

Connection: TypeAlias = "asyncpg.Connection[Any]"
T = TypeVar("T")

TABLES = sorted(metadata.tables)
VIEWS = [name for name in TABLES if name.endswith("_view")]
REVISIONS = ["0001", "0002", "0003"]

# What makes up the schema, as PostgreSQL itself words it; `version` belongs to alembic.
COLUMNS = """
    SELECT relname, attname, format_type(atttypid, atttypmod), attnotnull, attidentity,
           pg_get_expr(adbin, adrelid)
    FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
    LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm')
      AND attnum > 0 AND NOT attisdropped AND relname <> 'alembic_version'
    ORDER BY relname, attname
"""
CONSTRAINTS = """
    SELECT conrelid::regclass::text, conname, contype, pg_get_constraintdef(oid)
    FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace AND contype <> 'n'
      AND conrelid <> 0 AND conrelid::regclass::text <> 'alembic_version'
    ORDER BY 1, 2
"""
INDEXES = """
    SELECT tablename, indexname, indexdef FROM pg_indexes
    WHERE schemaname = 'public' AND tablename <> 'alembic_version' ORDER BY 1, 2
"""
SECURITY = """
    SELECT relname, relrowsecurity, relforcerowsecurity, polname,
           pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid)
    FROM pg_class LEFT JOIN pg_policy ON polrelid = pg_class.oid
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
      AND relname <> 'alembic_version'
    ORDER BY 1, 4
"""
GRANTS = """
    SELECT table_name, grantee, privilege_type FROM information_schema.table_privileges
    WHERE table_schema = 'public' AND grantee LIKE 'stakebook%' ORDER BY 1, 2, 3
"""
LEFTOVERS = """
    SELECT 'relation ' || relname FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relname NOT LIKE 'alembic_version%'
    UNION ALL SELECT 'function ' || proname FROM pg_proc
    WHERE pronamespace = 'public'::regnamespace
    UNION ALL SELECT 'type ' || typname FROM pg_type
    WHERE typnamespace = 'public'::regnamespace AND typname NOT LIKE '%alembic_version'
"""


@pytest.fixture
async def empty(empty_database: str) -> AsyncGenerator[Connection, None]:
    """A connection to the empty database."""
    connected = await asyncpg.connect(empty_database, statement_cache_size=0)
    yield connected
    await connected.close()


async def over(url: str, work: Callable[[SyncConnection], T]) -> T:
    """Do `work` on a synchronous connection of SQLAlchemy."""
    engine = migration_engine(url)
    async with engine.connect() as connection:
        done = await connection.run_sync(work)
        await connection.commit()
    await engine.dispose()
    return done


async def schema(connection: Connection) -> dict[str, list[tuple[Any, ...]]]:
    queries = {
        "columns": COLUMNS,
        "constraints": CONSTRAINTS,
        "indexes": INDEXES,
        "security": SECURITY,
        "grants": GRANTS,
    }
    return {
        name: [tuple(row) for row in await connection.fetch(query)]
        for name, query in queries.items()
    }


async def revision(connection: Connection) -> str | None:
    found: str | None = await connection.fetchval("SELECT version_num FROM alembic_version")
    return found


def test_the_revisions_form_one_line() -> None:
    script = ScriptDirectory.from_config(alembic_config())
    line = [found.revision for found in script.walk_revisions()]
    assert line[::-1][: len(REVISIONS)] == REVISIONS
    assert script.get_heads() == line[:1]
    files = (Path(script.dir) / "versions").glob("*.py")
    assert len(list(files)) == len(line)


async def test_each_step_down_undoes_the_step_up(empty_database: str, empty: Connection) -> None:
    seen: list[dict[str, list[tuple[Any, ...]]]] = [await schema(empty)]
    script = ScriptDirectory.from_config(alembic_config())
    steps = len(list(script.walk_revisions()))
    for _ in range(steps):
        await migrate(empty_database, "+1")
        seen.append(await schema(empty))
    assert await revision(empty) == script.get_current_head()
    assert all(before != after for before, after in pairwise(seen))
    for before in reversed(seen[:-1]):
        await migrate(empty_database, "-1")
        assert await schema(empty) == before
    assert await empty.fetch(LEFTOVERS) == []
    await migrate(empty_database)
    assert await schema(empty) == seen[-1]


async def test_base_takes_everything_down_and_head_brings_it_back(
    empty_database: str, empty: Connection
) -> None:
    await migrate(empty_database)
    before = await schema(empty)
    assert await schema_fault(empty) is None
    await migrate(empty_database, "base")
    assert await empty.fetch(LEFTOVERS) == []
    fault = await schema_fault(empty)
    assert fault is not None
    assert "alembic upgrade head" in fault
    await migrate(empty_database)
    assert await schema(empty) == before


async def test_going_to_head_twice_changes_nothing(database: str, connection: Connection) -> None:
    before = await schema(connection)
    await migrate(database)
    assert await schema(connection) == before


async def test_alembic_finds_no_difference_to_the_tables_of_the_code(database: str) -> None:
    def check(connection: SyncConnection) -> bool:
        config = alembic_config()
        config.attributes["connection"] = connection
        command.check(config)  # raises what it finds
        return True

    assert await over(database, check)


async def test_the_migrations_make_what_the_tables_of_the_code_describe(
    connection: Connection, empty_database: str, empty: Connection
) -> None:
    await over(empty_database, metadata.create_all)
    described, migrated = await schema(empty), await schema(connection)
    assert migrated["columns"] == described["columns"]
    assert migrated["constraints"] == described["constraints"]
    assert migrated["indexes"] == described["indexes"]
    assert {table for table, *_ in migrated["columns"]} == set(TABLES)


async def test_every_unique_key_contains_the_tenant(connection: Connection) -> None:
    unique = [row[2] for row in (await schema(connection))["indexes"] if "UNIQUE" in row[2]]
    assert len(unique) > len(TABLES)
    without = [index for index in unique if "(tenant_id" not in index]
    assert all(" ON public.tenants " in index for index in without)


async def test_the_first_migration_brings_the_default_tenant(
    empty_database: str, empty: Connection
) -> None:
    await migrate(empty_database)
    rows = await empty.fetch("SELECT id, name, slug, status, plan, wallet FROM tenants")
    assert [tuple(row) for row in rows] == [
        (10001, "Default Tenant", "default", "active", "basic", "external")
    ]


@pytest.mark.parametrize("table", [table.name for table in EVENT_TABLES.values()])
@pytest.mark.parametrize("rows", ["some rows", "no rows"])
@pytest.mark.parametrize("change", ["UPDATE", "DELETE", "TRUNCATE"])
async def test_events_are_never_changed(
    connection: Connection, table: str, rows: str, change: str
) -> None:
    if rows == "some rows":
        await connection.execute(
            f"INSERT INTO {table} VALUES (1, 1, gen_random_uuid(), 'a', 't', 'n', '{{}}', 1, 1,"  # noqa: S608
            " 'k', '{}', '\\x00')"
        )
    statement = {
        "UPDATE": f"UPDATE {table} SET version = version",  # noqa: S608
        "DELETE": f"DELETE FROM {table}",  # noqa: S608
        "TRUNCATE": f"TRUNCATE {table} CASCADE",
    }[change]
    before = await connection.fetch(f"SELECT * FROM {table}")  # noqa: S608
    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="never changed"):
        await connection.execute(statement)
    assert await connection.fetch(f"SELECT * FROM {table}") == before  # noqa: S608
    assert len(before) == (rows == "some rows")


@pytest.mark.parametrize(
    "row",
    [
        "0, 'n', 's', 'active', 'internal'",
        "9, 'n', 's', 'gone', 'internal'",
        "9, 'n', 's', 'active', 'leather'",
        "9, 'n', 'default', 'active', 'internal'",
    ],
    ids=["id", "status", "wallet", "slug"],
)
async def test_tenants_that_cannot_be_are_refused(connection: Connection, row: str) -> None:
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await connection.execute(
            f"INSERT INTO tenants (id, name, slug, status, wallet) VALUES ({row})"  # noqa: S608
        )


async def test_a_service_goes_on_after_its_views_were_down_and_up_again(
    database: str, connection: Connection, start_service: StartService
) -> None:
    async with start_service() as client:
        internal = client.of(INTERNAL_TENANT)
        await internal.deposit("user-1", 100)
        placed = (await internal.place_bet(key="k")).json()
    kept = await connection.fetch("SELECT * FROM bet_events")
    await migrate(database, "0002")
    assert await revision(connection) == "0002"
    bets = await connection.fetch("SELECT bet_id, stake::text, status FROM bets_view")
    assert [tuple(row) for row in bets] == [(placed["bet_id"], "10.5000", "placed")]
    assert len(await connection.fetch("SELECT * FROM payments_view")) == 1
    await migrate(database)
    assert await connection.fetch("SELECT * FROM bet_events") == kept
    async with start_service() as client:
        internal = client.of(INTERNAL_TENANT)
        again = await internal.place_bet(key="k")
        assert (again.status_code, again.json()["duplicate"]) == (200, True)
        confirmed = await internal.post(f"/bets/{placed['bet_id']}/confirm")
        assert (confirmed.status_code, confirmed.json()["status"]) == (200, "confirmed")


async def test_events_outlive_the_views(
    database: str, connection: Connection, start_service: StartService
) -> None:
    async with start_service() as client:
        assert (await client.place_bet()).status_code == 201
    kept = await connection.fetch("SELECT * FROM bet_events")
    assert len(kept) == 1
    await migrate(database, "0001")
    assert await connection.fetch("SELECT * FROM bet_events") == kept
    for view in VIEWS:
        assert await connection.fetchval("SELECT to_regclass($1)", view) is None
    await migrate(database, "base")
    assert await connection.fetch(LEFTOVERS) == []
