"""What a process does about its commits, and what it does for its followers."""

import asyncio
from collections.abc import AsyncGenerator, Collection
from contextlib import asynccontextmanager
from typing import NamedTuple

import pytest

from app import lookout, notifier
from app.lookout import Lookout
from app.metrics import Metrics
from app.notices import Notices
from app.notifier import Notifier
from app.wakeups import Wakeups
from tests.app.ledger import Connection
from tests.app.locks import until
from tests.app.proxy import proxy_to


class Process(NamedTuple):
    """The part of a process that follows and is followed."""

    wakeups: Wakeups
    notices: Notices
    notifier: Notifier


@asynccontextmanager
async def process(url: str) -> AsyncGenerator[Process]:
    wakeups = Wakeups(10, Metrics())
    notices = Notices(url, wakeups.ring)
    telling, looking = Notifier(wakeups, notices), Lookout(wakeups, notices)
    try:
        yield Process(wakeups, notices, telling)
    finally:
        await telling.close()
        await looking.close()
        await notices.close()


async def until_told(told: Notices) -> None:
    """Go on once another process listens."""

    async def heeded() -> bool:
        return await told.tell([99])

    await until(heeded)


async def test_a_commit_rings_here_at_once_and_elsewhere_soon(database: str) -> None:
    async with process(database) as one, process(database) as two:
        with one.wakeups.follow(1) as here, two.wakeups.follow(1) as there:
            await until_told(one.notices)
            one.notifier.committed({1})
            assert await here.rung(0)
            assert await there.rung(10)


async def test_many_commits_are_told_of_in_few_notices(database: str) -> None:
    heard: list[Collection[int]] = []
    listening = Notices(database, heard.append)
    await listening.positions([])
    async with process(database) as one:
        for tenant in range(1, 301):
            one.notifier.committed({tenant, 1000})
            if tenant % 100 == 0:
                await asyncio.sleep(notifier.HEEDED_SECONDS / 2)

        async def all_heard() -> bool:
            return {tenant for notice in heard for tenant in notice} == {*range(1, 301), 1000}

        await until(all_heard)
    assert len(heard) <= 3
    await listening.close()


async def test_a_notifier_outlasts_the_loss_of_its_connection(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifier, "UNHEEDED_SECONDS", 0.01)
    heard: list[Collection[int]] = []
    listening = Notices(database, heard.append)
    await listening.positions([])
    async with proxy_to(database) as proxy, process(proxy.url) as one:
        for tenant in range(1, 4):

            async def told(number: int = tenant) -> bool:
                one.notifier.committed({number})
                return [number] in heard

            await until(told)
            proxy.cut()
    await listening.close()


async def test_who_has_no_followers_any_more_stops_listening(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookout, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(lookout, "LINGER_SECONDS", 0.1)
    async with process(database) as one, process(database) as two:
        for _ in range(2):
            with two.wakeups.follow(1):
                await until_told(one.notices)

            async def nobody_listens() -> bool:
                return not await one.notices.tell([1])

            await until(nobody_listens)


async def test_a_look_rings_for_the_tenants_whose_heads_have_moved(
    database: str, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookout, "LOOK_SECONDS", 0.01)
    await connection.execute("INSERT INTO tenant_heads VALUES (10001), (10002)")
    async with process(database) as one:
        with one.wakeups.follow(10001) as moved, one.wakeups.follow(10002) as still:
            for bell in (moved, still):
                assert await bell.rung(10)  # it was seen for the first time
            for position in (1, 2):
                query = "UPDATE tenant_heads SET position = $1 WHERE tenant_id = 10001"
                await connection.execute(query, position)
                assert await moved.rung(10)
            assert not await still.rung(0)
