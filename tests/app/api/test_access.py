"""Every route asks for a token that allows its scope and names the tenant, and for nothing less."""

import json
import time
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any, Final

import asyncpg
import httpx
import pytest

from app.scopes import OVER_TENANTS, SCOPES
from tests.app.api.book import Book, open_book, rows
from tests.app.api.forgeries import FORGERIES, GENUINE
from tests.app.api.operations import BODIES, OPERATIONS, SCOPED, STREAMS, Operation
from tests.app.api.tokens import (
    SUBJECT,
    WITH_SECRET,
    WITH_TOKENS,
    bearer,
    calling,
    issuer,
    key_set,
    token,
)
from tests.app.locks import until
from tests.conftest import DEFAULT_TENANT, EXTERNAL_TENANT, Client, StartService

SCOPE_OF: Final = {
    **dict.fromkeys(("placeBet", "confirmBet", "settleBet", "cancelBet"), "bets:write"),
    **dict.fromkeys(("getBet", "listBets"), "bets:read"),
    **dict.fromkeys(("makePayment", "completePayment", "failPayment"), "payments:write"),
    **dict.fromkeys(("getPayment", "listPayments", "getBalance"), "payments:read"),
    **dict.fromkeys(("getBetEvents", "getPaymentEvents", "getBalanceEvents"), "audit:read"),
    **dict.fromkeys(("listEvents", "getFeed", "followFeed"), "audit:read"),
    **dict.fromkeys(("getTenantSummary", "getActivity", "listTopUsers"), "reports:read"),
    **dict.fromkeys(("createTenant", "listTenants", "getTenant", "changeTenant"), OVER_TENANTS),
    **dict.fromkeys(("isAlive", "isReady", "getMetrics"), None),
    **dict.fromkeys(("listProblems", "getProblem", "listSchemas", "getSchema"), None),
}
OPEN: Final = [each for each in OPERATIONS if each.scope is None]
CHALLENGE: Final = 'Bearer realm="stakebook"'


class Caller:
    """Calls any operation, valid in everything but what the token says."""

    def __init__(self, client: Client, book: Book) -> None:
        self.client = client
        self._book = book
        self._calls = 0

    async def call(self, operation: Operation, **headers: str) -> httpx.Response:
        """The answer; of a stream that begins, only its head."""
        self._calls += 1
        sent = {"X_Tenant_Id": str(DEFAULT_TENANT), "Idempotency_Key": f"call {self._calls}"}
        named = {
            name.replace("_", "-").encode(): value.encode("latin-1")
            for name, value in (sent | headers).items()
        }
        request = self.client.http.build_request(
            operation.method,
            self._book.fill(operation.template),
            headers=named,
            json=BODIES.get(operation.id),
        )
        answer = await self.client.http.send(request, stream=operation.id in STREAMS)
        if operation.id in STREAMS:
            if answer.is_error:
                await answer.aread()
            await answer.aclose()
        return answer


@pytest.fixture
async def caller(start_service: StartService, tmp_path: Path) -> AsyncGenerator[Caller, None]:
    """A caller without a token, of a service that takes the tokens of `issuer()`."""
    (tmp_path / "keys.json").write_text(json.dumps(key_set([issuer()])))
    keys = str(tmp_path / "keys.json")
    async with start_service(**WITH_TOKENS, jwt_jwks=keys) as client:
        async with calling(client, issuer().token()) as knowing:
            book = await open_book(knowing)
        yield Caller(client, book)


def test_every_operation_states_one_scope_or_none() -> None:
    assert {each.id: each.scope for each in OPERATIONS} == SCOPE_OF
    for operation in SCOPED:
        (requirement,) = operation.described["security"]
        (scope,) = requirement["bearer"]
        assert scope in SCOPES
    assert all(each.described["security"] == [] for each in OPEN)


async def test_without_a_token_nobody_gets_anywhere(
    caller: Caller, connection: "asyncpg.Connection[Any]", subtests: pytest.Subtests
) -> None:
    before = await rows(connection)
    for operation in SCOPED:
        with subtests.test(operation.id):
            for given in ({}, {"Authorization": "Basic YTpi"}, {"Authorization": ""}):
                refused = await caller.call(operation, **given)
                assert refused.status_code == 401
                assert refused.json()["error"] == "Missing bearer token"
                assert refused.headers["WWW-Authenticate"] == CHALLENGE
    assert await rows(connection) == before


async def test_a_token_that_is_not_right_is_refused_on_every_route(
    caller: Caller, connection: "asyncpg.Connection[Any]", subtests: pytest.Subtests
) -> None:
    before = await rows(connection)
    for name, (forged, reason) in FORGERIES.items():
        with subtests.test(name):
            given = forged(issuer())
            for operation in SCOPED:
                refused = await caller.call(operation, Authorization=f"Bearer {given}")
                assert refused.status_code == 401
                assert refused.json()["error"] == "Invalid bearer token"
                assert reason in refused.json()["detail"]
                said = refused.headers["WWW-Authenticate"]
                assert said.startswith(f'{CHALLENGE}, error="invalid_token", ')
                assert given not in refused.text + said
    assert await rows(connection) == before


@pytest.mark.parametrize("name", GENUINE)
async def test_a_token_that_is_only_unusual_is_accepted(caller: Caller, name: str) -> None:
    given = GENUINE[name](issuer())
    for operation in SCOPED:
        answer = await caller.call(operation, **bearer(given))
        assert answer.status_code not in {401, 403}


async def test_a_token_for_everything_else_is_not_enough(
    caller: Caller, connection: "asyncpg.Connection[Any]", subtests: pytest.Subtests
) -> None:
    before = await rows(connection)
    for operation in SCOPED:
        with subtests.test(operation.id):
            others = sorted(SCOPES - {operation.scope})
            for scope in (*others, " ".join(others), f"{operation.scope}s", None):
                refused = await caller.call(operation, **bearer(issuer().token(scope=scope)))
                assert refused.status_code == 403
                assert refused.json()["error"] == "Scope missing"
                assert refused.headers["WWW-Authenticate"] == (
                    f'{CHALLENGE}, error="insufficient_scope", scope="{operation.scope}"'
                )
    assert await rows(connection) == before


async def test_a_token_for_this_alone_is_enough(caller: Caller, subtests: pytest.Subtests) -> None:
    for operation in SCOPED:
        with subtests.test(operation.id):
            given = issuer().token(scope=operation.scope, tenants=[DEFAULT_TENANT])
            answer = await caller.call(operation, **bearer(given))
            assert answer.status_code not in {401, 403}


async def test_a_token_of_another_tenant_learns_nothing_of_this_one(
    caller: Caller, subtests: pytest.Subtests
) -> None:
    for operation in SCOPED:
        if operation.scope == OVER_TENANTS:
            continue
        with subtests.test(operation.id):
            for tenants in ([EXTERNAL_TENANT], [], None):
                given = bearer(issuer().token(tenants=tenants))
                answers = [
                    await caller.call(operation, **given, X_Tenant_Id=str(tenant))
                    for tenant in (DEFAULT_TENANT, 99999)
                ]
                assert [answer.status_code for answer in answers] == [403, 403]
                there, nowhere = [
                    answer.json() | {"instance": "", "request_id": ""} for answer in answers
                ]
                assert there == nowhere
                assert there["type"] == "/problems/tenant-forbidden"


async def test_what_the_token_names_is_still_looked_up(caller: Caller) -> None:
    given = bearer(issuer().token(tenants=[99999]))
    for operation in SCOPED:
        if operation.scope == OVER_TENANTS:
            continue
        answer = await caller.call(operation, **given, X_Tenant_Id="99999")
        assert answer.status_code == 404
        assert answer.json()["error"] == "Tenant not found"


@pytest.mark.parametrize("operation", OPEN, ids=lambda each: each.id)
async def test_what_everybody_may_see_asks_for_no_token(
    caller: Caller, operation: Operation
) -> None:
    for given in ({}, {"Authorization": "Bearer nonsense"}):
        answer = await caller.call(operation, **given)
        assert answer.status_code == 200


async def test_the_pages_and_the_document_ask_for_no_token(caller: Caller) -> None:
    for path in ("/schema", "/schema/openapi.json"):
        assert (await caller.client.http.get(path)).status_code == 200
    assert (await caller.client.http.options("/bets")).status_code == 204


async def test_a_scheme_is_written_in_any_case_and_the_header_is_given_once(
    caller: Caller,
) -> None:
    (summary,) = [each for each in SCOPED if each.id == "getTenantSummary"]
    given = issuer().token()
    for value in (f"bearer {given}", f"BEARER   {given}"):
        assert (await caller.call(summary, Authorization=value)).status_code == 200
    twice = [(b"Authorization", f"Bearer {given}".encode())] * 2
    headers = [*twice, (b"X-Tenant-Id", b"10001")]
    assert (await caller.client.http.get("/tenants/summary", headers=headers)).status_code == 401


async def test_the_token_is_asked_for_before_anything_else_is_looked_at(caller: Caller) -> None:
    http = caller.client.http
    refused = await http.post("/bets", headers={"X-Tenant-Id": "x"}, content=b"no JSON")
    assert refused.status_code == 401
    given = bearer(issuer().token())
    asked = await http.post("/bets", headers=given | {"X-Tenant-Id": "x"}, content=b"no JSON")
    assert (asked.status_code, asked.json()["error"]) == (400, "Invalid X-Tenant-Id format")
    asked = await http.get("/tenants/summary", headers=given)
    assert (asked.status_code, asked.json()["error"]) == (400, "Missing X-Tenant-Id header")


@pytest.mark.parametrize("length", [0, 10, 60_000, 1_000_000])
async def test_a_body_that_is_refused_is_not_in_the_way_of_the_next_request(
    caller: Caller, length: int
) -> None:
    for _ in range(3):
        refused = await caller.client.http.post("/bets", content=b" " * length)
        assert refused.status_code == 401
        assert (await caller.client.http.get("/livez")).status_code == 200


async def test_the_subject_is_the_actor_of_the_events(start_service: StartService) -> None:
    async with (
        start_service(**WITH_SECRET) as client,
        calling(client, token(sub="bob")) as bob,
        calling(client, token()) as anna,
    ):
        await bob.place_bet("once")
        await anna.place_bet("once")
        await anna.deposit("user-1", 100)
        found = (await anna.get("/events")).json()
    assert [event["metadata"]["actor"] for event in found] == ["bob"] + [SUBJECT] * 3


async def test_a_token_that_was_accepted_is_not_once_it_has_expired(
    start_service: StartService,
) -> None:
    async with start_service(**WITH_SECRET) as client:
        short = bearer(token(exp=int(time.time()) + 3))
        assert (await client.get("/events", headers=short)).status_code == 200

        async def refused() -> bool:
            return (await client.get("/events", headers=short)).status_code == 401

        await until(refused)
        assert "expired" in (await client.get("/events", headers=short)).json()["detail"]


async def test_clocks_may_differ_by_the_leeway(start_service: StartService) -> None:
    for leeway, expected in ((60.0, 200), (0.0, 401)):
        async with start_service(**WITH_SECRET | {"jwt_leeway_seconds": leeway}) as client:
            for skewed in ({"exp": -20}, {"nbf": 20}, {"iat": 20}):
                moved = {name: int(time.time()) + by for name, by in skewed.items()}
                for _ in range(2):
                    answer = await client.get("/events", headers=bearer(token(**moved)))
                    assert answer.status_code == expected


async def test_where_nobody_is_asked_nobody_is_named(client: Client) -> None:
    async with calling(client, "nonsense") as anybody:
        assert (await anybody.place_bet()).status_code == 201
        (event,) = (await anybody.get("/events")).json()
    assert "actor" not in event["metadata"]
