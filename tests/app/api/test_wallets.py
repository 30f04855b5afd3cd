"""What bets and payments do to a balance, in internal and in external wallets."""

from decimal import Decimal

import pytest

from tests.app.api.book import balance, exactly, paid, placed
from tests.conftest import INTERNAL_TENANT, Client


@pytest.fixture
async def internal(client: Client) -> Client:
    """A caller as the tenant with an internal wallet, whose user has 100."""
    caller = client.of(INTERNAL_TENANT)
    assert (await caller.deposit("user-1", 100)).status_code == 201
    return caller


async def _types(client: Client) -> list[str]:
    events = (await client.get("/users/user-1/balance/events")).json()
    return [event["event_type"].rpartition("_")[2] for event in events]


async def test_placing_takes_the_stake(internal: Client) -> None:
    await placed(internal, stake="10.5")
    assert await balance(internal) == Decimal("89.5")
    assert await _types(internal) == ["INCREASED", "DECREASED"]


async def test_a_stake_beyond_the_balance_is_refused_with_both_amounts(internal: Client) -> None:
    refused = await internal.place_bet(stake="100.0001")
    assert refused.status_code == 422
    problem = exactly(refused)
    assert problem["error"] == "Insufficient funds"
    assert (problem["available"], problem["required"]) == (100, Decimal("100.0001"))
    assert await balance(internal) == 100
    assert (await internal.get("/users/user-1/bets")).json()["total"] == 0


async def test_the_whole_balance_may_be_staked_and_no_more(internal: Client) -> None:
    await placed(internal, stake=100)
    assert await balance(internal) == 0
    refused = await internal.place_bet(stake="0.0001")
    assert exactly(refused)["available"] == 0


async def test_a_user_without_a_balance_has_nothing_to_stake(internal: Client) -> None:
    refused = await internal.place_bet(user_id="nobody", stake=1)
    assert refused.status_code == 422
    assert exactly(refused)["available"] == 0


@pytest.mark.parametrize(
    ("body", "after"),
    [
        ({"result": "win"}, "111.025"),
        ({"result": "win", "payout": "50.0001"}, "140.0001"),
        ({"result": "loss"}, "90"),
    ],
    ids=["win", "win with payout", "loss"],
)
@pytest.mark.parametrize("confirmed", [False, True], ids=["placed", "confirmed"])
async def test_settling_pays_a_win_and_nothing_for_a_loss(
    internal: Client, body: dict[str, object], after: str, confirmed: bool
) -> None:
    bet_id = await placed(internal, stake=10, odds="2.1025")
    if confirmed:
        await internal.post(f"/bets/{bet_id}/confirm")
        assert await balance(internal) == 90
    settled = await internal.post(f"/bets/{bet_id}/settle", body)
    assert settled.status_code == 200
    assert await balance(internal) == Decimal(after)


async def test_cancelling_refunds_the_stake_once(internal: Client) -> None:
    bet_id = await placed(internal, stake=40)
    for _ in range(2):
        await internal.post(f"/bets/{bet_id}/cancel", None, "once")
    assert (await internal.post(f"/bets/{bet_id}/cancel")).status_code == 409
    assert await balance(internal) == 100
    assert await _types(internal) == ["INCREASED", "DECREASED", "INCREASED"]


async def test_the_balance_says_which_bet_moved_it(internal: Client) -> None:
    bet_id = await placed(internal)
    event = (await internal.get("/users/user-1/balance/events")).json()[-1]
    assert event["event_data"]["bet_id"] == bet_id
    assert event["metadata"]["related_to"] == bet_id


async def test_bets_move_nothing_in_an_external_wallet(client: Client) -> None:
    await client.deposit("user-1", 5)
    for action, body in (("settle", {"result": "win"}), ("cancel", None), ("confirm", None)):
        bet_id = await placed(client, stake=1000)
        assert (await client.post(f"/bets/{bet_id}/{action}", body)).status_code == 200
    assert await balance(client) == 5
    assert await _types(client) == ["INCREASED"]


async def test_a_deferred_deposit_counts_once_it_is_complete(client: Client) -> None:
    payment_id = await paid(client)
    assert await balance(client) == 0
    assert (await client.post(f"/payments/{payment_id}/complete")).status_code == 200
    assert await balance(client) == 25


async def test_a_deferred_deposit_that_fails_never_counts(client: Client) -> None:
    payment_id = await paid(client)
    failed = await client.post(f"/payments/{payment_id}/fail", {"reason": "card declined"})
    assert failed.json()["status"] == "failed"
    assert await balance(client) == 0
    assert await _types(client) == []


@pytest.mark.parametrize(
    ("action", "after"), [(None, 75), ("complete", 75), ("fail", 100)], ids=str
)
async def test_a_withdrawal_takes_the_money_when_it_is_created_and_gives_it_back_when_it_fails(
    internal: Client, action: str | None, after: int
) -> None:
    making = await internal.post("/payments", {"user_id": "user-1", "amount": 25} | _WITHDRAWAL)
    assert making.json()["status"] == "created"
    assert await balance(internal) == 75
    if action:
        path = f"/payments/{making.json()['payment_id']}/{action}"
        assert (await internal.post(path)).status_code == 200
    assert await balance(internal) == after


async def test_an_instant_withdrawal_is_complete_at_once(internal: Client) -> None:
    body = {"user_id": "user-1", "amount": 25, "mode": "instant"} | _WITHDRAWAL
    making = await internal.post("/payments", body)
    assert making.json()["status"] == "completed"
    assert making.json()["version"] == 2
    assert await balance(internal) == 75


@pytest.mark.parametrize("tenant_id", [10001, INTERNAL_TENANT], ids=["external", "internal"])
async def test_a_withdrawal_beyond_the_balance_is_refused(client: Client, tenant_id: int) -> None:
    caller = client.of(tenant_id)
    await caller.deposit("user-1", 10)
    body = {"user_id": "user-1", "amount": "10.0001"} | _WITHDRAWAL
    refused = await caller.post("/payments", body)
    assert refused.status_code == 422
    problem = exactly(refused)
    assert (problem["available"], problem["required"]) == (10, Decimal("10.0001"))
    assert await balance(caller) == 10
    assert (await caller.get("/users/user-1/payments")).json()["total"] == 1


_WITHDRAWAL: dict[str, object] = {"type": "withdrawal"}
