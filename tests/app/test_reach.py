"""How many rows a read of the log looks at, by the very plan that the service runs."""

import json
from collections.abc import AsyncGenerator, Iterator
from typing import Any, Final, TypeAlias, cast

import pytest
from asyncpg.pool import PoolConnectionProxy
from sqlalchemy import Select

from app.database import open_pool
from app.query import Query
from app.row_security import turn_to
from app.settings import Settings
from projections import events, moments, past_bets
from projections.row_security import named
from tests.app.ledger import Connection
from tests.app.submissions import place
from tests.app.units import confirm, connected
from tests.conftest import EXTERNAL_TENANT

BATCH: Final = 200
BATCHES: Final = 10
LAST: Final = BATCH * BATCHES

Pooled: TypeAlias = "PoolConnectionProxy[Any]"
Read: TypeAlias = Select[*tuple[Any, ...]]


@pytest.fixture
async def pooled(database: str) -> AsyncGenerator[Pooled, None]:
    """A connection with the planner settings of the service, to a log of 2,000 bets."""
    async with connected(database) as process:
        for _ in range(BATCHES):
            await process.run(*(place() for _ in range(BATCH)))
    async with await open_pool(database, Settings()) as pool, pool.acquire() as connection:
        await turn_to(connection, EXTERNAL_TENANT)
        yield connection


async def rows_read(connection: Pooled, read: Read, **values: object) -> int:
    """How many rows of tables the query reads, whether or not it returns them.

    Of a transaction that has named its tenant, or where the query names it itself.
    """
    ways = (Query(read), Query(named(read)))
    return max([await _rows_read(connection, query, **values) for query in ways])


async def _rows_read(connection: Pooled, query: Query, **values: object) -> int:
    await connection.execute(f"PREPARE reach AS {query.text}")
    arguments = query.arguments(tenant_id=EXTERNAL_TENANT, **values)
    given = ", ".join(_literal(argument) for argument in arguments)
    explain = f"EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE reach ({given})"
    plan = json.loads(await connection.fetchval(explain))[0]["Plan"]
    await connection.execute("DEALLOCATE reach")
    return sum(
        round(node["Actual Loops"] * (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)))
        for node in _nodes(plan)
        if "Relation Name" in node
    )


def _literal(argument: object) -> str:
    if isinstance(argument, list):
        listed = cast("list[str]", argument)
        return f"'{{{','.join(listed)}}}'"
    return f"'{argument}'"


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for part in node.get("Plans", []):
        yield from _nodes(part)


async def test_a_page_of_a_period_begins_where_the_one_before_it_ended(
    pooled: Pooled, connection: Connection
) -> None:
    second = await connection.fetchval(
        "SELECT timestamp FROM bet_events WHERE position = $1", BATCH + 1
    )
    query = events.log(("bet", "payment", "balance"), period=True)
    bounds = {"start_time": second, "end_time": 2**63 - 1, "limit": 10}
    # Both its ends are found among the events of one millisecond each, and one more.
    for after in (0, LAST // 2, LAST - 20):
        assert await rows_read(pooled, query, after=after, **bounds) <= 10 + 2 * (BATCH + 1)


async def test_a_time_is_found_among_the_events_of_its_millisecond(
    pooled: Pooled, connection: Connection
) -> None:
    for position in (1, LAST // 2, LAST):
        time = await connection.fetchval(
            "SELECT timestamp FROM bet_events WHERE position = $1", position
        )
        assert await rows_read(pooled, moments.moment(), time=time) <= BATCH + 5


async def test_bets_of_the_past_are_found_by_their_ids(
    pooled: Pooled, connection: Connection
) -> None:
    some = await connection.fetch("SELECT aggregate_id FROM bet_events WHERE position % 100 = 0")
    query = events.of_aggregates("bet")
    ids = [row["aggregate_id"] for row in some]
    assert len(ids) == LAST // 100
    assert await rows_read(pooled, query, aggregate_ids=ids, to=LAST) == len(ids)
    one: dict[str, object] = {"aggregate_id": ids[-1], "after_version": 0, "to": LAST}
    assert await rows_read(pooled, events.of_aggregate("bet"), **one, limit=500) == 1


async def test_a_list_of_the_past_looks_at_what_has_changed_since(
    pooled: Pooled, database: str
) -> None:
    async with connected(database) as process:
        late = [place() for _ in range(30)]
        await process.run(*late)
        await process.run(*(confirm(each) for each in late))
    for status in (None, "placed"):
        query = past_bets.of_user(status)
        page: dict[str, object] = {"user_id": "user-1", "before": 2**63 - 1, "limit": 10}
        # Each of the 30, its event since, and the one before that.
        assert await rows_read(pooled, query, at=LAST + 20, **page) <= 10 + 3 * 30 + 1
