"""Many callers of one process: keys hold, and what was answered is what is read."""

import asyncio
from collections import Counter
from random import Random
from typing import TypeAlias

import pytest

from tests.app.api.book import balance, exactly, paid, placed
from tests.conftest import INTERNAL_TENANT, Client

Move: TypeAlias = tuple[str, dict[str, object] | None]

ANSWERED_TO_COMMANDS_ONLY = {"success", "duplicate"}


async def test_fifty_identical_requests_place_one_bet(client: Client) -> None:
    answers = await asyncio.gather(*(client.place_bet("once") for _ in range(50)))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 200: 49}
    assert len({answer.json()["bet_id"] for answer in answers}) == 1
    assert len((await client.get("/events")).json()) == 1


async def test_fifty_identical_transitions_settle_once(client: Client) -> None:
    internal = client.of(INTERNAL_TENANT)
    await internal.deposit("user-1", 100)
    path = f"/bets/{await placed(internal, stake=10, odds=2)}/settle"
    body = {"result": "win"}
    answers = await asyncio.gather(*(internal.post(path, body, "once") for _ in range(50)))
    assert {answer.status_code for answer in answers} == {200}
    assert sum(answer.json().get("duplicate", False) for answer in answers) == 49
    assert await balance(internal) == 110


async def test_fifty_different_requests_under_one_key_place_one_bet(client: Client) -> None:
    answers = await asyncio.gather(*(client.place_bet("once", stake=n + 1) for n in range(50)))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 422: 49}
    refused = [answer for answer in answers if answer.status_code == 422]
    assert all(answer.json()["mismatch"] == ["stake"] for answer in refused)


async def test_a_balance_is_never_spent_twice(client: Client) -> None:
    internal = client.of(INTERNAL_TENANT)
    await internal.deposit("user-1", 100)
    answers = await asyncio.gather(*(internal.place_bet(stake=30) for _ in range(20)))
    assert Counter(answer.status_code for answer in answers) == {201: 3, 422: 17}
    assert await balance(internal) == 10


async def test_one_of_many_different_transitions_wins(client: Client) -> None:
    bet_id = await placed(client)
    bodies = {"settle": {"result": "loss"}, "cancel": None}
    actions = ["settle", "cancel"] * 10
    answers = await asyncio.gather(
        *(client.post(f"/bets/{bet_id}/{action}", bodies[action]) for action in actions)
    )
    assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 19}
    assert len((await client.get(f"/bets/{bet_id}/events")).json()) == 2


@pytest.mark.parametrize("tenant_id", [10001, INTERNAL_TENANT], ids=["external", "internal"])
async def test_what_a_command_answers_is_what_the_next_read_finds(
    client: Client, tenant_id: int
) -> None:
    caller, chance = client.of(tenant_id), Random(tenant_id)
    for user in range(5):
        await caller.deposit(f"user-{user}", 1000)
    open_paths = [f"/payments/{await paid(caller)}"]
    for _ in range(50):
        path, body = _random_command(chance, open_paths)
        answer = await caller.post(path, body)
        assert answer.is_success or answer.status_code == 409, answer.text
        if not answer.is_success:
            continue
        resource = answer.headers["Location"]
        open_paths.append(resource)
        found = await caller.get(resource)
        assert found.headers["ETag"] == answer.headers["ETag"]
        if resource.startswith("/bets"):
            assert found.content == answer.content
        written = exactly(answer)
        own = {name: written[name] for name in written.keys() - ANSWERED_TO_COMMANDS_ONLY}
        assert exactly(found) == own
        listed = resource.rpartition("/")[0]
        page = exactly(await caller.get(f"/users/{own['user_id']}{listed}?limit=1"))
        assert page[listed[1:]] == [own]


def _random_command(chance: Random, open_paths: list[str]) -> Move:
    user = f"user-{chance.randrange(5)}"
    amount = f"{chance.randrange(1, 100000) / 10000:.4f}"
    resource = chance.choice(open_paths)
    moves: list[Move] = [
        ("/bets", {"user_id": user, "stake": amount, "odds": "2.3456", "fixture_id": "f"}),
        ("/payments", {"user_id": user, "amount": amount}),
        ("/payments", {"user_id": user, "amount": amount, "type": "withdrawal"}),
        ("/payments", {"user_id": user, "amount": amount, "mode": "deferred"}),
    ]
    if resource.startswith("/bets"):
        moves.append((f"{resource}/confirm", None))
        moves.append((f"{resource}/settle", {"result": chance.choice(["win", "loss"])}))
        moves.append((f"{resource}/cancel", None))
    else:
        moves.append((f"{resource}/complete", None))
        moves.append((f"{resource}/fail", {"reason": "r"}))
    return chance.choice(moves)
