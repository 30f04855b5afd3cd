"""Which tenants there are: one look for all who ask at once, and none older than the question."""

import asyncio
import gc
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import NamedTuple

import pytest

from app import known_tenants
from app.database import open_pool
from app.known_tenants import KnownTenants
from app.lines import PASSING
from app.problems import Problem
from app.settings import Settings
from tests.app.ledger import Connection
from tests.app.locks import until
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
        tenants = KnownTenants(pool, 10)
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


async def test_who_goes_away_takes_the_look_from_nobody(looking: Looking) -> None:
    before = looking.proxy.round_trips
    looking.proxy.answering.clear()
    asked = [looking.ask(EXTERNAL_TENANT) for _ in range(4)]
    await looking.answered(before + 1)
    for gone in asked[:2]:  # one who began the look, and one who waits for it
        gone.cancel()
        with suppress(asyncio.CancelledError):
            await gone
    looking.proxy.answering.set()
    assert await asyncio.gather(*asked[2:]) == [None] * 2
    assert looking.proxy.round_trips == before + 1


async def test_a_look_that_fails_fails_for_who_began_it_and_is_tried_again_for_the_others(
    looking: Looking,
) -> None:
    looking.proxy.answering.clear()
    asked = [looking.ask(EXTERNAL_TENANT) for _ in range(3)]
    await looking.answered(looking.proxy.round_trips + 1)
    looking.proxy.cut()
    looking.proxy.answering.set()
    began, *others = await asyncio.gather(*asked, return_exceptions=True)
    assert isinstance(began, PASSING)
    assert others == [None] * 2


async def test_nobody_waits_longer_than_he_may(
    looking: Looking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking.tenants, "_wait_seconds", 0.1)
    before = looking.proxy.round_trips
    looking.proxy.answering.clear()
    for _ in range(2):
        with pytest.raises(TimeoutError):
            await looking.tenants.must_exist(EXTERNAL_TENANT)
    looking.proxy.answering.set()
    await looking.tenants.must_exist(EXTERNAL_TENANT)
    # The one look of all three was not over when the first two were told.
    assert looking.proxy.round_trips == before + 1


async def test_a_look_that_fails_when_nobody_waits_any_more_is_no_complaint(
    looking: Looking, monkeypatch: pytest.MonkeyPatch
) -> None:
    complaints: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, told: complaints.append(told))
    monkeypatch.setattr(looking.tenants, "_wait_seconds", 0.1)
    looking.proxy.answering.clear()
    with pytest.raises(TimeoutError):
        await looking.tenants.must_exist(EXTERNAL_TENANT)
    looking.proxy.cut()
    looking.proxy.answering.set()
    await looking.tenants.must_exist(DEFAULT_TENANT)
    await asyncio.sleep(0.1)
    gc.collect()
    assert complaints == []


async def test_an_answer_is_about_the_tenant_who_was_asked_for(looking: Looking) -> None:
    looking.proxy.answering.clear()
    there, not_there = looking.ask(EXTERNAL_TENANT), looking.ask(NOBODY)
    await asyncio.sleep(0.02)
    looking.proxy.answering.set()
    await there
    with pytest.raises(Problem, match=str(NOBODY)):
        await not_there
    with pytest.raises(Problem, match=str(NOBODY)):
        await looking.tenants.must_exist(NOBODY)


async def test_so_many_tenants_are_remembered_and_no_more(
    looking: Looking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known_tenants, "KNOWN_LIMIT", 1)
    for tenant, looks in ((EXTERNAL_TENANT, 1), (EXTERNAL_TENANT, 0), (DEFAULT_TENANT, 1)):
        before = looking.proxy.round_trips
        await looking.tenants.must_exist(tenant)
        assert looking.proxy.round_trips == before + looks
