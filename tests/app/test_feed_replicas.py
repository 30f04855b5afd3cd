"""Followers see every position once and in order, whatever happens to processes and commits."""

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from itertools import count
from typing import Any

import asyncpg
import httpx

from tests.app.ledger import Connection, assert_sound
from tests.app.locks import until
from tests.app.messages import stream
from tests.app.processes import ServiceProcess, serving
from tests.conftest import DEFAULT_TENANT, EXTERNAL_TENANT, Client

WRITERS = 16
END_ALL = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND application_name = 'stakebook'"
)
NUMBER = """
INSERT INTO bet_events (tenant_id, position, id, aggregate_id, event_type, event_name, event_data,
    timestamp, version, metadata, hash, idempotency_key)
SELECT tenant_id, position + 1, gen_random_uuid(), 'bet-x', 'V1_BETS_BET_CONFIRMED',
    'v1.bets.bet.confirmed', '{}', 1, 1, '{}', '', 'k'
FROM tenant_heads WHERE tenant_id = $1
"""
HEAD = "SELECT FROM tenant_heads WHERE tenant_id = $1 FOR UPDATE"
CURSED = "ALTER TABLE bets_view ADD CHECK (user_id <> 'cursed')"


class Replicas:
    """Two processes on one database, one of which dies and comes back."""

    def __init__(self, processes: list[ServiceProcess]) -> None:
        self.processes = processes
        self.stopping = asyncio.Event()
        self.written = 0

    def client(self, number: int, tenant: int) -> Client:
        """A caller of one of the processes, of the other one next time."""
        return self.processes[number % len(self.processes)].client.of(tenant)

    async def write(self, writer: int) -> None:
        """Place bets until told to stop, also some that the database refuses."""
        for number in count(writer):
            if self.stopping.is_set():
                return
            tenant = EXTERNAL_TENANT if number % 5 == 0 else DEFAULT_TENANT
            user = "cursed" if number % 17 == 0 else f"user-{writer}"
            with suppress(httpx.TransportError):
                answer = await self.client(number, tenant).place_bet(user_id=user)
                self.written += answer.status_code == 201


class Consumer:
    """One who keeps his own position, and begins again at it whenever he is cut off."""

    def __init__(self, replicas: Replicas, tenant: int) -> None:
        self.seen: list[dict[str, Any]] = []
        self.interruptions = 0
        self._replicas = replicas
        self._tenant = tenant

    @property
    def position(self) -> int:
        """The last position seen."""
        return len(self.seen)

    async def poll(self, *, wait: int) -> None:
        """Page by page, waiting or not."""
        for attempt in count():
            client = self._replicas.client(attempt, self._tenant)
            path = f"/feed?after={self.position}&limit=50&wait={wait}"
            try:
                answer = await client.get(path)
            except httpx.TransportError:
                self.interruptions += 1
                continue
            if answer.status_code == 200:
                for event in answer.json()["events"]:
                    self._take(event)
            else:
                assert answer.status_code == 503
                self.interruptions += 1

    async def follow(self) -> None:
        """As a stream, resumed with the id of the last message; first at the one that dies."""
        for attempt in count(1):
            client = self._replicas.client(attempt, self._tenant)
            with suppress(httpx.HTTPError):
                async with stream(client, last=self.position) as received:
                    async for message in received:
                        if message.event is not None:
                            self._take(message.event)
            self.interruptions += 1

    def _take(self, event: dict[str, Any]) -> None:
        self.seen.append(event)


async def test_every_follower_sees_every_position_once_and_in_order(
    database: str, connection: Connection
) -> None:
    await connection.execute(CURSED)
    async with AsyncExitStack() as stack:
        started = [await stack.enter_async_context(serving(DATABASE_URL=database)) for _ in "ab"]
        replicas = Replicas(list(started))
        consumers = {
            tenant: [Consumer(replicas, tenant) for _ in range(3)]
            for tenant in (DEFAULT_TENANT, EXTERNAL_TENANT)
        }
        following = await stack.enter_async_context(
            _in_background(
                running
                for polling, waiting, streaming in consumers.values()
                for running in (polling.poll(wait=0), waiting.poll(wait=5), streaming.follow())
            )
        )
        writing = await stack.enter_async_context(
            _in_background(replicas.write(number) for number in range(WRITERS))
        )
        await _written(replicas, 100)
        await _take_back(database)
        await connection.fetch(END_ALL)
        await _written(replicas, 100)
        replicas.processes[1].kill()
        del replicas.processes[1]
        await _written(replicas, 100)
        replicas.processes.append(await stack.enter_async_context(serving(DATABASE_URL=database)))
        await _take_back(database)
        await connection.fetch(END_ALL)
        await _written(replicas, 150)
        replicas.stopping.set()
        await asyncio.gather(*writing)

        for tenant, followers in consumers.items():
            log = await assert_sound(connection, tenant)
            await _until_all_have(followers, len(log))
            for follower in followers:
                assert [event["id"] for event in follower.seen] == [str(row["id"]) for row in log]
                assert {event["tenant_id"] for event in follower.seen} == {tenant}
            assert followers[2].interruptions
        assert all(not running.done() for running in following)


@asynccontextmanager
async def _in_background(
    coroutines: Iterable[Coroutine[Any, Any, None]],
) -> AsyncGenerator[Sequence["asyncio.Task[None]"]]:
    tasks = [asyncio.create_task(coroutine) for coroutine in coroutines]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def _written(replicas: Replicas, number: int) -> None:
    """Go on once so many more bets have been placed."""
    enough = replicas.written + number

    async def reached() -> bool:
        return replicas.written >= enough

    await until(reached)


async def _take_back(database: str) -> None:
    """Number events as a commit does, and take them back."""
    connection = await asyncpg.connect(database)
    for _ in range(3):
        transaction = connection.transaction()
        await transaction.start()
        await connection.fetch(HEAD, DEFAULT_TENANT)
        await connection.execute(NUMBER, DEFAULT_TENANT)
        await transaction.rollback()
    await connection.close()


async def _until_all_have(followers: Sequence[Consumer], position: int) -> None:
    async def reached() -> bool:
        return all(follower.position >= position for follower in followers)

    await until(reached)
