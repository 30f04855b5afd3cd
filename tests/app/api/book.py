"""A tenant with something in every list, and what the tests look up in it."""

from decimal import Decimal
from typing import Any, NamedTuple

import asyncpg
import httpx
from msgspec.json import Decoder

from tests.conftest import DEFAULT_TENANT, Client

EXACT = Decoder[Any](float_hook=Decimal)


class Book(NamedTuple):
    """The ids under which a tenant has a bet, a deferred deposit and a balance."""

    bet_id: str
    payment_id: str
    user_id: str

    def fill(self, template: str) -> str:
        """The path of `template` with the ids in it; a parameter unknown here is an error."""
        others = {"tenant_id": DEFAULT_TENANT, "slug": "bet-not-found", "name": "bet_event"}
        return template.format(**self._asdict(), **others)


async def open_book(client: Client, user_id: str = "user-1") -> Book:
    """Give a user money, a bet and a deferred deposit."""
    assert (await client.deposit(user_id, 1000)).status_code == 201
    bet = await client.place_bet(user_id=user_id)
    assert bet.status_code == 201, bet.text
    payment = await client.post("/payments", {"user_id": user_id, "amount": 25, "mode": "deferred"})
    assert payment.status_code == 201, payment.text
    return Book(bet.json()["bet_id"], payment.json()["payment_id"], user_id)


async def placed(client: Client, **fields: object) -> str:
    """Place a bet; its id."""
    response = await client.place_bet(None, **fields)
    assert response.status_code == 201, response.text
    return str(response.json()["bet_id"])


async def paid(client: Client, **fields: object) -> str:
    """Make a payment, a deferred deposit of 25 unless told otherwise; its id."""
    body = {"user_id": "user-1", "amount": 25, "mode": "deferred"} | fields
    response = await client.post("/payments", body)
    assert response.status_code == 201, response.text
    return str(response.json()["payment_id"])


async def balance(client: Client, user_id: str = "user-1") -> Decimal:
    """A user's present balance."""
    value = exactly(await client.get(f"/users/{user_id}/balance"))["balance"]
    return Decimal(value)


def exactly(response: httpx.Response) -> Any:
    """The JSON of a response, its numbers as exact decimals."""
    return EXACT.decode(response.content)


async def rows(connection: "asyncpg.Connection[Any]") -> dict[str, int]:
    """How many rows each table has."""
    names = await connection.fetch(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
    )
    return {
        name: await connection.fetchval(f'SELECT count(*) FROM "{name}"')  # noqa: S608 - own tables
        for (name,) in names
    }


async def written(connection: "asyncpg.Connection[Any]") -> dict[str, int]:
    """How many rows each table has, apart from the heads, which open at a first command."""
    return {name: count for name, count in (await rows(connection)).items() if "head" not in name}
