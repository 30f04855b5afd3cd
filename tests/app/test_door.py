"""The door: what is turned away while the queue is full, how, and what comes of the rest."""

import asyncio
import json
import re
from time import monotonic
from typing import Any
from uuid import uuid4

import httpx
import pytest

from app.door import CLOSED_SECONDS, LEAST_A_SECOND, Door
from app.metrics import Metrics
from tests.app.ledger import Connection, assert_sound
from tests.app.locks import held, until
from tests.app.processes import serving
from tests.conftest import DEFAULT_TENANT, Client, bet_body

OURS = [(b"x-tenant-id", b"10001"), (b"content-length", b"0")]
PADDING = " " * 60_000


def test_a_door_is_closed_to_one_tenant_while_as_many_are_inside() -> None:
    door = Door(Metrics())
    for _ in range(3):
        door.enter()
    assert not door.is_closed(OURS)
    door.close(10001)
    door.leave()
    assert door.is_closed(OURS)
    assert not door.is_closed([(b"x-tenant-id", b"10002")])
    door.leave()
    assert not door.is_closed(OURS)
    door.enter()
    assert door.is_closed(OURS)


async def test_after_a_moment_the_queue_is_asked_again() -> None:
    door = Door(Metrics())
    door.enter()
    door.close(10001)
    assert door.is_closed(OURS)
    await asyncio.sleep(CLOSED_SECONDS)
    assert not door.is_closed(OURS)


@pytest.mark.parametrize("headers", [[], [(b"x-tenant-id", b"x")], OURS * 2])
def test_who_names_no_tenant_is_not_turned_away_but_told_so(
    headers: list[tuple[bytes, bytes]],
) -> None:
    door = Door(Metrics())
    door.enter()
    door.close(10001)
    assert not door.is_closed(headers)


async def test_callers_who_call_again_at_once_are_turned_away_at_a_limited_rate() -> None:
    door, sent = Door(Metrics()), list[Any]()

    async def receive() -> Any:
        raise AssertionError("there is no body")

    async def send(message: Any) -> None:
        sent.append(message)

    began = monotonic()
    scope: Any = {"type": "http", "headers": OURS}
    await asyncio.gather(*(door.turn_away(scope, receive, send) for _ in range(20)))
    assert monotonic() - began > 15 / LEAST_A_SECOND
    assert [message["status"] for message in sent if "status" in message] == [503] * 20


async def turned_away(looking: httpx.AsyncClient) -> int:
    """How many have been turned away at the door."""
    metrics = (await looking.get("/metrics")).text
    found = re.search(r'commands_total{operation="unread",outcome="overloaded"} (\d+)', metrics)
    return int(found[1]) if found else 0


async def test_of_a_flood_each_command_is_either_carried_out_or_turned_away_whole(
    database: str, connection: Connection
) -> None:
    answers: dict[str, httpx.Response] = {}

    async def enough_turned_away() -> bool:
        return await turned_away(looking) >= 20

    async def press_on(client: Client) -> None:
        for _ in range(2):
            key = f"flood-{uuid4()}"
            sent = {"X-Tenant-Id": str(DEFAULT_TENANT), "Idempotency-Key": key}
            content = json.dumps(bet_body()) + PADDING
            json_type = {"Content-Type": "application/json"}
            answers[key] = await client.http.post(
                "/bets", content=content, headers=sent | json_type
            )

    async with serving(DATABASE_URL=database, QUEUE_LIMIT="32", BATCH_LIMIT="16") as service:
        client = service.client
        assert (await client.place_bet()).status_code == 201
        async with (
            held(connection, DEFAULT_TENANT),
            httpx.AsyncClient(base_url=client.http.base_url) as looking,
        ):
            flood = asyncio.gather(*(press_on(client) for _ in range(150)))
            await until(enough_turned_away)
        await flood
        placed = {key for key, answer in answers.items() if answer.status_code == 201}
        refused = {key: answer for key, answer in answers.items() if key not in placed}
        for answer in refused.values():
            assert_overloaded(answer)
        again = [(await client.place_bet(key=key)).status_code for key in list(refused)[:20]]
        assert again == [201] * 20
    committed = {row["idempotency_key"] for row in await assert_sound(connection, DEFAULT_TENANT)}
    assert placed < committed
    assert len(committed) == 1 + len(placed) + 20


def assert_overloaded(answer: httpx.Response) -> None:
    """The answer says that nothing was done and when to come again."""
    problem = answer.json()
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["retry-after"] == "1"
    assert answer.headers["x-request-id"] == problem["request_id"]
    assert problem["error"] == "Service overloaded"
    assert problem["instance"].startswith("urn:uuid:")
