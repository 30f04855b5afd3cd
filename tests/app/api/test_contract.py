"""The contract table of DESIGN §5, one test for each line."""

import pytest

from tests.app.api.book import open_book, paid, placed
from tests.conftest import EXTERNAL_TENANT, Client


async def test_post_bets(client: Client) -> None:
    placing = await client.place_bet("once", user_id="u", stake="12.5")
    assert placing.status_code == 201
    row = placing.json()
    assert row == row | {
        "user_id": "u",
        "stake": 12.5,
        "odds": 2.1,
        "fixture_id": "fixture-7",
        "status": "placed",
        "result": None,
        "payout": None,
        "idempotency_key": "once",
        "version": 1,
        "last_position": 1,
    }
    assert row["bet_id"].startswith("bet-")
    assert "duplicate" not in row
    assert placing.headers["Location"] == f"/bets/{row['bet_id']}"
    assert placing.headers["ETag"] == '"1"'
    repeat = await client.place_bet("once", user_id="u", stake="12.5")
    assert repeat.status_code == 200
    assert repeat.json() == row | {"duplicate": True}


@pytest.mark.parametrize(
    ("action", "body", "expected"),
    [
        ("confirm", None, {"status": "confirmed", "result": None, "payout": None}),
        ("settle", {"result": "win"}, {"status": "settled", "result": "win", "payout": 22.05}),
        ("settle", {"result": "win", "payout": 30}, {"status": "settled", "payout": 30}),
        ("settle", {"result": "loss"}, {"status": "settled", "result": "loss", "payout": 0}),
        ("cancel", {"reason": "rain"}, {"status": "cancelled", "result": None, "payout": None}),
        ("cancel", None, {"status": "cancelled"}),
    ],
    ids=["confirm", "win", "win with payout", "loss", "cancel", "cancel without body"],
)
async def test_post_bets_confirm_settle_cancel(
    client: Client, action: str, body: object, expected: dict[str, object]
) -> None:
    path = f"/bets/{await placed(client)}/{action}"
    done = await client.post(path, body, "once")
    assert done.status_code == 200
    row = done.json()
    assert row == row | expected | {"version": 2, "last_position": 2}
    assert done.headers["ETag"] == '"2"'
    repeat = await client.post(path, body, "once")
    assert repeat.status_code == 200
    assert repeat.json() == row | {"duplicate": True}


@pytest.mark.parametrize(
    ("before", "action", "body", "refused_in"),
    [
        ("confirm", "confirm", None, "confirmed"),
        ("confirm", "settle", {"result": "loss"}, None),
        ("confirm", "cancel", None, None),
        ("cancel", "confirm", None, "cancelled"),
        ("cancel", "settle", {"result": "win"}, "cancelled"),
        ("cancel", "cancel", None, "cancelled"),
        ("settle", "confirm", None, "settled"),
        ("settle", "settle", {"result": "win"}, "settled"),
        ("settle", "cancel", None, "settled"),
    ],
    ids=str,
)
async def test_a_bet_moves_only_as_the_rules_allow(
    client: Client, before: str, action: str, body: object, refused_in: str | None
) -> None:
    bet_id = await placed(client)
    first = {"result": "loss"} if before == "settle" else None
    assert (await client.post(f"/bets/{bet_id}/{before}", first)).status_code == 200
    answer = await client.post(f"/bets/{bet_id}/{action}", body)
    assert answer.status_code == (409 if refused_in else 200)
    assert answer.json().get("current_status") == refused_in


async def test_get_bets(client: Client) -> None:
    placing = await client.place_bet()
    found = await client.get(f"/bets/{placing.json()['bet_id']}")
    assert found.status_code == 200
    assert found.content == placing.content
    missing = await client.get("/bets/nobody")
    assert missing.status_code == 404
    assert missing.json()["error"] == "Bet not found"
    assert missing.json()["bet_id"] == "nobody"


async def test_get_users_bets(client: Client) -> None:
    first, second = [await placed(client, user_id="u") for _ in range(2)]
    await placed(client, user_id="other")
    await client.post(f"/bets/{first}/confirm")
    page = await client.get("/users/u/bets")
    assert page.status_code == 200
    assert [bet["bet_id"] for bet in page.json()["bets"]] == [first, second]
    assert page.json()["total"] == 2
    assert page.json()["next_cursor"] is None
    filtered = (await client.get("/users/u/bets?status=placed")).json()
    assert [bet["bet_id"] for bet in filtered["bets"]] == [second]
    assert filtered["total"] == 1


async def test_post_payments(client: Client) -> None:
    body = {"user_id": "u", "amount": 100}
    making = await client.post("/payments", body, "once")
    assert making.status_code == 201
    row = making.json()
    assert row == row | {
        "success": True,
        "duplicate": False,
        "type": "deposit",
        "user_id": "u",
        "amount": 100,
        "status": "completed",
        "idempotency_key": "once",
        "version": 2,
    }
    assert row["payment_id"].startswith("payment-")
    assert making.headers["Location"] == f"/payments/{row['payment_id']}"
    assert making.headers["ETag"] == '"2"'
    repeat = await client.post("/payments", body, "once")
    assert repeat.status_code == 200
    assert repeat.json() == row | {"duplicate": True}


@pytest.mark.parametrize(("action", "status"), [("complete", "completed"), ("fail", "failed")])
async def test_post_payments_complete_and_fail(client: Client, action: str, status: str) -> None:
    payment_id = await paid(client)
    done = await client.post(f"/payments/{payment_id}/{action}", None, "once")
    assert done.status_code == 200
    assert done.json()["status"] == status
    assert done.json()["success"] is True
    assert done.json()["duplicate"] is False
    assert done.headers["ETag"] == '"2"'
    repeat = await client.post(f"/payments/{payment_id}/{action}", None, "once")
    assert repeat.json() == done.json() | {"duplicate": True}
    for other in ("complete", "fail"):
        refused = await client.post(f"/payments/{payment_id}/{other}")
        assert refused.status_code == 409
        assert refused.json()["current_status"] == status


async def test_get_payments(client: Client) -> None:
    making = (await client.deposit("u", 5)).json()
    found = await client.get(f"/payments/{making['payment_id']}")
    assert found.status_code == 200
    assert found.json() | {"success": True, "duplicate": False} == making
    missing = await client.get("/payments/nobody")
    assert missing.status_code == 404
    assert missing.json()["error"] == "Payment not found"


async def test_get_users_payments(client: Client) -> None:
    waiting, done = await paid(client), await paid(client, mode="instant")
    page = (await client.get("/users/user-1/payments")).json()
    assert [payment["payment_id"] for payment in page["payments"]] == [done, waiting]
    assert page["total"] == 2
    assert page["next_cursor"] is None
    filtered = (await client.get("/users/user-1/payments?status=created")).json()
    assert [payment["payment_id"] for payment in filtered["payments"]] == [waiting]
    assert filtered["total"] == 1


async def test_get_users_balance(client: Client) -> None:
    nobody = await client.get("/users/nobody/balance")
    assert nobody.status_code == 200
    assert nobody.json() == {"balance": 0, "transaction_count": 0}
    await client.deposit("u", "10.25")
    await client.deposit("u", 5)
    row = (await client.get("/users/u/balance")).json()
    assert row == row | {"user_id": "u", "balance": 15.25, "transaction_count": 2}
    assert row["last_transaction_at"]


@pytest.mark.parametrize(
    ("path", "types"),
    [
        ("/bets/{bet_id}/events", ["V1_BETS_BET_PLACED"]),
        ("/payments/{payment_id}/events", ["V1_PAYMENTS_DEPOSIT_CREATED"]),
        ("/users/{user_id}/balance/events", ["V1_BALANCES_BALANCE_INCREASED"]),
    ],
)
async def test_get_events_of_one_aggregate(client: Client, path: str, types: list[str]) -> None:
    book = await open_book(client)
    own = await client.get(book.fill(path))
    assert own.status_code == 200
    assert [event["event_type"] for event in own.json()] == types
    others = await client.of(EXTERNAL_TENANT).get(book.fill(path))
    assert others.status_code == 200
    assert others.json() == []


async def test_get_events(client: Client) -> None:
    await open_book(client)
    log = await client.get("/events")
    assert log.status_code == 200
    assert [event["position"] for event in log.json()] == [1, 2, 3, 4, 5]
    later = await client.get("/events?after=3&limit=1")
    assert [event["position"] for event in later.json()] == [4]
    stream = await client.get("/events?stream=payment&start_time=0")
    assert [event["position"] for event in stream.json()] == [1, 2, 5]


@pytest.mark.parametrize(
    "path", ["/tenants/summary", "/users/user-1/activity", "/users/top?by=bets"]
)
async def test_get_the_analytical_views(client: Client, path: str) -> None:
    await open_book(client)
    found = await client.get(path)
    assert found.status_code == 200
    row = found.json()[0] if isinstance(found.json(), list) else found.json()
    assert row["bets_placed"] == 1
    assert row["payments_created"] == 1


@pytest.mark.parametrize(
    "path", ["/schema/openapi.json", "/schema", "/livez", "/readyz", "/metrics"]
)
async def test_what_concerns_no_tenant_needs_no_header(client: Client, path: str) -> None:
    found = await client.http.get(path)
    assert found.status_code == 200
    assert found.content
