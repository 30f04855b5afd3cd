"""Followers within one process: their bells, and the reads that they share."""

import asyncio

import pytest
from asyncpg.connection import LoggedQuery

from app.database import open_pool
from app.feed import EVENTS, Feed
from app.metrics import Metrics
from app.problems import OVERLOADED, Problem
from app.settings import Settings
from app.wakeups import Wakeups
from tests.app.submissions import place
from tests.app.units import committing
from tests.conftest import EXTERNAL_TENANT


def wakeups(most: int = 10) -> Wakeups:
    return Wakeups(most, Metrics())


async def test_a_bell_rings_for_its_tenant_alone() -> None:
    followed = wakeups()
    with followed.follow(1) as one, followed.follow(1) as another, followed.follow(2) as two:
        followed.ring([1, 3])
        assert await one.rung(0)
        assert await another.rung(0)
        assert not await two.rung(0)
        assert not await one.rung(0)  # it has been heard


async def test_a_ring_that_comes_before_the_wait_counts() -> None:
    followed = wakeups()
    with followed.follow(1) as bell:
        followed.ring([1])
        await asyncio.sleep(0)
        assert await bell.rung(30)


async def test_tenants_are_followed_as_long_as_somebody_follows_them() -> None:
    followed = wakeups()
    assert not followed.somebody.is_set()
    with followed.follow(1), followed.follow(2):
        with followed.follow(1):
            assert set(followed.tenants) == {1, 2}
        assert set(followed.tenants) == {1, 2}
        assert followed.somebody.is_set()
    assert not followed.tenants
    assert not followed.somebody.is_set()


async def test_there_are_never_more_than_the_limit_and_none_after_the_end() -> None:
    followed = wakeups(1)
    with followed.follow(1) as bell:
        with pytest.raises(Problem) as refused, followed.follow(2):
            pass
        assert refused.value.document["type"] == OVERLOADED.type
        followed.end()
        assert bell.ended
        assert await bell.rung(30)
    with pytest.raises(Problem) as refused, followed.follow(1):
        pass
    assert "stopping" in refused.value.document["detail"]


async def test_a_hundred_who_ask_for_one_page_share_one_read(database: str) -> None:
    statements: list[str] = []

    def log(query: LoggedQuery) -> None:
        statements.append(query.query)

    async with committing(database) as committer:
        await committer.submit(place())
    async with await open_pool(database, Settings()) as pool:
        feed = Feed(pool, 5)
        async with pool.acquire() as connection:
            connection.add_query_logger(log)
        pages = await asyncio.gather(
            *(feed.page(EVENTS, EXTERNAL_TENANT, after=0, limit=10) for _ in range(100))
        )
        await asyncio.sleep(0)
    assert len(statements) == 1
    assert {page.body for page in pages} == {pages[0].body}
    assert (pages[0].events, pages[0].next) == (1, 1)


async def test_nobody_is_handed_what_was_read_before_he_asked(database: str) -> None:
    async with committing(database) as committer, await open_pool(database, Settings()) as pool:
        await committer.submit(place())
        feed = Feed(pool, 5)
        for number in range(1, 30):
            early = asyncio.create_task(feed.page(EVENTS, EXTERNAL_TENANT, after=0, limit=100))
            for _ in range(number % 6):  # the read is on its way, as far as it may be
                await asyncio.sleep(0)
            await committer.submit(place())
            late = await feed.page(EVENTS, EXTERNAL_TENANT, after=0, limit=100)
            assert late.events == number + 1
            assert (await early).events in {number, number + 1}


async def test_a_reader_who_goes_away_takes_nothing_from_the_others(database: str) -> None:
    async with committing(database) as committer:
        await committer.submit(place())
    async with await open_pool(database, Settings()) as pool:
        feed = Feed(pool, 5)
        leaving, staying = (
            asyncio.create_task(feed.page(EVENTS, EXTERNAL_TENANT, after=0, limit=10))
            for _ in range(2)
        )
        await asyncio.sleep(0)
        leaving.cancel()
        assert (await staying).events == 1
