"""Pages of lists hold each row byte for byte as it is answered alone."""

import asyncio
from urllib.parse import quote

import httpx
import pytest

from tests.app.api.book import paid, placed
from tests.app.ledger import Connection
from tests.app.submissions import pay, place
from tests.app.units import connected
from tests.conftest import DEFAULT_TENANT, Client

USERS = ("user-1", "ü-ß-漢字-🎲", 'quoted "twice" \\ \u2028 <b>')
STAKES = ("10.5000", "0.0001", "1", "1234567890123456.7891", "9999999999999999.9999")


def path_of(user_id: str, name: str) -> str:
    return f"/users/{quote(user_id, safe='')}/{name}"


async def assert_as_alone(client: Client, page: httpx.Response, name: str) -> int:
    """The rows of a page stand in it as their own resources answer; how many there are."""
    assert page.status_code == 200
    ids = [row[f"{name[:-1]}_id"] for row in page.json()[name]]
    alone = await asyncio.gather(*(client.get(f"/{name}/{each}") for each in ids))
    rows = b",".join(response.content for response in alone)
    assert page.content.startswith(b'{"%b":[%b],"total":' % (name.encode(), rows))
    return len(ids)


@pytest.mark.parametrize("user_id", USERS, ids=["plain", "unicode", "quoted"])
async def test_bets_of_every_status_stand_in_a_page_as_they_are(
    client: Client, user_id: str
) -> None:
    made = [
        await placed(client, user_id=user_id, fixture_id=user_id, stake=stake, odds="1.0001")
        for stake in STAKES
    ]
    await client.post(f"/bets/{made[0]}/confirm")
    await client.post(f"/bets/{made[1]}/settle", {"result": "win"})
    await client.post(f"/bets/{made[2]}/settle", {"result": "loss"})
    await client.post(f"/bets/{made[3]}/cancel", {"reason": user_id})
    path = path_of(user_id, "bets")
    assert await assert_as_alone(client, await client.get(path), "bets") == len(STAKES)
    for status, count in {"placed": 1, "confirmed": 1, "settled": 2, "cancelled": 1}.items():
        page = await client.get(f"{path}?status={status}")
        assert await assert_as_alone(client, page, "bets") == count
        assert {bet["status"] for bet in page.json()["bets"]} == {status}


@pytest.mark.parametrize("user_id", USERS, ids=["plain", "unicode", "quoted"])
async def test_payments_of_every_status_stand_in_a_page_as_they_are(
    client: Client, user_id: str
) -> None:
    made = [await paid(client, user_id=user_id, amount=amount) for amount in STAKES]
    await client.post(f"/payments/{made[0]}/complete")
    await client.post(f"/payments/{made[1]}/fail", {"reason": user_id})
    path = path_of(user_id, "payments")
    assert await assert_as_alone(client, await client.get(path), "payments") == len(STAKES)
    for status, count in {"created": 3, "completed": 1, "failed": 1}.items():
        page = await client.get(f"{path}?status={status}")
        assert await assert_as_alone(client, page, "payments") == count
        assert {payment["status"] for payment in page.json()["payments"]} == {status}


@pytest.mark.parametrize("milliseconds", [0, 100, 120, 123])
async def test_a_time_stands_in_a_page_as_it_is_whatever_digits_it_ends_in(
    client: Client, database: str, connection: Connection, milliseconds: int
) -> None:
    later = 4_000_000_000_000 + milliseconds
    await client.place_bet()
    await connection.execute("UPDATE tenant_heads SET last_timestamp = $1", later)
    async with connected(database) as process:
        await process.run(place(DEFAULT_TENANT), place(DEFAULT_TENANT), pay(DEFAULT_TENANT))
    for name, count in {"bets": 3, "payments": 1}.items():
        page = await client.get(path_of("user-1", name))
        assert await assert_as_alone(client, page, name) == count
        assert page.json()[name][0]["last_updated_at"].startswith("2096-10-02T07:06:40")
