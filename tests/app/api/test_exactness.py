"""Amounts come back exactly, as JSON numbers."""

import re
from decimal import Decimal

import pytest

from tests.app.api.book import balance, exactly
from tests.conftest import INTERNAL_TENANT, Client

AMOUNTS = [
    "0.1",
    "0.0001",
    "1",
    "1e2",
    "10.50",
    "0.3",
    "123456789.0123",
    "1234567890123456.7891",
    "9007199254740993",
    "9999999999999999.9999",
]


@pytest.mark.parametrize("quoted", [False, True], ids=["number", "string"])
async def test_an_amount_comes_back_exactly(
    client: Client, quoted: bool, subtests: pytest.Subtests
) -> None:
    headers = {"X-Tenant-Id": "10001", "Content-Type": "application/json"}
    for amount in AMOUNTS:
        with subtests.test(amount):
            given, value = f'"{amount}"' if quoted else amount, Decimal(amount)
            user = f"user-{amount}"
            odds = '"1.0001"' if quoted else "1.0001"
            bet = f'{{"user_id": "{user}", "stake": {given}, "odds": {odds}, "fixture_id": "f"}}'
            placing = await client.http.post(
                "/bets", content=bet, headers=headers | {"Idempotency-Key": f"bet {amount}"}
            )
            paying = await client.http.post(
                "/payments",
                content=f'{{"user_id": "{user}", "amount": {given}}}',
                headers=headers | {"Idempotency-Key": f"payment {amount}"},
            )
            assert (placing.status_code, paying.status_code) == (201, 201)
            assert exactly(placing)["stake"] == exactly(paying)["amount"] == value
            assert exactly(placing)["odds"] == Decimal("1.0001")
            found = await client.get(placing.headers["Location"])
            assert re.search(r'"stake":[0-9.]+,', found.text), "a number, not a string"
            assert exactly(found)["stake"] == value
            assert exactly(await client.get(paying.headers["Location"]))["amount"] == value
            assert await balance(client, user) == value
            listed = exactly(await client.get(f"/users/{user}/bets"))
            assert listed["bets"][0]["stake"] == value
            events = exactly(await client.get(f"/users/{user}/balance/events"))
            assert events[0]["event_data"]["amount"] == value
            assert exactly(await client.get(f"/users/{user}/activity"))["staked"] == value
    summary = exactly(await client.get("/tenants/summary"))
    assert summary["turnover"] == summary["balances"] == sum(map(Decimal, AMOUNTS))


async def test_sums_of_tenths_are_exact(client: Client) -> None:
    for _ in range(10):
        await client.deposit("u", 0.1)
    assert await balance(client, "u") == 1


@pytest.mark.parametrize(
    ("stake", "odds", "payout"),
    [
        ("0.0001", "1.5", "0.0002"),
        ("0.0001", "2.5", "0.0002"),
        ("0.0003", "1.5", "0.0004"),
        ("10.5", "2.1", "22.05"),
        ("33.3333", "3.3333", "111.1099"),
        ("999999999999.9999", "9999.9999", "9999999899999999.0000"),
    ],
)
async def test_a_win_is_rounded_half_even_to_the_money_scale(
    client: Client, stake: str, odds: str, payout: str
) -> None:
    bet_id = (await client.place_bet(stake=stake, odds=odds)).json()["bet_id"]
    settled = await client.post(f"/bets/{bet_id}/settle", {"result": "win"})
    assert settled.status_code == 200
    assert exactly(settled)["payout"] == Decimal(payout)


async def test_a_payout_beyond_the_scale_is_refused_and_the_bet_stays_open(client: Client) -> None:
    bet_id = (await client.place_bet(stake="9999999999999999", odds=2)).json()["bet_id"]
    refused = await client.post(f"/bets/{bet_id}/settle", {"result": "win"})
    assert refused.status_code == 422
    assert exactly(refused)["limit"] == Decimal("9999999999999999.9999")
    assert (await client.get(f"/bets/{bet_id}")).json()["status"] == "placed"


async def test_a_balance_never_outgrows_the_scale(client: Client) -> None:
    internal = client.of(INTERNAL_TENANT)
    await internal.deposit("u", "9999999999999999.9999")
    refused = await internal.deposit("u", "0.0001")
    assert refused.status_code == 422
    assert refused.json()["error"] == "Limit exceeded"
    assert await balance(internal, "u") == Decimal("9999999999999999.9999")
