"""Calls of every operation, so that a service sends every statement that it has for them."""

import asyncio
from collections.abc import Iterator
from itertools import product
from typing import Final

from projections.snapshots import EVERY
from tests.app.api.book import Book, open_book, paid, placed
from tests.app.api.operations import OPERATIONS, READS
from tests.app.api.variations import variations
from tests.app.ledger import Connection
from tests.app.locks import held
from tests.app.messages import events, stream
from tests.app.rebuilding import place_many
from tests.app.submissions import place
from tests.app.units import connected
from tests.conftest import EXTERNAL_TENANT, INTERNAL_TENANT, Client

FORMS: Final = (
    "application/json",
    "application/cloudevents-batch+json",
    "application/vnd.apache.avro+binary",
)


async def command(client: Client) -> Book:
    """Send commands of every kind: carried out, repeated, refused, and under a used key."""
    book = await open_book(client)
    for result in ("win", "loss"):
        settled = f"/bets/{await placed(client)}/settle"
        for key in ("settle", "settle", None):  # carried out, repeated; refused
            await client.post(settled, {"result": result}, key and f"{settled} {key}")
    for path, body in _moves(await placed(client), await paid(client)):
        await client.post(path, body, "used before", If_Match='"1"')
        await client.post(path, body)
    for kind, mode in product(("deposit", "withdrawal"), ("instant", "deferred")):
        for amount in (10, 1_000_000):
            await client.post(
                "/payments", {"user_id": "user-1", "amount": amount, "type": kind, "mode": mode}
            )
    await client.place_bet(user_id="somebody new")
    await client.place_bet("key", user_id="somebody newer")
    await client.place_bet("key", user_id="somebody else")
    return book


def _moves(bet_id: str, payment_id: str) -> Iterator[tuple[str, object]]:
    yield f"/bets/{bet_id}/confirm", None
    yield f"/bets/{bet_id}/cancel", {"reason": "rain"}
    yield "/bets/nothing/confirm", None
    yield f"/payments/{payment_id}/complete", None
    yield f"/payments/{payment_id}/fail", None
    yield "/payments/nothing/fail", None


async def read(client: Client, book: Book) -> None:
    """Read everything, with every combination of query parameters and in every form."""
    event = (await client.get("/events?limit=1")).json()[0]
    for operation in READS:
        path = book.fill(operation.template)
        for query in variations(operation, 2, now=event["created_at"].replace("+", "%2B")):
            answer = await client.get(f"{path}?{query}")
            assert answer.status_code < 500, answer.text
    for form in FORMS:
        assert (await client.get("/feed", headers={"Accept": form})).is_success
    for path in ("/bets/{bet_id}", "/payments/{payment_id}"):
        answer = await client.get(book.fill(path), headers={"If-None-Match": "*"})
        assert answer.status_code == 304


async def reach_back(client: Client, database: str) -> None:
    """Read totals of the past from a snapshot on, and of what had begun before it."""
    payment_id, bet_id = await paid(client), await placed(client)
    await place_many(database, EVERY)
    for path in (f"/payments/{payment_id}/complete", f"/bets/{bet_id}/confirm"):
        assert (await client.post(path)).is_success
    head = (await client.get("/tenants/summary")).json()["last_position"]
    assert (await client.get(f"/tenants/summary?as_of={head}")).is_success


async def follow(client: Client) -> None:
    """Follow the log from its beginning, and wait for what comes."""
    waiting = asyncio.create_task(client.get("/feed?after=1000000&wait=1"))
    async with stream(client) as messages:
        await events(messages, 1)
    assert (await waiting).is_success


async def ask_the_process(client: Client) -> None:
    """Ask what concerns no tenant."""
    for operation in OPERATIONS:
        if operation.method == "GET" and "{" not in operation.template:
            await client.http.get(operation.template)


async def contend(client: Client, database: str, connection: Connection) -> None:
    """Write to tenants whose heads another process moves, or somebody holds."""
    callers = [client.of(tenant) for tenant in (EXTERNAL_TENANT, INTERNAL_TENANT)]
    async with connected(database) as other:
        await other.run(place(EXTERNAL_TENANT), place(INTERNAL_TENANT))
    moved = await asyncio.gather(*(caller.deposit("user-1", 1) for caller in callers))
    async with held(connection, EXTERNAL_TENANT):
        waiting = [asyncio.create_task(caller.deposit("user-1", 1)) for caller in callers]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    assert {answer.status_code for answer in [*moved, *await asyncio.gather(*waiting)]} == {201}
