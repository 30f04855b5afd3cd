"""What processes tell each other over the database, each a connection of its own here."""

import asyncio
from collections.abc import AsyncGenerator, Collection
from contextlib import asynccontextmanager

import pytest

from app import notices
from app.notices import FAULTS, Notices
from tests.app.ledger import Connection
from tests.app.locks import until
from tests.app.proxy import proxy_to


class Ear:
    """A process that has `heard` of these tenants."""

    def __init__(self, url: str) -> None:
        self.heard: list[int] = []
        self.notices = Notices(url, self._hear)

    async def listen(self) -> None:
        await self.notices.positions([])

    async def hears(self, expected: list[int]) -> bool:
        return self.heard == expected

    def _hear(self, tenant_ids: Collection[int]) -> None:
        self.heard += tenant_ids


@asynccontextmanager
async def process(url: str) -> AsyncGenerator[Ear]:
    ear = Ear(url)
    yield ear
    await ear.notices.close()


async def test_nothing_is_sent_while_nobody_else_listens(database: str) -> None:
    async with process(database) as one, process(database) as two:
        assert not await one.notices.tell([1])
        await one.listen()
        assert not await one.notices.tell([2])
        await two.listen()
        assert await one.notices.tell([3])
        await until(lambda: two.hears([3]))
        assert one.heard == []
        await two.notices.close()
        assert not await one.notices.tell([4])


async def test_all_who_listen_hear_of_the_others(database: str) -> None:
    async with process(database) as one, process(database) as two, process(database) as three:
        for ear in (one, two, three):
            await ear.listen()
        assert await one.notices.tell([1])
        assert await two.notices.tell([2, 3])
        await until(lambda: three.hears([1, 2, 3]))
        await until(lambda: one.hears([2, 3]))
        await until(lambda: two.hears([1]))


async def test_more_tenants_than_one_notice_holds_are_told_of_in_several(database: str) -> None:
    largest = 2**63 - 1
    tenants = [largest - number for number in range(2 * notices.TENANTS_A_NOTICE + 1)]
    async with process(database) as one, process(database) as two:
        await two.listen()
        assert await one.notices.tell(tenants)
        await until(lambda: two.hears(tenants))


async def test_who_has_lost_his_connection_listens_again_when_he_looks(
    database: str, connection: Connection
) -> None:
    async with proxy_to(database) as proxy, process(proxy.url) as one, process(database) as two:
        await one.listen()
        assert await two.notices.tell([1])
        await until(lambda: one.hears([1]))
        proxy.cut()

        async def nobody_listens() -> bool:
            return not await two.notices.tell([2])

        await until(nobody_listens)

        async def listens() -> bool:
            try:
                await one.listen()
            except FAULTS:  # the driver may not have noticed yet
                return False
            return True

        await until(listens)
        assert await two.notices.tell([3])
        await until(lambda: one.hears([1, 3]))
    assert (
        await connection.fetchval("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == 0
    )


async def test_positions_are_those_of_the_heads_that_there_are(
    database: str, connection: Connection
) -> None:
    await connection.execute("INSERT INTO tenant_heads (tenant_id, position) VALUES (10001, 7)")
    async with process(database) as one:
        assert await one.notices.positions([10001, 10002, 99]) == {10001: 7}


async def test_one_who_tells_and_one_who_looks_take_turns_on_the_connection(
    database: str,
) -> None:
    async with process(database) as one, process(database) as two:
        await two.listen()
        told = await asyncio.gather(
            *(one.notices.tell([number]) for number in range(20)),
            *(one.notices.positions([number]) for number in range(20)),
        )
        assert told == [True] * 20 + [{}] * 20
        await until(lambda: two.hears(list(range(20))))


async def test_a_database_that_cannot_be_reached_is_an_error_of_each_attempt() -> None:
    async with process("postgresql://127.0.0.1:1/nowhere") as one:
        for _ in range(2):
            with pytest.raises(FAULTS):
                await one.notices.tell([1])
