"""The predicates alone keep work on one tenant from another's rows: without row-level security.

What is sent for callers is compared in `tests/app/api/test_strangers.py`; this is the work of
operators. The neighbour is a twin, whose every row has the same keys and the same positions.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from app import pruning, tenants
from app.database import batch_connection, connect, open_pool
from app.explanation import VIEWS, explain
from app.settings import Settings
from app.tenants import UnknownTenant
from app.verification import verify
from domain.errors import WalletInUse
from domain.tenant import ChangeTenant
from projections import metadata
from tests.app.isolation.errands import spoil
from tests.app.ledger import Connection, assert_sound
from tests.app.operators import operate
from tests.app.rebuilding import ignore, rebuilt
from tests.app.submissions import pay
from tests.app.transfers import bring_in, held, read, write
from tests.app.units import applied, connected
from tests.conftest import INTERNAL_TENANT, StartService

TWIN: Final = 20002
NOBODY: Final = 20003
SECURED: Final = "SELECT relname FROM pg_class WHERE relrowsecurity"


async def expose(connection: Connection) -> None:
    """Switch row-level security off."""
    secured = {row["relname"] for row in await connection.fetch(SECURED)}
    assert secured == metadata.tables.keys()
    for name in secured:
        await connection.execute(f"ALTER TABLE {name} DISABLE ROW LEVEL SECURITY")


async def double(connection: Connection) -> None:
    """Give the tenant a twin."""
    async with connection.transaction():
        await connection.execute("SET LOCAL session_replication_role = replica")
        for name in metadata.tables:
            column, slug = ("id", ", 'slug', 'twin'") if name == "tenants" else ("tenant_id", "")
            await connection.execute(
                f"INSERT INTO {name} SELECT (jsonb_populate_record(one,"  # noqa: S608 -- own tables
                f" jsonb_build_object('{column}', $2::bigint{slug}))).*"
                f" FROM {name} AS one WHERE {column} = $1",
                INTERNAL_TENANT,
                TWIN,
            )


@pytest.fixture
async def lived(database: str, connection: Connection) -> str:
    """A database of tenants with long logs, without row-level security."""
    await expose(connection)
    async with connected(database) as process:
        rich = [pay(INTERNAL_TENANT, f"user-{number}", "1000") for number in range(4)]
        applied(await process.run(*rich))
    await operate(database, 300)
    return database


async def told(url: str) -> dict[str, Any]:
    """Whatever there is to be told of the tenant."""
    async with batch_connection(url, "test") as batch:
        explained = {
            (view, key): await explain(batch, INTERNAL_TENANT, view, key, 5)
            for view in VIEWS
            for key in await keys(batch, view)
        }
        return {
            "explained": explained,
            "registered": await tenants.read(batch, INTERNAL_TENANT),
            "events": await tenants.events_of(batch, [INTERNAL_TENANT]),
            "verified": await verify(batch, INTERNAL_TENANT, ignore),
        }


async def keys(connection: Connection, view: str) -> list[str]:
    """The keys of some of the tenant's rows in a view."""
    column = VIEWS[view].key_column
    if column is None:
        return [""]
    query = f"SELECT {column} FROM {view} WHERE tenant_id = $1 ORDER BY 1 LIMIT 5"  # noqa: S608 -- own tables
    return [row[0] for row in await connection.fetch(query, INTERNAL_TENANT)]


async def test_what_is_told_of_a_tenant_is_the_same_beside_a_twin(
    lived: str, connection: Connection
) -> None:
    alone = await told(lived)
    assert alone["verified"].fault is None
    await double(connection)
    assert await told(lived) == alone
    await spoil(connection, TWIN)
    async with connection.transaction():
        await connection.execute("SET LOCAL session_replication_role = replica")
        await connection.execute(
            "UPDATE bet_events SET event_name = 'wrong' WHERE tenant_id = $1", TWIN
        )
    assert await told(lived) == alone


async def test_an_export_is_the_same_beside_a_twin(
    lived: str, connection: Connection, tmp_path: Path
) -> None:
    alone, beside = tmp_path / "alone.avro", tmp_path / "beside.avro"
    heading = await write(lived, INTERNAL_TENANT, alone)
    await double(connection)
    assert await write(lived, INTERNAL_TENANT, beside) == heading
    assert read(beside) == read(alone)


async def test_a_rebuild_sets_no_row_of_a_twin(lived: str, connection: Connection) -> None:
    alone = await held(connection, INTERNAL_TENANT)
    await spoil(connection, INTERNAL_TENANT)
    await double(connection)
    twin = await held(connection, TWIN)
    done = await rebuilt(lived, INTERNAL_TENANT)
    assert len(done.rows) == len(VIEWS) + 1  # and snapshots
    after = await held(connection, INTERNAL_TENANT)
    assert after.pop("tenant_heads") != alone.pop("tenant_heads")  # outdated
    assert after == alone
    assert await held(connection, TWIN) == twin


async def test_an_import_takes_and_puts_no_row_of_a_twin(
    lived: str, other_database: str, tmp_path: Path
) -> None:
    first, second = tmp_path / "first.avro", tmp_path / "second.avro"
    heading = await write(lived, INTERNAL_TENANT, first)
    await operate(lived, 100, 2, tenants=[INTERNAL_TENANT])
    await write(lived, INTERNAL_TENANT, second, heading.to)
    there = await connect(other_database)
    try:
        await expose(there)
        await bring_in(other_database, first)
        await double(there)
        twin = await held(there, TWIN)
        await bring_in(other_database, second, at_once=20, most_rows=4)
        assert len(await assert_sound(there, INTERNAL_TENANT)) > heading.to
        assert await held(there, TWIN) == twin
    finally:
        await there.close()


async def test_forgetting_a_tenants_keys_leaves_those_of_a_twin(
    lived: str, connection: Connection
) -> None:
    await double(connection)
    count = "SELECT count(*) FROM idempotency_keys WHERE tenant_id = $1"
    number = await connection.fetchval(count, TWIN)
    async with await open_pool(lived, Settings()) as pool, pool.acquire() as acquired:
        now = datetime.now(UTC) + timedelta(hours=1)
        assert await pruning.prune_tenant(acquired, INTERNAL_TENANT, now) == number
    assert await connection.fetchval(count, INTERNAL_TENANT) == 0
    assert await connection.fetchval(count, TWIN) == number


async def test_a_change_of_a_tenant_is_none_of_a_twin(lived: str, connection: Connection) -> None:
    await double(connection)
    twin = await held(connection, TWIN)
    async with batch_connection(lived, "test") as batch:
        for _ in range(2):  # the second time there is nothing to change
            changed = await tenants.change(batch, INTERNAL_TENANT, ChangeTenant(name="Changed"))
            assert (changed.id, changed.name) == (INTERNAL_TENANT, "Changed")
        with pytest.raises(WalletInUse):
            await tenants.change(batch, INTERNAL_TENANT, ChangeTenant(wallet="external"))
    assert await held(connection, TWIN) == twin


async def test_commands_are_carried_out_on_no_row_of_a_twin(
    lived: str, connection: Connection
) -> None:
    await double(connection)
    twin = await held(connection, TWIN)
    await operate(lived, 300, 2, tenants=[INTERNAL_TENANT])
    await assert_sound(connection, INTERNAL_TENANT)
    assert await held(connection, TWIN) == twin


async def test_a_tenant_that_is_none_is_nobody_beside_others(
    lived: str, start_service: StartService
) -> None:
    async with batch_connection(lived, "test") as batch:
        with pytest.raises(UnknownTenant):
            await tenants.read(batch, NOBODY)
        with pytest.raises(UnknownTenant):
            await tenants.change(batch, NOBODY, ChangeTenant(name="Changed"))
    async with start_service() as client:
        answer = await client.of(NOBODY).get("/events")
        assert answer.json()["type"] == "/problems/tenant-not-found"
