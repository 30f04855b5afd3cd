"""Snapshots are proved and mended like the views."""

from collections.abc import AsyncGenerator
from typing import Any

import pytest

from app.database import batch_connection
from app.rebuild import NAMES, rebuild
from app.verification import verify
from tests.app.ledger import Connection
from tests.app.submissions import pay
from tests.app.units import connected
from tests.conftest import INTERNAL_TENANT

DAMAGES = (
    (
        "UPDATE snapshots SET document = jsonb_set(document, '{balance}', '7') WHERE key <> ''",
        "snapshots user-1, position 3000, document: is {",
    ),
    (
        "UPDATE snapshots SET document = jsonb_set(document, '{deposits}', '7') WHERE key = ''",
        "snapshots, position 1000, document: is {",
    ),
    (
        "UPDATE snapshots SET document = '[]' WHERE key <> ''",
        "snapshots user-1, position 3000, document: is []",
    ),
    (
        "UPDATE snapshots SET position = position + 1 WHERE position = 2000",
        "snapshots, position 2001, the row: is there, should be missing",
    ),
    (
        "UPDATE snapshots SET projection = 'nobody' WHERE position = 1000",
        "snapshots, position 1000, the row: is there, should be missing",
    ),
)
LOST = "DELETE FROM snapshots WHERE position < 3000"


@pytest.fixture
async def batch(database: str) -> AsyncGenerator[Any]:
    """A connection for batch work, on a database with a log of 3,003 events."""
    async with connected(database) as process:
        for _ in range(7):
            await process.run(*(pay(INTERNAL_TENANT) for _ in range(143)))
    async with batch_connection(database, "test") as connection_of_batch:
        yield connection_of_batch


async def stored(connection: Connection) -> list[tuple[object, ...]]:
    """Every snapshot."""
    query = "SELECT projection, key, position, document FROM snapshots ORDER BY 1, 2, 3"
    return [tuple(row) for row in await connection.fetch(query)]


async def test_wrong_snapshots_are_found_and_set(connection: Connection, batch: Any) -> None:
    before = await stored(connection)
    assert [row[2] for row in before] == [1_000, 2_000, 3_000, 3_000]
    for damage, said in DAMAGES:
        await connection.execute(damage)
        found = await verify(batch, INTERNAL_TENANT, int)
        assert said in str(found.fault)
        done = await rebuild(batch, INTERNAL_TENANT, NAMES, int)
        assert done.rows["snapshots"] >= 1
        assert await stored(connection) == before
    assert (await verify(batch, INTERNAL_TENANT, int)).fault is None


async def test_missing_snapshots_are_no_fault_and_are_made_by_a_rebuild(
    connection: Connection, batch: Any
) -> None:
    before = await stored(connection)
    await connection.execute(LOST)
    assert (await verify(batch, INTERNAL_TENANT, int)).fault is None
    done = await rebuild(batch, INTERNAL_TENANT, NAMES, int)
    assert done.rows == {"snapshots": 2}
    assert await stored(connection) == before
