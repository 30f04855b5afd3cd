"""A first bet."""

from tests.conftest import Client


async def test_a(client: Client) -> None:
    assert (await client.place_bet()).status_code == 201


async def test_b(client: Client) -> None:
    r = await client.place_bet()
    assert r.json()["last_position"] == 1
