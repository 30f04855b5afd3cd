"""What is no success is a problem: of the router, of a crash, of an overload."""

import asyncio
from typing import Any

import asyncpg
import pytest
from structlog.testing import capture_logs

from tests.app.api.book import placed
from tests.app.api.documented import PROBLEM, check_problem
from tests.conftest import Client, StartService, bet_body

UNKNOWN_PATHS = [
    "/",
    "/nothing",
    "/bets/b/nothing",
    "/users",
    "/users/u",
    "/favicon.ico",
    "/schema/nothing",
    "/schema/assets/nothing.js",
    "/schema/assets/../../pyproject.toml",
    "/schema/assets/..%2f..%2f__init__.py",
    "/%00",
    "/%ff",
    "/a%2Fb",
]
WRONG_METHODS = [
    ("GET", "/bets", "POST"),
    ("DELETE", "/bets", "POST"),
    ("PUT", "/bets/b", "GET"),
    ("DELETE", "/bets/b", "GET"),
    ("GET", "/bets/b/confirm", "POST"),
    ("PATCH", "/payments/p/fail", "POST"),
    ("POST", "/events", "GET"),
    ("POST", "/livez", "GET"),
    ("POST", "/schema/openapi.json", "GET"),
    ("BREW", "/bets", "POST"),
]


async def test_an_unknown_path_is_not_found(client: Client, subtests: pytest.Subtests) -> None:
    for path in UNKNOWN_PATHS:
        with subtests.test(path):
            answer = await client.http.get(path)
            assert answer.status_code == 404
            assert answer.json()["error"] == "Not found"
            check_problem(answer)


async def test_a_method_that_a_path_does_not_take_is_refused_with_those_that_it_does(
    client: Client, subtests: pytest.Subtests
) -> None:
    for method, path, allowed in WRONG_METHODS:
        with subtests.test(f"{method} {path}"):
            answer = await client.http.request(method, path, headers={"X-Tenant-Id": "10001"})
            assert answer.status_code == 405
            assert answer.json()["error"] == "Method not allowed"
            assert set(answer.headers["Allow"].split(", ")) == {allowed, "OPTIONS"}


async def test_every_occurrence_of_a_problem_has_an_instance_of_its_own(client: Client) -> None:
    answers = [await client.get("/bets/nobody") for _ in range(3)]
    assert all(answer.headers["Content-Type"].startswith(PROBLEM) for answer in answers)
    instances = {answer.json()["instance"] for answer in answers}
    assert instances == {f"urn:uuid:{answer.headers['X-Request-Id']}" for answer in answers}
    assert len(instances) == 3


@pytest.mark.parametrize(
    ("given", "kept"),
    [("req-7", True), ("x" * 128, True), ("x" * 129, False), ("a b", False), ("é", False)],
    ids=["plain", "128 characters", "129 characters", "blank", "non-ASCII"],
)
async def test_a_problem_carries_the_id_that_the_caller_gave_his_request(
    client: Client, given: str, kept: bool
) -> None:
    headers = {b"X-Tenant-Id": b"10001", b"X-Request-Id": given.encode("latin-1")}
    answers = [await client.http.get(path, headers=headers) for path in ("/bets/b", "/nothing")]
    for answer in answers:
        assert (answer.json()["request_id"] == given) is kept
        check_problem(answer)
    assert len({answer.json()["instance"] for answer in answers}) == 2


async def test_a_crash_of_a_read_is_a_problem_that_tells_nothing_of_it(
    client: Client, connection: "asyncpg.Connection[Any]"
) -> None:
    await connection.execute("ALTER TABLE bets_view RENAME TO gone")
    answer = await client.get("/bets/b")
    assert answer.status_code == 500
    assert answer.json()["error"] == "Internal server error"
    assert "bets_view" not in answer.text
    assert (await client.get("/events")).status_code == 200


async def test_a_crash_of_a_command_is_a_problem_and_the_next_command_is_taken(
    client: Client, connection: "asyncpg.Connection[Any]"
) -> None:
    await connection.execute("ALTER TABLE bets_view RENAME TO gone")
    crashed = await client.place_bet("once")
    assert crashed.status_code == 500
    assert "bets_view" not in crashed.text
    await connection.execute("ALTER TABLE gone RENAME TO bets_view")
    assert (await client.place_bet("once")).status_code == 201


async def test_a_failure_is_logged_with_the_id_of_its_request(
    client: Client, connection: "asyncpg.Connection[Any]"
) -> None:
    await connection.execute("ALTER TABLE bets_view RENAME TO gone")
    headers = {"X-Request-Id": "req-7"}
    with capture_logs() as entries:
        assert (await client.get("/bets/b", headers=headers)).status_code == 500
        crashed = await client.post("/bets", bet_body(), **headers)
        assert crashed.status_code == 500
    assert crashed.headers["X-Request-Id"] == "req-7"
    found = [entry["event"] for entry in entries if entry.get("request_id") == "req-7"]
    assert found == ["request failed", "command failed"]


async def test_a_value_that_the_database_refuses_fails_its_command_alone(
    client: Client, connection: "asyncpg.Connection[Any]"
) -> None:
    await connection.execute("ALTER TABLE bets_view ADD CHECK (user_id <> 'cursed')")
    users = ["a", "b", "cursed", "c", "cursed", "d"]
    answers = await asyncio.gather(*(client.place_bet(user_id=user) for user in users))
    expected = [422 if user == "cursed" else 201 for user in users]
    assert [answer.status_code for answer in answers] == expected
    assert answers[2].json()["error"] == "Rejected by the database"
    assert "cursed" not in answers[2].text
    assert len((await client.get("/events")).json()) == 4


async def test_a_full_queue_is_answered_503_with_when_to_retry(
    start_service: StartService, connection: "asyncpg.Connection[Any]"
) -> None:
    async with start_service(queue_limit=1, batch_limit=1) as client:
        await placed(client)
        async with connection.transaction():
            await connection.execute("LOCK TABLE tenant_heads IN ACCESS EXCLUSIVE MODE")
            waiting = asyncio.gather(*(client.place_bet(f"key {n}") for n in range(5)))
            await asyncio.sleep(0.3)
        answers = await waiting
        refused = [answer for answer in answers if answer.status_code == 503]
        assert 3 <= len(refused) < 5
        for answer in refused:
            assert answer.json()["error"] == "Service overloaded"
            assert int(answer.headers["Retry-After"]) >= 1
        assert (await client.get("/users/user-1/bets")).json()["total"] == 1 + 5 - len(refused)


async def test_a_body_that_a_command_does_not_need_does_not_disturb_the_connection(
    client: Client,
) -> None:
    for length in (0, 10, 60_000) * 3:
        bet_id = await placed(client)
        confirmed = await client.post(f"/bets/{bet_id}/confirm", {"ignored": "x" * length})
        assert confirmed.status_code == 200
        assert (await client.get(f"/bets/{bet_id}")).json()["status"] == "confirmed"
