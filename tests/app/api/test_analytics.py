"""The analytical reads: a tenant's totals, a user's activity, the rankings."""

from decimal import Decimal

import pytest

from tests.app.api.book import exactly, paid, placed
from tests.conftest import INTERNAL_TENANT, Client

WITHDRAWAL = {"type": "withdrawal", "mode": "instant"}


async def _play(client: Client) -> None:
    """`big` wins and loses, `small` has bets in every status, `saver` only deposits."""
    await client.deposit("big", 1000)
    await client.deposit("small", 100)
    await client.deposit("saver", "2000.5")
    await paid(client, user_id="saver", amount=7)
    failing = await paid(client, user_id="saver", amount=9)
    await client.post(f"/payments/{failing}/fail")
    won, lost = [await placed(client, user_id="big", stake=100, odds=3) for _ in range(2)]
    await client.post(f"/bets/{won}/settle", {"result": "win"})
    await client.post(f"/bets/{lost}/settle", {"result": "loss"})
    bets = [await placed(client, user_id="small", stake="10.1", odds=2) for _ in range(4)]
    await client.post(f"/bets/{bets[0]}/confirm")
    await client.post(f"/bets/{bets[1]}/cancel")
    await client.post(f"/bets/{bets[2]}/settle", {"result": "loss"})
    await paid(client, user_id="small", amount=30, **WITHDRAWAL)
    await paid(client, user_id="big", amount=50, **WITHDRAWAL)


async def test_the_summary_adds_up_the_tenant(client: Client) -> None:
    internal = client.of(INTERNAL_TENANT)
    await _play(internal)
    summary = exactly(await internal.get("/tenants/summary"))
    assert summary.pop("last_updated_at")
    assert summary.pop("last_position") == len((await internal.get("/events")).json())
    assert summary == {
        "bets_placed": 1,
        "bets_confirmed": 1,
        "bets_settled": 3,
        "bets_cancelled": 1,
        "turnover": Decimal("230.3"),
        "payouts": 300,
        "gross_gaming_revenue": Decimal("-89.9"),
        "payments_created": 1,
        "payments_completed": 5,
        "payments_failed": 1,
        "deposits": Decimal("3100.5"),
        "withdrawals": 80,
        "balances": Decimal("3090.2"),
    }
    users = [exactly(await internal.get(f"/users/{u}/balance")) for u in ("big", "small", "saver")]
    assert sum(user["balance"] for user in users) == summary["balances"]


async def test_the_summary_of_a_tenant_without_events_is_zero(client: Client) -> None:
    summary = (await client.get("/tenants/summary")).json()
    assert summary.pop("last_updated_at") is None
    assert set(summary.values()) == {0}


async def test_activity_adds_up_a_user(client: Client) -> None:
    await _play(client)
    activity = exactly(await client.get("/users/small/activity"))
    assert activity.pop("last_active_at")
    assert activity.pop("last_position") > 0
    assert activity == {
        "user_id": "small",
        "bets": 3,
        "bets_placed": 1,
        "bets_confirmed": 1,
        "bets_settled": 1,
        "bets_cancelled": 1,
        "staked": Decimal("30.3"),
        "won": 0,
        "lost": Decimal("10.1"),
        "payments_created": 0,
        "payments_completed": 2,
        "payments_failed": 0,
        "deposited": 100,
        "withdrawn": 30,
    }
    big = exactly(await client.get("/users/big/activity"))
    assert (big["staked"], big["won"], big["lost"]) == (200, 300, 100)


async def test_the_activity_of_nobody_is_zero(client: Client) -> None:
    activity = (await client.get("/users/nobody/activity")).json()
    assert activity.pop("user_id") == "nobody"
    assert activity.pop("last_active_at") is None
    assert set(activity.values()) == {0}


@pytest.mark.parametrize(
    ("by", "users"),
    [
        ("staked", ["big", "small", "saver"]),
        ("won", ["big", "saver", "small"]),
        ("lost", ["big", "small", "saver"]),
        ("deposited", ["saver", "big", "small"]),
        ("withdrawn", ["big", "small", "saver"]),
        ("bets", ["small", "big", "saver"]),
    ],
)
async def test_users_are_ranked_largest_first_and_ties_by_id(
    client: Client, by: str, users: list[str]
) -> None:
    await _play(client)
    ranked = (await client.get(f"/users/top?by={by}")).json()
    assert [row["user_id"] for row in ranked] == users
    values = [row[by] for row in ranked]
    assert values == sorted(values, reverse=True)
    first = (await client.get(f"/users/top?by={by}&limit=1")).json()
    assert first == ranked[:1]
    assert ranked[0] == (await client.get(f"/users/{users[0]}/activity")).json()


async def test_users_are_ranked_by_stakes_unless_told(client: Client) -> None:
    await _play(client)
    assert (await client.get("/users/top")).json() == (
        await client.get("/users/top?by=staked")
    ).json()
    assert (await client.get("/users/top?by=luck")).status_code == 400
