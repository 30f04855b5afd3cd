"""What operators do beside the service, so that every statement of that is sent."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final

from app import pruning, schema, tenants
from app.database import batch_connection, connect, open_pool
from app.explanation import VIEWS, explain
from app.settings import Settings
from app.shadow import Shadow
from app.verification import verify
from domain.tenant import ChangeTenant, CreateTenant
from tests.app.ledger import Connection
from tests.app.operators import operate
from tests.app.rebuilding import ignore, rebuilt
from tests.app.submissions import place
from tests.app.transfers import bring_in, write
from tests.app.units import connected
from tests.conftest import EXTERNAL_TENANT, INTERNAL_TENANT

NEW_TENANT: Final = 20001

# Rows of every view that are wrong, missing and made up, and a snapshot lost and one invented.
SPOIL: Final = (
    "UPDATE bets_view SET stake = stake + 1 WHERE tenant_id = $1",
    "UPDATE payments_view SET amount = amount + 1 WHERE tenant_id = $1",
    "UPDATE user_balances_view SET balance = balance + 1 WHERE tenant_id = $1",
    "UPDATE user_activity_view SET staked = staked + 1 WHERE tenant_id = $1",
    "UPDATE tenants_summary_view SET turnover = turnover + 1 WHERE tenant_id = $1",
    "DELETE FROM snapshots WHERE tenant_id = $1",
    "INSERT INTO snapshots VALUES ($1, 'user_balances_view', 'nobody', 1, '{}')",
)
# Totals of a tenant without a single event, which are another's.
NO_TOTALS: Final = (
    "INSERT INTO tenants_summary_view"
    " SELECT (jsonb_populate_record(view, jsonb_build_object('tenant_id', $2::bigint))).*"
    " FROM tenants_summary_view AS view WHERE tenant_id = $1"
)


async def look_after(url: str, connection: Connection) -> None:
    """Check, explain and rebuild a tenant with a long log and one with money; prune keys."""
    await schema.check(url)
    await operate(url, 200, tenants=[INTERNAL_TENANT])
    async with batch_connection(url, "test") as batch:
        new = CreateTenant(id=NEW_TENANT, name="New", slug="new", wallet="internal")
        await tenants.create(batch, new)
        await tenants.read(batch, NEW_TENANT)
        await tenants.change(batch, NEW_TENANT, ChangeTenant(name="Newer"))
        await tenants.page(batch, 0, 10)
        for tenant in await tenants.events_of(batch, ()):
            assert (await verify(batch, tenant, ignore)).fault is None
            for view in VIEWS:
                await explain(batch, tenant, view, "user-1", 1)
        await _fold_with_little_memory(batch)
    for tenant in (EXTERNAL_TENANT, INTERNAL_TENANT):
        await spoil(connection, tenant)
        rebuilding = asyncio.create_task(rebuilt(url, tenant))
        async with connected(url) as process:
            while not rebuilding.done():
                await process.run(place(tenant))
        assert (await rebuilding).rows
    await connection.execute(NO_TOTALS, EXTERNAL_TENANT, NEW_TENANT)
    assert (await rebuilt(url, NEW_TENANT)).rows
    async with await open_pool(url, Settings()) as pool:
        assert await pruning.prune(pool, timedelta(0))


async def move(url: str, other: str, folder: Path) -> None:
    """Take a tenant to another database, and then what has come since."""
    await _forget(other)
    after = 0
    for number, seed in enumerate((1, 2)):
        heading = await write(url, INTERNAL_TENANT, folder / str(number), after)
        await bring_in(other, folder / str(number), at_once=20, most_rows=4)
        after = heading.to
        await operate(url, 200, seed, tenants=[INTERNAL_TENANT])


async def _fold_with_little_memory(connection: Connection) -> None:
    """Fold a log while most of its rows are in the temporary tables."""
    made = Shadow(connection, INTERNAL_TENANT, held_rows=2, at_once=5)
    await made.open()
    assert await made.catch_up() > 0


async def spoil(connection: Connection, tenant: int) -> None:
    """Have rows of every view be wrong, and snapshots."""
    for statement in SPOIL:
        await connection.execute(statement, tenant)
    for view in VIEWS:
        if view != "tenants_summary_view":
            await _invent(connection, view, tenant)


async def _invent(connection: Connection, view: str, tenant: int) -> None:
    """A row that no event has made."""
    (key,) = [name for name in await _key(connection, view) if name != "tenant_id"]
    found = await connection.fetchrow(f"SELECT * FROM {view} WHERE tenant_id = $1", tenant)  # noqa: S608 - own tables
    if found is not None:
        row = dict(found) | {key: "invented"}
        row.pop("idempotency_key", None)
        given = ", ".join(f"${number}" for number in range(1, len(row) + 1))
        into = f"INSERT INTO {view} ({', '.join(row)}) VALUES ({given})"  # noqa: S608 - as above
        await connection.execute(into, *row.values())


async def _key(connection: Connection, view: str) -> Sequence[str]:
    found = await connection.fetch(
        "SELECT attname FROM pg_index JOIN pg_attribute"
        " ON attrelid = indrelid AND attnum = ANY (indkey)"
        " WHERE indisprimary AND indrelid = $1::regclass",
        view,
    )
    return [row["attname"] for row in found]


async def _forget(url: str) -> None:
    """Have the tenant's own row come with its events."""
    connection = await connect(url)
    await connection.execute("DELETE FROM tenants WHERE id = $1", INTERNAL_TENANT)
    await connection.close()
