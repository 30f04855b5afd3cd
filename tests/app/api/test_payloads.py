"""A text is a text: it is no SQL, no header, no path, wherever it is put."""

import asyncio
from io import BytesIO
from typing import Final
from urllib.parse import quote
from uuid import uuid4

import httpx
import pytest

from app import avro_events
from domain.bet import BetCancelled, BetPlaced
from domain.events import EVENT_TYPE
from tests.app.api.askings import answer_to
from tests.app.api.book import Book, open_book, rows
from tests.app.api.operations import COMMANDS, OF_TENANTS
from tests.app.api.payloads import PAYLOADS, Spot, spots
from tests.app.ledger import Connection, assert_sound
from tests.app.messages import events, stream
from tests.app.transfers import held
from tests.conftest import DEFAULT_TENANT, EXTERNAL_TENANT, INTERNAL_TENANT, Client, StartService

CLOUDEVENTS: Final = "application/cloudevents-batch+json"
OTHERS: Final = (DEFAULT_TENANT, INTERNAL_TENANT)
HEADERS: Final = {
    *("content-type", "content-length", "transfer-encoding", "date", "server", "vary"),
    *("etag", "location", "link", "idempotent-replayed", "x-request-id"),
    *("cache-control", "x-accel-buffering", "x-content-type-options"),
}


async def send(client: Client, spot: Spot, book: Book, payload: str) -> httpx.Response:
    """Make a request of the operation, valid but for the payload in its spot."""
    parts = spot.request(book._asdict(), payload)
    headers: dict[str, object] = {}
    if spot.operation in OF_TENANTS:
        headers["X-Tenant-Id"] = str(client.tenant_id)
    if spot.operation in COMMANDS:
        headers["Idempotency-Key"] = f"key-{uuid4()}"
    parts["headers"] = headers | parts["headers"]
    return await answer_to(client.http, client.http.build_request(**parts))


async def test_a_text_does_no_harm_wherever_it_is_put(
    start_service: StartService, connection: Connection, subtests: pytest.Subtests
) -> None:
    async with start_service(feed_ping_seconds=0.05) as client:
        for other in OTHERS:
            await open_book(client.of(other))
        caller = client.of(EXTERNAL_TENANT)
        book = await open_book(caller)
        before = [await held(connection, other) for other in OTHERS]
        tables = (await rows(connection)).keys()
        for spot in spots():
            with subtests.test(str(spot)):
                sent = [payload for payload in PAYLOADS if spot.takes(payload)]
                sending = (send(caller, spot, book, payload) for payload in sent)
                for payload, answer in zip(sent, await asyncio.gather(*sending), strict=True):
                    assert answer.status_code < httpx.codes.INTERNAL_SERVER_ERROR, payload
                    assert answer.headers.keys() <= HEADERS
                    assert_told(spot, answer, payload)
    assert [await held(connection, other) for other in OTHERS] == before
    assert (await rows(connection)).keys() == tables
    await assert_sound(connection, EXTERNAL_TENANT)


def assert_told(spot: Spot, answer: httpx.Response, payload: str) -> None:
    """What an answer says of the payload is the payload."""
    is_named = spot.place == "path" or (spot.place == "body" and answer.is_success)
    if is_named and answer.headers["Content-Type"].endswith("json"):
        content: dict[str, object] | list[object] = answer.json()
        if isinstance(content, dict):
            assert content.get(spot.name, payload) == payload


async def test_a_text_that_is_taken_comes_back_as_it_was_in_every_form(client: Client) -> None:
    taken = [payload for payload in PAYLOADS if await _take(client, payload)]
    assert len(taken) > len(PAYLOADS) // 2
    log = (await client.get("/events")).json()
    placed = [each for each in log if each["event_type"] == EVENT_TYPE[BetPlaced]]
    cancelled = [each for each in log if each["event_type"] == EVENT_TYPE[BetCancelled]]
    assert [each["event_data"]["user_id"] for each in placed] == taken
    assert [each["event_data"]["fixture_id"] for each in placed] == taken
    assert [each["event_data"]["reason"] for each in cancelled] == taken
    assert (await client.get("/feed")).json()["events"] == log
    async with stream(client) as messages:
        assert await events(messages, len(log)) == log
    avro = await client.get("/feed", headers={"Accept": "application/vnd.apache.avro+binary"})
    decoded = [each.recorded for each in avro_events.decode(BytesIO(avro.content))]
    assert [(each.aggregate_id, each.idempotency_key) for each in decoded] == [
        (each["aggregate_id"], each["idempotency_key"]) for each in log
    ]
    batch = (await client.get("/feed", headers={"Accept": CLOUDEVENTS})).json()
    assert [each["data"] for each in batch] == [each["event_data"] for each in log]
    top = (await client.get("/users/top?by=bets&limit=200")).json()
    assert {each["user_id"] for each in top} == set(taken)


async def _take(client: Client, payload: str) -> bool:
    """Place a bet with the payload as all that it says, and cancel it with that as the reason."""
    sent = {"user_id": payload, "fixture_id": payload, "stake": 1, "odds": 2}
    key = payload if payload.isascii() and payload.isprintable() else None
    placing = await client.post("/bets", sent, key)
    if not placing.is_success:
        assert placing.status_code == httpx.codes.BAD_REQUEST
        return False
    assert placing.json()["user_id"] == placing.json()["fixture_id"] == payload
    assert key in {None, placing.json()["idempotency_key"]}
    path = placing.headers["Location"]
    assert (await client.post(f"{path}/cancel", {"reason": payload})).is_success
    listed = (await client.get(f"/users/{quote(payload, safe='')}/bets")).json()
    assert [each["bet_id"] for each in listed["bets"]] == [placing.json()["bet_id"]]
    return True


async def test_a_reason_may_have_lines_and_is_one_message_of_a_stream(client: Client) -> None:
    for payload in PAYLOADS:
        if "\0" not in payload:
            path = (await client.place_bet()).headers["Location"]
            assert (await client.post(f"{path}/cancel", {"reason": payload})).is_success
    log = (await client.get("/events")).json()
    reasons = [each["event_data"]["reason"] for each in log[1::2]]
    assert reasons == [payload for payload in PAYLOADS if "\0" not in payload]
    async with stream(client) as messages:
        assert await events(messages, len(log)) == log
