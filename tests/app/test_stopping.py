"""How a service that is told to stop ends: it answers what it has taken."""

import asyncio
import json
from contextlib import suppress
from time import monotonic
from uuid import uuid4

import httpx
import pytest

from tests.app.followers import until_followed
from tests.app.ledger import Connection, assert_sound
from tests.app.locks import held, observer, until, until_blocked
from tests.app.messages import Message, events, stream
from tests.app.processes import ServiceProcess, serving
from tests.conftest import DEFAULT_TENANT, Client, bet_body

PARTS = 10  # of a request, each longer than the one before


def placing(key: str) -> bytes:
    """A request that places a bet."""
    body = json.dumps(bet_body())
    return (
        f"POST /bets HTTP/1.1\r\nHost: x\r\nX-Tenant-Id: {DEFAULT_TENANT}\r\n"
        f"Idempotency-Key: {key}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


async def send_bet(port: int, key: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Send a request on a connection of its own, so that it is under way on return."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(placing(key))
    await writer.drain()
    return reader, writer


async def until_refused(service: ServiceProcess) -> None:
    """Go on once the service takes no more connections."""

    async def refused() -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", service.port)
        except ConnectionRefusedError:
            return True
        writer.close()
        return False

    await until(refused)


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_a_stop_under_load_answers_every_command_that_was_taken(
    database: str, connection: Connection, workers: str
) -> None:
    answers: dict[str, int] = {}
    enough = asyncio.Event()

    async def press_on(client: Client) -> None:
        while True:
            key = f"load-{uuid4()}"
            try:
                answers[key] = (await client.place_bet(key=key)).status_code
            except httpx.TransportError:  # nobody listens any more, or not to this connection
                return
            if len(answers) == 500:
                enough.set()

    async with serving(DATABASE_URL=database, WORKERS=workers) as service:
        load = asyncio.gather(*(press_on(service.client) for _ in range(64)))
        await asyncio.wait_for(enough.wait(), 30)
        service.terminate()
        told = monotonic()
        assert await service.ended() == 0
        assert monotonic() - told < 10
        await load
    assert set(answers.values()) <= {201, 503}
    committed = {row["idempotency_key"] for row in await assert_sound(connection, DEFAULT_TENANT)}
    assert committed == {key for key, status in answers.items() if status == 201}


async def test_a_stop_waits_for_the_commands_that_are_being_committed(
    database: str, connection: Connection
) -> None:
    async with serving(DATABASE_URL=database) as service, observer(database) as looking:
        assert (await service.client.place_bet()).status_code == 201
        async with held(connection, DEFAULT_TENANT):
            sent = [await send_bet(service.port, f"key-{n}") for n in range(30)]
            await until_blocked(looking)
            await service.client.http.get("/livez")  # came after those and is answered already
            service.terminate()
            await until_refused(service)
        answers = [await reader.readline() for reader, _ in sent]
        assert answers == [b"HTTP/1.1 201 Created\r\n"] * 30
        for _, writer in sent:
            writer.close()
        assert await service.ended() == 0
    assert len(await assert_sound(connection, DEFAULT_TENANT)) == 31


async def test_a_stop_answers_a_command_that_cannot_be_committed_in_time(
    database: str, connection: Connection
) -> None:
    limits = {"COMMAND_TIMEOUT_SECONDS": "1", "STOP_SECONDS": "6"}
    async with serving(DATABASE_URL=database, **limits) as service, observer(database) as looking:
        assert (await service.client.place_bet()).status_code == 201
        async with held(connection, DEFAULT_TENANT):
            reader, writer = await send_bet(service.port, "late")
            await until_blocked(looking)
            service.terminate()
            assert await reader.readline() == b"HTTP/1.1 503 Service Unavailable\r\n"
            assert await service.ended() == 0
        writer.close()


async def test_a_second_signal_ends_a_service_that_waits_for_its_last_answers(
    database: str, connection: Connection
) -> None:
    async with serving(DATABASE_URL=database) as service, observer(database) as looking:
        assert (await service.client.place_bet()).status_code == 201
        async with held(connection, DEFAULT_TENANT):
            reader, writer = await send_bet(service.port, "stuck")
            await until_blocked(looking)
            service.terminate()
            await until_refused(service)
            service.terminate()
            told = monotonic()
            assert await service.ended() == 0
            assert monotonic() - told < 5
            with suppress(ConnectionResetError):
                assert await reader.read() == b""
            writer.close()
    async with serving(DATABASE_URL=database) as service:
        # Nobody knows what has become of it; the key makes sure of once.
        assert (await service.client.place_bet(key="stuck")).status_code in {200, 201}
    assert len(await assert_sound(connection, DEFAULT_TENANT)) == 2


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_a_stop_waits_a_limited_time_for_callers_who_stop_within_a_request(
    database: str, connection: Connection, workers: str
) -> None:
    """Within its line, its headers and its body."""
    request = placing("half")
    async with serving(DATABASE_URL=database, WORKERS=workers, STOP_SECONDS="1") as service:
        assert (await service.client.place_bet(key="whole")).status_code == 201
        ends = [await asyncio.open_connection("127.0.0.1", service.port) for _ in range(2 * PARTS)]
        for number, (_, writer) in enumerate(ends):
            writer.write(request[: len(request) * (number % PARTS + 1) // (PARTS + 1)])
            await writer.drain()
        await service.client.http.get("/livez")  # came after those and is answered already
        service.terminate()
        told = monotonic()
        status = await service.ended()
        took = monotonic() - told
        for _, writer in ends:
            writer.close()
        assert status == 0
        assert 1 <= took < 5
    assert [row["idempotency_key"] for row in await assert_sound(connection, DEFAULT_TENANT)] == [
        "whole"
    ]


async def test_a_draining_service_says_so_and_goes_on_working(database: str) -> None:
    async with serving(DATABASE_URL=database, DRAIN_SECONDS="1") as service:
        service.terminate()

        async def not_ready() -> bool:
            return (await service.client.http.get("/readyz")).status_code == 503

        await until(not_ready)
        assert (await service.client.place_bet()).status_code == 201
        assert (await service.client.http.get("/livez")).status_code == 200
        assert await service.ended() == 0


async def test_a_second_signal_stops_a_draining_service_at_once(database: str) -> None:
    async with serving(DATABASE_URL=database, DRAIN_SECONDS="60") as service:
        service.terminate()

        async def not_ready() -> bool:
            return (await service.client.http.get("/readyz")).status_code == 503

        await until(not_ready)
        service.terminate()
        assert await service.ended() == 0


async def test_a_stop_ends_streams_and_those_who_wait_at_once(database: str) -> None:
    async with serving(DATABASE_URL=database, WORKERS="2") as service:
        client = service.client
        assert (await client.place_bet()).status_code == 201
        connected = asyncio.Barrier(11)

        async def follow() -> list[Message]:
            async with stream(client) as received:
                await events(received, 1)
                await connected.wait()
                return [message async for message in received if message.event]

        following = [asyncio.create_task(follow()) for _ in range(10)]
        waiting = [asyncio.create_task(client.get("/feed?after=1&wait=30")) for _ in range(10)]
        await connected.wait()
        await until_followed(client, 20)
        service.terminate()
        told = monotonic()
        assert await asyncio.gather(*following) == [[]] * 10  # complete bodies, or httpx objects
        pages = [answer.json() for answer in await asyncio.gather(*waiting)]
        assert pages == [{"events": [], "next": 1}] * 10
        assert await service.ended() == 0
        assert monotonic() - told < 5


async def test_streams_outlast_the_draining_and_end_with_the_stop(database: str) -> None:
    async with serving(DATABASE_URL=database, DRAIN_SECONDS="60") as service:
        async with stream(service.client) as received:
            service.terminate()

            async def not_ready() -> bool:
                return (await service.client.http.get("/readyz")).status_code == 503

            await until(not_ready)
            assert (await service.client.place_bet()).status_code == 201
            assert [event["position"] for event in await events(received, 1)] == [1]
            service.terminate()
            assert [message async for message in received if message.event] == []
        assert await service.ended() == 0
