"""A PostgreSQL server that goes down, crashes or takes nobody while customers order."""

import asyncio
import os
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from random import Random
from typing import Final

import asyncpg
import pytest

from app.database import UNREACHABLE
from tests.app.ledger import Connection
from tests.app.locks import observer, until
from tests.conftest import Examples, StartService
from tests.faults.books import assert_balanced
from tests.faults.business import acted, business, count_unnoticed, customers_of
from tests.faults.own_server import OwnServer, own_server
from tests.tally import Tally

CUSTOMERS: Final = 12
CONNECTIONS: Final = 25
BACKENDS: Final = (
    "SELECT pid FROM pg_stat_activity"
    " WHERE datname = current_database() AND application_name = 'stakebook'"
)

END: Final = "SELECT pg_terminate_backend($1)"


@pytest.fixture
async def server() -> AsyncGenerator[OwnServer, None]:
    async with own_server(max_connections=str(CONNECTIONS)) as started:
        yield started


async def test_a_server_that_is_stopped_at_once_and_started_is_no_matter_to_customers(
    server: OwnServer, start_service: StartService, random: Random, examples: Examples, tally: Tally
) -> None:
    restarts = examples(short=4, long=60)
    async with start_service(server.url) as client:
        customers = customers_of(CUSTOMERS, random, client)
        async with business(customers):
            for _ in range(restarts):
                await acted(customers, random.randrange(100))
                await server.stop_at_once()
                await server.start()
            await acted(customers)
    count_unnoticed(tally, "server stopped at once", restarts, customers)
    await assert_balanced(server.url, customers)


async def test_a_backend_that_is_killed_takes_the_others_with_it_and_no_command(
    server: OwnServer, start_service: StartService, random: Random, examples: Examples, tally: Tally
) -> None:
    """PostgreSQL ends all sessions when one was killed, and recovers before it takes new ones."""
    crashes = examples(short=6, long=120)
    async with start_service(server.url) as client:
        customers = customers_of(CUSTOMERS, random, client)
        async with business(customers):
            for _ in range(crashes):
                await acted(customers, random.randrange(100))
                os.kill(random.choice(await backends_of(server)), signal.SIGKILL)
            await acted(customers)
    count_unnoticed(tally, "backend killed", crashes, customers)
    await assert_balanced(server.url, customers)


async def backends_of(server: OwnServer) -> list[int]:
    """The processes of the service's sessions, once there are some."""
    found: list[int] = []

    async def there() -> bool:
        with suppress(*UNREACHABLE):  # it may not have recovered yet
            async with observer(server.url) as looking:
                found.extend(pid for (pid,) in await looking.fetch(BACKENDS))
        return bool(found)

    await until(there)
    return found


async def test_a_server_without_a_free_connection_is_waited_for(
    server: OwnServer, start_service: StartService, random: Random, examples: Examples, tally: Tally
) -> None:
    shortages = examples(short=6, long=120)
    async with start_service(server.url) as client, observer(server.url) as looking:
        customers = customers_of(CUSTOMERS, random, client)
        async with business(customers):
            for _ in range(shortages):
                await acted(customers, random.randrange(100))
                async with hogged(server.url, looking):
                    await asyncio.sleep(random.uniform(0, 0.2))
            await acted(customers)
    count_unnoticed(tally, "no connection free", shortages, customers)
    await assert_balanced(server.url, customers)


@asynccontextmanager
async def hogged(url: str, looking: Connection) -> AsyncGenerator[None, None]:
    """End the service's sessions, and leave it no connection to begin others on."""
    taken: list[Connection] = []
    try:
        while True:
            try:
                taken.append(await asyncpg.connect(url))
            except asyncpg.TooManyConnectionsError:
                if not (backends := await looking.fetch(BACKENDS)):
                    break
                await looking.executemany(END, [(pid,) for (pid,) in backends])
        yield
    finally:
        await asyncio.gather(*(connection.close() for connection in taken))


async def test_a_session_that_is_ended_at_any_moment_is_no_matter_to_customers(
    database: str,
    connection: Connection,
    start_service: StartService,
    random: Random,
    examples: Examples,
    tally: Tally,
) -> None:
    ended = 0
    async with start_service() as client:
        customers = customers_of(CUSTOMERS, random, client)
        async with business(customers):
            while ended < examples(short=60, long=2000):
                await acted(customers, random.randrange(4))
                await asyncio.sleep(random.uniform(0, 0.02))
                if backends := await connection.fetch(BACKENDS):
                    ended += await connection.fetchval(END, random.choice(backends)[0])
            await acted(customers)
    count_unnoticed(tally, "session ended", ended, customers)
    await assert_balanced(database, customers)
