"""Rows that many callers read at once: few statements, and nothing older than the question."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import NamedTuple

import asyncpg
import pytest

from app.database import open_pool
from app.row_reads import MOST_AT_ONCE, RowReads
from app.settings import Settings
from domain.bet import Bet
from projections import bets, tenants_summary, user_activity
from projections.change import TENANT_KEY
from tests.app.api.book import placed
from tests.app.ledger import Connection
from tests.app.locks import until_blocked
from tests.app.proxy import Proxy, proxy_to
from tests.app.submissions import pay, place
from tests.app.units import committing, confirm, connected
from tests.conftest import DEFAULT_TENANT, EXTERNAL_TENANT, Client

TENANTS = (DEFAULT_TENANT, EXTERNAL_TENANT)


class Reading(NamedTuple):
    """Reads of bets and what they go through."""

    bets: RowReads
    pool: asyncpg.Pool
    proxy: Proxy


@pytest.fixture
async def reading(database: str) -> AsyncGenerator[Reading, None]:
    async with proxy_to(database) as proxy, await open_pool(proxy.url, Settings()) as pool:
        rows = RowReads(bets.projection, pool, 1)
        await rows.row(EXTERNAL_TENANT, "nothing")  # prepares the statement
        yield Reading(rows, pool, proxy)


async def test_those_who_ask_at_once_share_a_statement(reading: Reading, database: str) -> None:
    batch = [place(TENANTS[n % 2], f"user-{n}") for n in range(100)]
    async with connected(database) as process:
        await process.run(*batch)
    before = reading.proxy.round_trips
    found = await asyncio.gather(
        *(reading.bets.row(s.tenant_id, s.resource_id) for s in batch),
        *(reading.bets.row(s.tenant_id, f"no {s.resource_id}") for s in batch),
    )
    assert reading.proxy.round_trips == before + 1
    made = [row.bet_id for row in found[:100] if isinstance(row, Bet)]
    assert made == [s.resource_id for s in batch]
    assert found[100:] == [None] * 100


async def test_more_than_fit_into_a_statement_take_another(reading: Reading) -> None:
    before = reading.proxy.round_trips
    asked = (reading.bets.row(EXTERNAL_TENANT, f"{n}") for n in range(MOST_AT_ONCE + 1))
    assert await asyncio.gather(*asked) == [None] * (MOST_AT_ONCE + 1)
    assert reading.proxy.round_trips == before + 2


async def test_a_row_is_that_of_the_tenant_who_asks(reading: Reading, database: str) -> None:
    async with connected(database) as process:
        for tenant, stake in zip(TENANTS, ("1", "2"), strict=True):
            await process.run(place(tenant, "same", stake), pay(tenant, "same", stake))
        only = place(EXTERNAL_TENANT)
        await process.run(only)
    activity = RowReads(user_activity.projection, reading.pool, 1)
    staked = await asyncio.gather(*(activity.row(tenant, "same") for tenant in TENANTS * 3))
    assert [getattr(row, "staked", None) for row in staked] == [1, 2] * 3
    asked = [reading.bets.row(tenant, only.resource_id) for tenant in TENANTS]
    assert [row is None for row in await asyncio.gather(*asked)] == [True, False]


async def test_a_table_of_one_row_a_tenant_needs_no_key(reading: Reading, database: str) -> None:
    async with connected(database) as process:
        await process.run(place(EXTERNAL_TENANT, stake="7"))
    totals = RowReads(tenants_summary.projection, reading.pool, 1)
    asked = [totals.row(tenant, TENANT_KEY) for tenant in TENANTS]
    nobody, everybody = await asyncio.gather(*asked)
    assert nobody is None
    assert getattr(everybody, "bets_placed", None) == 1


async def test_a_row_committed_before_the_question_is_in_the_answer(
    reading: Reading, database: str
) -> None:
    async with committing(database) as committer:

        async def write_and_read(user: int) -> list[int]:
            seen: list[int] = []
            for _ in range(5):
                made = place(user_id=f"user-{user}")
                for step in (made, confirm(made)):
                    await committer.submit(step)
                    row = await reading.bets.row(EXTERNAL_TENANT, made.resource_id)
                    seen.append(row.version if isinstance(row, Bet) else 0)
            return seen

        found = await asyncio.gather(*(write_and_read(user) for user in range(20)))
    assert found == [[1, 2] * 5] * 20


async def test_a_read_under_way_answers_nobody_who_came_later(
    reading: Reading, database: str
) -> None:
    """Its snapshot may be older than what he knows."""
    made = place()
    async with connected(database) as process:
        reading.proxy.flowing.clear()
        early = asyncio.create_task(reading.bets.row(EXTERNAL_TENANT, made.resource_id))
        await asyncio.sleep(0.02)
        before = reading.proxy.round_trips
        await process.run(made)
        late = asyncio.create_task(reading.bets.row(EXTERNAL_TENANT, made.resource_id))
        await asyncio.sleep(0.02)
        reading.proxy.flowing.set()
        assert isinstance(await late, Bet)
        await early
    assert reading.proxy.round_trips == before + 2


async def test_a_caller_who_goes_away_holds_up_nobody(
    reading: Reading, connection: Connection
) -> None:
    async with connection.transaction():
        await connection.execute("LOCK TABLE bets_view IN ACCESS EXCLUSIVE MODE")
        asked = [asyncio.create_task(reading.bets.row(EXTERNAL_TENANT, f"{n}")) for n in range(3)]
        await until_blocked(connection)
        asked += [asyncio.create_task(reading.bets.row(EXTERNAL_TENANT, f"{n}")) for n in range(3)]
        await asyncio.sleep(0)
        for gone in (asked[0], asked[3]):
            gone.cancel()
            with suppress(asyncio.CancelledError):
                await gone
        assert not any(task.done() for task in (*asked[1:3], *asked[4:]))
    assert await asyncio.gather(*asked[1:3], *asked[4:]) == [None] * 4
    assert await reading.bets.row(EXTERNAL_TENANT, "x") is None


async def test_a_read_that_fails_fails_for_those_who_asked_and_nobody_else(
    reading: Reading, connection: Connection
) -> None:
    async with connection.transaction():
        await connection.execute("LOCK TABLE bets_view IN ACCESS EXCLUSIVE MODE")
        asked = [asyncio.create_task(reading.bets.row(EXTERNAL_TENANT, f"{n}")) for n in range(3)]
        await until_blocked(connection)
        later = asyncio.create_task(reading.bets.row(EXTERNAL_TENANT, "later"))
        found = await asyncio.gather(*asked, return_exceptions=True)
        assert [type(each) for each in found] == [asyncpg.LockNotAvailableError] * 3
        assert not later.done()
    assert await later is None
    assert await reading.bets.row(EXTERNAL_TENANT, "next") is None


async def test_a_read_that_gets_no_connection_in_time_fails_and_the_next_does_not(
    reading: Reading, database: str
) -> None:
    async with await open_pool(database, Settings(), size=1) as pool:
        rows = RowReads(bets.projection, pool, 0.05)
        async with pool.acquire():
            asked = asyncio.gather(
                *(rows.row(EXTERNAL_TENANT, f"{n}") for n in range(3)), return_exceptions=True
            )
            assert [type(each) for each in await asked] == [TimeoutError] * 3
        assert await rows.row(EXTERNAL_TENANT, "next") is None
    assert await reading.bets.row(EXTERNAL_TENANT, "other pool") is None


async def test_over_http_as_well_everyone_finds_what_he_was_answered(client: Client) -> None:
    async def write_and_read(user: int) -> None:
        caller = client.of(TENANTS[user % 2])
        path = f"/bets/{await placed(caller, user_id=f'user-{user}')}"
        assert (await caller.get(path)).headers["ETag"] == '"1"'
        confirmed = await caller.post(f"{path}/confirm")
        assert (await caller.get(path)).content == confirmed.content
        assert (await client.of(TENANTS[1 - user % 2]).get(path)).status_code == 404
        activity = (await caller.get(f"/users/user-{user}/activity")).json()
        assert activity["bets"] == 1

    await asyncio.gather(*(write_and_read(user) for user in range(40)))
