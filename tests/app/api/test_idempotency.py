"""Idempotency keys: the first result, once, for every command."""

import json
from typing import Any

import asyncpg
import httpx
import pytest

from tests.app.api.book import Book, balance, open_book, paid, placed, written
from tests.app.api.operations import BODIES, BY_ID, COMMANDS, Operation
from tests.conftest import EXTERNAL_TENANT, INTERNAL_TENANT, Client, bet_body

REPLAYED = "Idempotent-Replayed"
OF_THE_OCCURRENCE = {"instance", "request_id"}
each_command = pytest.mark.parametrize("operation", COMMANDS, ids=lambda each: each.id)


def payment_body(**fields: object) -> dict[str, object]:
    return {"user_id": "user-1", "amount": 25} | fields


@each_command
async def test_a_repeat_is_answered_with_the_first_result_and_writes_nothing(
    client: Client, connection: "asyncpg.Connection[Any]", operation: Operation
) -> None:
    path = (await open_book(client)).fill(operation.template)
    first = await client.post(path, BODIES.get(operation.id), "once")
    assert first.is_success
    assert REPLAYED not in first.headers
    before = await written(connection)
    for _ in range(2):
        repeat = await client.post(path, BODIES.get(operation.id), "once")
        assert repeat.status_code == 200
        assert repeat.json() == first.json() | {"duplicate": True}
        assert repeat.headers[REPLAYED] == "true"
        assert repeat.headers["ETag"] == first.headers["ETag"]
        assert repeat.headers["Location"] == first.headers["Location"]
    assert await written(connection) == before


SAME = [
    ("white space", '"stake": 5', '\n"stake"\t:5 '),
    ("trailing zero", '"stake": 1.10', '"stake": 1.1'),
    ("number or string", '"stake": 1.1', '"stake": "1.1"'),
    ("integer or decimal", '"stake": 1', '"stake": 1.0000'),
    ("exponent", '"stake": 100', '"stake": 1e2'),
    ("escaped letter", '"stake": 1', r'"st\u0061ke": 1'),
]


async def test_the_same_request_in_other_words_is_a_repeat(
    client: Client, subtests: pytest.Subtests
) -> None:
    base = '{"user_id": "u", %s, "odds": 2.5, "fixture_id": "f"}'
    for name, first, second in SAME:
        with subtests.test(name):
            answers = [await _raw(client, "/bets", base % text, name) for text in (first, second)]
            assert [answer.status_code for answer in answers] == [201, 200]
            assert answers[1].json()["duplicate"] is True


async def test_the_order_of_the_fields_does_not_matter(client: Client) -> None:
    body = bet_body()
    assert (await client.post("/bets", body, "once")).status_code == 201
    turned = dict(reversed(body.items()))
    assert json.dumps(turned) != json.dumps(body)
    assert (await client.post("/bets", turned, "once")).status_code == 200


async def test_a_default_that_is_spelled_out_is_the_same_request(client: Client) -> None:
    assert (await client.post("/payments", payment_body(), "once")).status_code == 201
    spelled = payment_body(type="deposit")
    assert (await client.post("/payments", spelled, "once")).status_code == 200


@pytest.mark.parametrize(
    ("changed", "mismatch"),
    [
        pytest.param({"stake": 10.51}, ["stake"], id="stake"),
        pytest.param({"odds": "2.1001"}, ["odds"], id="odds"),
        pytest.param({"user_id": "other"}, ["user_id"], id="user"),
        pytest.param({"fixture_id": "F"}, ["fixture_id"], id="fixture"),
        pytest.param({"stake": 1, "odds": 3}, ["odds", "stake"], id="two fields"),
    ],
)
async def test_another_bet_under_the_same_key_is_refused_with_the_fields_that_differ(
    client: Client, changed: dict[str, object], mismatch: list[str]
) -> None:
    await client.place_bet("once")
    refused = await client.place_bet("once", **changed)
    assert refused.status_code == 422
    assert refused.json()["error"] == "Idempotency-Key already used"
    assert refused.json()["mismatch"] == mismatch
    assert (await client.place_bet("once")).status_code == 200


@pytest.mark.parametrize(
    ("changed", "mismatch"),
    [
        pytest.param({"amount": 26}, ["amount"], id="amount"),
        pytest.param({"type": "withdrawal"}, ["type"], id="type"),
        pytest.param({"mode": "deferred"}, ["mode"], id="mode"),
        pytest.param({"user_id": "u"}, ["user_id"], id="user"),
    ],
)
async def test_another_payment_under_the_same_key_is_refused_with_the_fields_that_differ(
    client: Client, changed: dict[str, object], mismatch: list[str]
) -> None:
    await client.post("/payments", payment_body(), "once")
    refused = await client.post("/payments", payment_body(**changed), "once")
    assert refused.status_code == 422
    assert refused.json()["mismatch"] == mismatch


async def test_a_key_is_good_for_one_operation(client: Client, subtests: pytest.Subtests) -> None:
    for first in COMMANDS:
        book = await open_book(client)
        done = await client.post(book.fill(first.template), BODIES.get(first.id), first.id)
        assert done.is_success
        for second in COMMANDS:
            if second != first:
                with subtests.test(f"{first.id}, then {second.id}"):
                    path = book.fill(second.template)
                    refused = await client.post(path, BODIES.get(second.id), first.id)
                    assert refused.status_code == 422
                    assert refused.json()["mismatch"] == ["operation"]


@pytest.mark.parametrize(
    "operation",
    [BY_ID[name] for name in ("confirmBet", "settleBet", "cancelBet")],
    ids=lambda each: each.id,
)
async def test_a_key_is_good_for_one_bet(client: Client, operation: Operation) -> None:
    paths = [Book(await placed(client), "", "").fill(operation.template) for _ in range(2)]
    body = BODIES.get(operation.id)
    assert (await client.post(paths[0], body, "once")).status_code == 200
    refused = await client.post(paths[1], body, "once")
    assert refused.status_code == 422
    assert refused.json()["mismatch"] == ["bet_id"]


@pytest.mark.parametrize("action", ["complete", "fail"])
async def test_a_key_is_good_for_one_payment(client: Client, action: str) -> None:
    paths = [f"/payments/{await paid(client)}/{action}" for _ in range(2)]
    assert (await client.post(paths[0], None, "once")).status_code == 200
    refused = await client.post(paths[1], None, "once")
    assert refused.status_code == 422
    assert refused.json()["mismatch"] == ["payment_id"]


async def test_another_result_under_the_same_key_is_refused(client: Client) -> None:
    path = f"/bets/{await placed(client)}/settle"
    assert (await client.post(path, {"result": "win"}, "once")).status_code == 200
    refused = await client.post(path, {"result": "win", "payout": 5}, "once")
    assert refused.status_code == 422
    assert refused.json()["mismatch"] == ["payout"]
    assert (await client.post(path, {"result": "win"}, "once")).json()["payout"] == 22.05


async def test_a_reason_that_differs_is_named(client: Client) -> None:
    path = f"/bets/{await placed(client)}/cancel"
    assert (await client.post(path, {"reason": "rain"}, "once")).status_code == 200
    refused = await client.post(path, None, "once")
    assert refused.status_code == 422
    assert refused.json()["mismatch"] == ["reason"]


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        pytest.param("abc", '"abc"', True, id="bare and quoted"),
        pytest.param('"a\\"b"', '"a\\"b"', True, id="escaped quote"),
        pytest.param("abc", "ABC", False, id="other case"),
        pytest.param("abc", '"abc "', False, id="quoted blank"),
    ],
)
async def test_a_key_is_read_as_a_structured_string(
    client: Client, first: str, second: str, same: bool
) -> None:
    assert (await client.place_bet(first)).status_code == 201
    assert (await client.place_bet(second)).status_code == (200 if same else 201)


async def test_keys_are_per_tenant(client: Client) -> None:
    assert (await client.place_bet("once")).status_code == 201
    assert (await client.of(EXTERNAL_TENANT).place_bet("once", stake=99)).status_code == 201
    assert (await client.place_bet("once")).status_code == 200


async def test_insufficient_funds_stick_to_the_key_even_after_a_deposit(client: Client) -> None:
    internal = client.of(INTERNAL_TENANT)
    first = await internal.place_bet("once")
    assert first.status_code == 422
    await internal.deposit("user-1", 1000)
    again = await internal.place_bet("once")
    assert again.status_code == 422
    assert again.headers[REPLAYED] == "true"
    assert _same_each_time(again.json()) == _same_each_time(first.json())
    assert await balance(internal) == 1000
    assert (await internal.place_bet("fresh")).status_code == 201


async def test_an_illegal_transition_sticks_to_the_key(client: Client) -> None:
    payment_id = await paid(client)
    path = f"/payments/{payment_id}/complete"
    await client.post(f"/payments/{payment_id}/fail")
    first, again = [await client.post(path, None, "once") for _ in range(2)]
    assert (first.status_code, again.status_code) == (409, 409)
    assert again.json()["current_status"] == "failed"
    assert again.headers[REPLAYED] == "true"


@pytest.mark.parametrize("path", ["/bets/nobody/confirm", "/payments/nobody/complete"])
async def test_not_found_sticks_to_the_key(client: Client, path: str) -> None:
    first, again = [await client.post(path, None, "once") for _ in range(2)]
    assert (first.status_code, again.status_code) == (404, 404)
    assert again.headers[REPLAYED] == "true"
    assert _same_each_time(again.json()) == _same_each_time(first.json())


def _same_each_time(problem: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in problem.items() if name not in OF_THE_OCCURRENCE}


async def _raw(client: Client, path: str, body: str, key: str) -> httpx.Response:
    headers = {"X-Tenant-Id": str(client.tenant_id), "Idempotency-Key": key}
    headers["Content-Type"] = "application/json"
    return await client.http.post(path, content=body, headers=headers)
