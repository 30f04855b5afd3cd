"""PostgreSQL away for a while: who is told what meanwhile, and that all returns by itself."""

import asyncio
import random
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from time import monotonic
from typing import Final
from uuid import uuid4

import httpx

from tests.app.ledger import Connection, assert_sound
from tests.app.locks import until
from tests.app.processes import serving
from tests.app.proxy import Proxy
from tests.conftest import DEFAULT_TENANT, Client, Examples

COMMAND_TIMEOUT_SECONDS: Final = 2
ANSWER_SECONDS: Final = 1  # for the way there and back on a busy machine
CLIENTS: Final = 20


class Road:
    """The only way to the server; while it is closed, connecting is refused as by a stopped one."""

    def __init__(self, server_url: str) -> None:
        self._proxy = Proxy(server_url)
        self._listening: asyncio.Server | None = None
        self._port = 0

    @property
    def url(self) -> str:
        """Where the database is found by this way."""
        return self._proxy.url

    async def open(self) -> None:
        """Let connections pass, at the same port every time."""
        self._listening = await asyncio.start_server(self._proxy.serve, "127.0.0.1", self._port)
        self._port = int(self._listening.sockets[0].getsockname()[1])
        self._proxy.listen_at(self._port)

    def close(self) -> None:
        """Break every connection and take no more."""
        if self._listening:
            self._listening.close()
        self._proxy.cut()

    async def end(self) -> None:
        """The same, and wait until nothing of them is left."""
        self.close()
        await self._proxy.end()


@asynccontextmanager
async def road_to(server_url: str) -> AsyncGenerator[Road, None]:
    """An open road to the server."""
    road = Road(server_url)
    await road.open()
    try:
        yield road
    finally:
        await road.end()


class Caller:
    """Places one bet after the other, each with a key of its own."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.answers: dict[str, httpx.Response] = {}
        self.longest_seconds = 0.0

    async def call_until(self, end: float) -> None:
        """Go on until then, by the monotonic clock; pause after a refusal."""
        while monotonic() < end:
            key, sent = f"away-{uuid4()}", monotonic()
            answer = self.answers[key] = await self._client.place_bet(key=key)
            self.longest_seconds = max(self.longest_seconds, monotonic() - sent)
            if answer.status_code != 201:
                await asyncio.sleep(random.uniform(0, 1))  # or all would come together

    async def insist(self) -> list[int]:
        """Send everything again with its key."""
        repeated = [await self._client.place_bet(key=key) for key in self.answers]
        return [answer.status_code for answer in repeated]


async def test_what_an_absence_of_the_database_does_to_callers_and_probes_ends_with_it(
    database: str, connection: Connection, examples: Examples
) -> None:
    away_seconds = examples(short=5, long=30)
    timeout = str(COMMAND_TIMEOUT_SECONDS)
    async with (
        road_to(database) as road,
        serving(DATABASE_URL=road.url, COMMAND_TIMEOUT_SECONDS=timeout) as service,
    ):
        client = service.client
        callers = [Caller(client) for _ in range(CLIENTS)]
        end = monotonic() + away_seconds
        calling = asyncio.gather(*(caller.call_until(end) for caller in callers))
        await until_answered(callers)
        road.close()
        while monotonic() < end:
            assert (await client.http.get("/livez")).status_code == 200
            assert (await client.http.get("/readyz")).status_code == 503
            assert (await client.get("/users/user-1/balance")).status_code == 503
            await asyncio.sleep(0.2)
        await calling
        assert_told_in_time(callers)
        await road.open()

        async def ready() -> bool:
            return (await client.http.get("/readyz")).status_code == 200

        await until(ready)
        repeats = await asyncio.gather(*(caller.insist() for caller in callers))
        assert {status for statuses in repeats for status in statuses} <= {200, 201}
    committed = [row["idempotency_key"] for row in await assert_sound(connection, DEFAULT_TENANT)]
    assert sorted(committed) == sorted(key for caller in callers for key in caller.answers)


async def until_answered(callers: list[Caller]) -> None:
    """Go on once every caller has placed a bet."""

    async def answered() -> bool:
        return all(caller.answers for caller in callers)

    await until(answered)


def assert_told_in_time(callers: list[Caller]) -> None:
    """Every command was carried out or refused, and refused by its deadline."""
    answers = [answer for caller in callers for answer in caller.answers.values()]
    refused = [answer for answer in answers if answer.status_code != 201]
    assert {answer.status_code for answer in refused} == {503}
    assert {answer.headers["retry-after"] for answer in refused} == {"1"}
    longest = max(caller.longest_seconds for caller in callers)
    assert longest < COMMAND_TIMEOUT_SECONDS + ANSWER_SECONDS
