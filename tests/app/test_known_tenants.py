"""Which tenants there are: one look for all who ask at once, and none older than the question."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import NamedTuple

import pytest

from app import known_tenants
from app.database import open_pool
from app.known_tenants import KnownTenants
from app.problems import Problem
from app.settings import Settings
from tests.app.ledger import Connection
from tests.app.locks import until, until_blocked
from tests.app.proxy import Proxy, proxy_to
from tests.conftest import DEFAULT_TENANT, EXTERNAL_TENANT

CALLERS = 2_000
NOBODY = 999


class Looking(NamedTuple):
    """Looks for tenants and what they go through."""

    tenants: KnownTenants
    proxy: Proxy

    def ask(self, tenant_id: int) -> "asyncio.Task[None]":
        """Begin to ask for the tenant."""
        return asyncio.create_task(self.tenants.must_exist(tenant_id))

    async def answered(self, round_trips: int) -> None:
        """Go on once the server has answered so often."""

        async def reached() -> bool:
            return self.proxy.round_trips == round_trips

        await until(reached)


@pytest.fixture
async def looking(database: str) -> AsyncGenerator[Looking, None]:
    async with proxy_to(database) as proxy, await open_pool(proxy.url, Settings()) as pool:
        tenants = KnownTenants(pool, 1)
        await tenants.must_exist(DEFAULT_TENANT)  # prepares the statement
        yield Looking(tenants, proxy)


async def test_all_who_ask_at_once_share_one_look(looking: Looking) -> None:
    before = looking.proxy.round_trips
    await asyncio.gather(*(looking.ask(EXTERNAL_TENANT) for _ in range(CALLERS)))
    assert looking.proxy.round_trips == before + 1
    await looking.tenants.must_exist(EXTERNAL_TENANT)
    assert looking.proxy.round_trips == before + 1


async def test_all_who_ask_for_a_tenant_that_is_not_there_share_one_look_as_well(
    looking: Looking,
) -> None:
    before = looking.proxy.round_trips
    asked = [looking.ask(NOBODY) for _ in range(CALLERS)]
    told = await asyncio.gather(*asked, return_exceptions=True)
    assert {type(each) for each in told} == {Problem}
    assert looking.proxy.round_trips <= before + 2


async def test_a_tenant_is_looked_for_again_after_a_while(
    looking: Looking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known_tenants, "KNOWN_SECONDS", 0.0)
    before = looking.proxy.round_trips
    for number in range(3):
        await looking.tenants.must_exist(EXTERNAL_TENANT)
        assert looking.proxy.round_trips == before + number + 1


async def test_a_look_under_way_does_not_hide_a_tenant_created_before_the_question(
    looking: Looking, connection: Connection
) -> None:
    before = looking.proxy.round_trips
    looking.proxy.answering.clear()
    early = looking.ask(NOBODY)
    await looking.answered(before + 1)
    await connection.execute(
        "INSERT INTO tenants (id, name, slug) VALUES ($1, 'New', 'new')", NOBODY
    )
    late = [looking.ask(NOBODY) for _ in range(3)]
    await asyncio.sleep(0.02)
    looking.proxy.answering.set()
    with pytest.raises(Problem):
        await early
    assert await asyncio.gather(*late) == [None] * 3
    assert looking.proxy.round_trips == before + 2


async def test_who_goes_away_takes_the_look_from_nobody(
    looking: Looking, connection: Connection
) -> None:
    async with connection.transaction():
        await connection.execute("LOCK TABLE tenants IN ACCESS EXCLUSIVE MODE")
        asked = [looking.ask(EXTERNAL_TENANT) for _ in range(3)]
        await until_blocked(connection)
        asked[0].cancel()
        with suppress(asyncio.CancelledError):
            await asked[0]
    assert await asyncio.gather(*asked[1:]) == [None] * 2


async def test_a_look_that_fails_fails_for_those_who_asked_and_not_for_the_next(
    looking: Looking,
) -> None:
    looking.proxy.answering.clear()
    asked = [looking.ask(EXTERNAL_TENANT) for _ in range(3)]
    await asyncio.sleep(0.02)
    looking.proxy.cut()
    looking.proxy.answering.set()
    told = await asyncio.gather(*asked, return_exceptions=True)
    assert None not in told
    await looking.tenants.must_exist(EXTERNAL_TENANT)
