"""The feed as server-sent events: what it sends, where it resumes, and how it ends."""

import asyncio
import socket
import time
from contextlib import aclosing

import httpx
import pytest

from app import event_stream
from tests.app.api.book import open_book
from tests.app.api.tokens import WITH_SECRET, calling, token
from tests.app.followers import followers, until_followed
from tests.app.ledger import Connection
from tests.app.messages import events, messages, stream
from tests.conftest import EXTERNAL_TENANT, Client, StartService

LARGE_EVENTS = """
INSERT INTO bet_events (tenant_id, position, id, aggregate_id, event_type, event_name, event_data,
    timestamp, version, metadata, hash, idempotency_key)
SELECT $1, number, gen_random_uuid(), 'bet-' || number, 'V1_BETS_BET_CANCELLED',
    'v1.bets.bet.cancelled', jsonb_build_object('reason', repeat('x', 100000)), 1, 1, '{}', '', 'k'
FROM generate_series(1, 300) AS number
"""


async def test_a_stream_sends_what_there_is_and_then_what_comes(client: Client) -> None:
    await open_book(client)
    async with stream(client) as received:
        found = await events(received, 5)
        for amount in (1, 2):
            await client.deposit("u", amount)
            found += await events(received, 3)
    assert found == (await client.get("/events")).json()
    assert [event["position"] for event in found] == list(range(1, 12))


async def test_the_id_of_a_message_is_the_position_and_a_stream_resumes_after_it(
    client: Client,
) -> None:
    for _ in range(5):
        await client.place_bet()
    async with stream(client, after=1) as received:
        message = await anext(received)
        assert message.position == 2
    async with stream(client, after=1, last=message.position) as received:
        assert [event["position"] for event in await events(received, 3)] == [3, 4, 5]


async def test_a_log_of_many_pages_comes_whole(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_stream, "EVENTS_AT_ONCE", 7)
    await asyncio.gather(*(client.place_bet() for _ in range(50)))
    async with stream(client) as received:
        found = await events(received, 50)
    assert [event["position"] for event in found] == list(range(1, 51))


async def test_a_stream_that_is_silent_pings(start_service: StartService) -> None:
    async with start_service(feed_ping_seconds=0.05) as client:
        await client.place_bet()
        async with stream(client) as received:
            assert (await anext(received)).position == 1
            silent = [await anext(received) for _ in range(3)]
            assert [message.event for message in silent] == [None] * 3
            await client.place_bet()
            assert [event["position"] for event in await events(received, 1)] == [2]


async def test_a_stream_ends_when_its_token_is_accepted_no_longer(
    start_service: StartService,
) -> None:
    async with (
        start_service(**WITH_SECRET) as service,
        calling(service, token()) as client,
        stream(client) as staying,
    ):
        await client.place_bet()
        async with calling(service, token(exp=int(time.time()) + 3)) as leaving:
            async with stream(leaving) as received:
                found = [message async for message in received]
                assert [message.position for message in found if message.event] == [1]
            assert (await leaving.get("/events")).status_code == 401
        await client.place_bet()
        assert [event["position"] for event in await events(staying, 2)] == [1, 2]


async def test_streams_of_two_tenants_never_mix(client: Client) -> None:
    other = client.of(EXTERNAL_TENANT)
    async with stream(client) as own, stream(other) as others:
        for caller in (client, other, other, client):
            await caller.place_bet()
        for received, caller in ((own, client), (others, other)):
            found = await events(received, 2)
            assert [event["position"] for event in found] == [1, 2]
            assert {event["tenant_id"] for event in found} == {caller.tenant_id}


async def test_a_last_event_id_that_is_no_position_is_refused_by_name(
    client: Client, subtests: pytest.Subtests
) -> None:
    for value in ("x", "-1", "1.5", "9223372036854775808", "1 2", "9" * 50):
        with subtests.test(value):
            refused = await client.get("/feed/stream", headers={"Last-Event-ID": value})
            assert refused.status_code == 400
            assert [error["pointer"] for error in refused.json()["errors"]] == ["Last-Event-ID"]


async def test_what_keeps_a_stream_from_beginning_is_answered_as_a_problem(
    client: Client, connection: Connection
) -> None:
    unknown = await client.of(99).get("/feed/stream")
    assert unknown.status_code == 404
    await connection.execute("ALTER TABLE bet_events RENAME TO gone")
    crashed = await client.get("/feed/stream")
    assert crashed.status_code == 500
    assert await followers(client) == 0


async def test_who_hangs_up_makes_room(client: Client) -> None:
    async with stream(client) as received:
        await client.place_bet()
        await events(received, 1)
        assert await followers(client) == 1
    await until_followed(client, 0)


async def test_who_takes_nothing_is_let_go(
    client: Client, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_stream, "SEND_SECONDS", 0.2)
    monkeypatch.setattr(event_stream, "EVENTS_AT_ONCE", 10)
    await connection.execute(LARGE_EVENTS, client.tenant_id)
    with socket.socket() as idle:
        idle.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        idle.setblocking(False)
        url = httpx.URL(client.http.base_url)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(idle, (url.host, url.port))
        head = f"GET /feed/stream HTTP/1.1\r\nHost: x\r\nX-Tenant-Id: {client.tenant_id}\r\n\r\n"
        await loop.sock_sendall(idle, head.encode())
        await until_followed(client, 1)
        await until_followed(client, 0)


async def test_a_stream_goes_on_after_the_loss_of_every_connection(
    client: Client, connection: Connection
) -> None:
    async with stream(client) as received:
        for number in range(1, 4):
            assert (await client.place_bet()).status_code == 201
            assert [event["position"] for event in await events(received, 1)] == [number]
            await connection.fetch(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE datname = current_database() AND application_name = 'stakebook'"
            )


async def test_many_streams_of_one_tenant_all_get_everything(client: Client) -> None:
    async def follow(http: httpx.AsyncClient) -> list[int]:
        async with stream(Client(http, client.tenant_id)) as received:
            return [event["position"] for event in await events(received, 20)]

    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=client.http.base_url, limits=limits) as http:
        following = [asyncio.create_task(follow(http)) for _ in range(40)]
        for _ in range(20):
            await client.place_bet()
        assert await asyncio.gather(*following) == [list(range(1, 21))] * 40


async def test_a_stream_begins_at_once_although_there_is_nothing(client: Client) -> None:
    headers = {"X-Tenant-Id": str(client.tenant_id)}
    async with client.http.stream("GET", "/feed/stream", headers=headers) as answer:
        assert answer.headers["Cache-Control"] == "no-store"
        async with aclosing(messages(answer)) as received:
            assert (await anext(received)).event is None
