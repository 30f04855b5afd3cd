"""Two processes of the service on one database: no lock between them but the tenant's head."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator
from itertools import cycle
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg
import httpx
import pytest

from tests.app.ledger import Connection, assert_sound, events
from tests.app.processes import ServiceProcess, serving
from tests.conftest import DEFAULT_TENANT, EXTERNAL_TENANT, INTERNAL_TENANT, bet_body


@pytest.fixture(scope="module")
async def shared(server_url: str, template: str) -> AsyncGenerator[str, None]:
    """The URL of a migrated database for all tests of this file."""
    name = f"test_{uuid4().hex}"
    server = await asyncpg.connect(server_url)
    await server.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    yield urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))
    await server.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await server.close()


@pytest.fixture(scope="module")
async def replicas(shared: str) -> AsyncGenerator[tuple[ServiceProcess, ServiceProcess], None]:
    async with serving(DATABASE_URL=shared) as one, serving(DATABASE_URL=shared) as two:
        yield one, two


@pytest.fixture(scope="module")
async def log(shared: str) -> AsyncGenerator[Connection, None]:
    connection = await asyncpg.connect(shared)
    yield connection
    await connection.close()


Replicas = tuple[ServiceProcess, ServiceProcess]


async def test_fifty_identical_requests_give_one_event_and_one_201(
    replicas: Replicas, log: Connection
) -> None:
    one, two = (replica.client.of(EXTERNAL_TENANT) for replica in replicas)
    spread = [client for _, client in zip(range(50), cycle([one, two]), strict=False)]
    answers = await asyncio.gather(*(client.place_bet(key="same") for client in spread))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 200: 49}
    repeated = [answer.json() for answer in answers if answer.status_code == 200]
    assert all(answer["duplicate"] is True for answer in repeated)
    assert len({answer.json()["bet_id"] for answer in answers}) == 1
    made = [r for r in await events(log, EXTERNAL_TENANT) if r["idempotency_key"] == "same"]
    assert len(made) == 1


async def test_funds_for_fifty_bets_pay_for_fifty_of_two_hundred(
    replicas: Replicas, log: Connection
) -> None:
    one, two = (replica.client.of(INTERNAL_TENANT) for replica in replicas)
    assert (await one.deposit("gambler", "525.00")).status_code == 201
    spread = [client for _, client in zip(range(200), cycle([one, two]), strict=False)]
    answers = await asyncio.gather(*(client.place_bet(user_id="gambler") for client in spread))
    assert Counter(answer.status_code for answer in answers) == {201: 50, 422: 150}
    refused = {answer.json()["error"] for answer in answers if answer.status_code == 422}
    assert refused == {"Insufficient funds"}
    for client in (one, two):
        assert (await client.get("/users/gambler/balance")).json()["balance"] == 0
    assert len(await assert_sound(log, INTERNAL_TENANT)) == 3 + 2 * 50


async def test_both_write_to_one_tenant_at_once_and_positions_stay_dense(
    replicas: Replicas, log: Connection
) -> None:
    one, two = (replica.client for replica in replicas)
    before = len(await events(log, DEFAULT_TENANT))

    async def write(user: int) -> list[int]:
        client, rival = (one, two) if user % 2 else (two, one)
        placed = await client.place_bet(user_id=f"user-{user % 5}")
        path = f"/bets/{placed.json()['bet_id']}"
        confirmed, settled = await asyncio.gather(
            rival.post(f"{path}/confirm"), client.post(f"{path}/settle", {"result": "win"})
        )
        return [placed.status_code, settled.status_code, confirmed.status_code]

    answers = await asyncio.gather(*(write(user) for user in range(40)))
    assert all(found in ([201, 200, 200], [201, 200, 409]) for found in answers)
    late = sum(found == [201, 200, 409] for found in answers)
    assert len(await assert_sound(log, DEFAULT_TENANT)) - before == 120 - late


async def test_every_201_of_a_process_that_is_killed_is_in_the_log_once(
    shared: str, replicas: Replicas, log: Connection
) -> None:
    survivor = replicas[0].client
    answered: dict[str, int] = {}
    sent: list[str] = []
    enough = asyncio.Event()

    async def press_on(client: httpx.AsyncClient) -> None:
        while True:
            key = f"load-{uuid4()}"
            sent.append(key)
            headers = {"X-Tenant-Id": str(DEFAULT_TENANT), "Idempotency-Key": key}
            try:
                answer = await client.post("/bets", json=bet_body(), headers=headers)
            except httpx.TransportError:
                return
            answered[key] = answer.status_code
            if len(answered) == 300:
                enough.set()

    async with serving(DATABASE_URL=shared) as doomed:
        load = asyncio.gather(*(press_on(doomed.client.http) for _ in range(20)))
        await asyncio.wait_for(enough.wait(), 30)
        doomed.kill()
        await load
    assert set(answered.values()) == {201}
    made = Counter(r["idempotency_key"] for r in await assert_sound(log, DEFAULT_TENANT))
    assert all(made[key] == 1 for key in answered)

    unanswered = [key for key in sent if key not in answered]
    assert len(unanswered) == 20
    retried = await asyncio.gather(*(survivor.place_bet(key=key) for key in unanswered))
    assert {answer.status_code for answer in retried} <= {200, 201}
    made = Counter(r["idempotency_key"] for r in await assert_sound(log, DEFAULT_TENANT))
    assert all(made[key] == 1 for key in sent)
