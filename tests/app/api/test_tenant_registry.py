"""The registry of tenants over HTTP: create, read, change."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from tests.app.api.book import rows
from tests.app.api.hazards import MOST_BYTES
from tests.app.api.registry import NEW, change, create, pointers, read
from tests.conftest import DEFAULT_TENANT, EXTERNAL_TENANT, Client, StartService

MERGE_PATCH = {"Content-Type": "application/merge-patch+json"}


async def test_a_new_tenant_is_answered_listed_and_read(client: Client) -> None:
    made = await create(client)
    assert made.status_code == 201
    assert made.headers["Location"] == "/tenants/20002"
    created_at = datetime.fromisoformat(made.json()["created_at"])
    assert abs(datetime.now(UTC) - created_at) < timedelta(minutes=5)
    assert made.json() == NEW | {
        "plan": "basic",
        "wallet": "external",
        "status": "active",
        "created_at": made.json()["created_at"],
    }
    assert list(made.json()) == [*NEW, "plan", "wallet", "status", "created_at"]
    assert await read(client, 20002) == made.json()
    assert (await client.http.get("/tenants")).json()["tenants"][-1] == made.json()


async def test_a_new_tenant_takes_commands_by_its_wallet_at_once(client: Client) -> None:
    second = client.of(20002)
    assert (await second.place_bet()).status_code == 404
    await create(client, wallet="internal", plan="gold")
    assert (await second.place_bet()).json()["error"] == "Insufficient funds"
    await second.deposit("user-1", 100)
    assert (await second.place_bet()).status_code == 201


async def test_a_repeat_is_answered_with_the_tenant_as_it_is(
    client: Client, connection: "asyncpg.Connection[Any]"
) -> None:
    made = await create(client)
    before = await rows(connection)
    for said in ({}, {"plan": "basic", "wallet": "external"}):
        repeat = await create(client, **said)
        assert (repeat.status_code, repeat.json()) == (200, made.json())
        assert repeat.headers["Location"] == "/tenants/20002"
    assert await rows(connection) == before
    suspended = (await change(client, 20002, status="suspended")).json()
    repeat = await create(client)
    assert (repeat.status_code, repeat.json()) == (200, suspended)


async def test_of_equal_requests_at_once_one_makes_the_tenant(client: Client) -> None:
    answers = await asyncio.gather(*(create(client) for _ in range(10)))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 200: 9}
    assert len({answer.content for answer in answers}) == 1


async def test_of_tenants_with_one_slug_at_once_one_is_made(client: Client) -> None:
    answers = await asyncio.gather(*(create(client, id=number) for number in range(1, 9)))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 7}


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        pytest.param({"id": DEFAULT_TENANT}, "id", id="id"),
        pytest.param({"id": DEFAULT_TENANT, "slug": "default"}, "id", id="both"),
        pytest.param({"slug": "default"}, "slug", id="slug"),
    ],
)
async def test_an_id_or_a_slug_that_is_taken_is_refused_by_name(
    client: Client, connection: "asyncpg.Connection[Any]", fields: dict[str, object], field: str
) -> None:
    before = await rows(connection)
    refused = await create(client, **fields)
    assert refused.status_code == 409
    assert refused.json()["type"] == "/problems/tenant-exists"
    assert pointers(refused) == [f"#/{field}"]
    assert repr((NEW | fields)[field]) in refused.json()["detail"]
    assert await rows(connection) == before


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"id": 0}, "#/id"),
        ({"id": 2**63}, "#/id"),
        ({"id": "20002"}, "#/id"),
        ({"name": ""}, "#/name"),
        ({"name": "a\0"}, "#/name"),
        ({"slug": "Second"}, "#/slug"),
        ({"slug": "-"}, "#/slug"),
        ({"plan": None}, "#/plan"),
        ({"wallet": "none"}, "#/wallet"),
        ({"status": "active"}, "#/status"),
        ({"created_at": "2026-11-21T12:00:00Z"}, "#/created_at"),
    ],
)
async def test_a_tenant_that_cannot_be_one_is_refused_by_field(
    client: Client,
    connection: "asyncpg.Connection[Any]",
    fields: dict[str, object],
    pointer: str,
) -> None:
    before = await rows(connection)
    refused = await create(client, **fields)
    assert (refused.status_code, pointers(refused)) == (400, [pointer])
    assert await rows(connection) == before


async def test_a_slug_that_cannot_be_one_is_told_the_rule_and_not_the_pattern(
    client: Client,
) -> None:
    (error,) = (await create(client, slug="a_b")).json()["errors"]
    assert error["detail"] == (
        "must be lower case letters, digits and dashes, with no dash at either end"
    )


async def test_a_change_touches_what_it_names(client: Client) -> None:
    before = await read(client, EXTERNAL_TENANT)
    for fields in (
        {"name": "Other"},
        {"slug": "other", "plan": "gold"},
        {"wallet": "internal"},
        {"status": "suspended"},
        {"status": "active", "wallet": "external", "name": "Äußerlich"},
    ):
        changed = await change(client, EXTERNAL_TENANT, **fields)
        assert (changed.status_code, changed.json()) == (200, before | fields)
        before = await read(client, EXTERNAL_TENANT)
        assert before == changed.json()


async def test_a_change_to_what_is_there_already_changes_nothing(
    client: Client, connection: "asyncpg.Connection[Any]"
) -> None:
    await client.place_bet()
    before = await read(client, DEFAULT_TENANT)
    revision = "SELECT revision FROM tenant_heads WHERE tenant_id = $1"
    at_first = await connection.fetchval(revision, DEFAULT_TENANT)
    same = {name: before[name] for name in ("name", "slug", "plan", "wallet", "status")}
    for fields in ({}, same, {"name": "Only the name"}):
        changed = await change(client, DEFAULT_TENANT, **fields)
        assert (changed.status_code, changed.json()) == (200, before | fields)
    assert await connection.fetchval(revision, DEFAULT_TENANT) == at_first
    await change(client, DEFAULT_TENANT, status="suspended")
    assert await connection.fetchval(revision, DEFAULT_TENANT) == at_first + 1


async def test_a_merge_patch_may_be_called_one(client: Client) -> None:
    path = f"/tenants/{DEFAULT_TENANT}"
    changed = await client.http.patch(path, content=b'{"plan": "gold"}', headers=MERGE_PATCH)
    assert (changed.status_code, changed.json()["plan"]) == (200, "gold")
    charset = {"Content-Type": "application/merge-patch+json; charset=utf-8"}
    changed = await client.http.patch(path, content=b'{"plan": "tin"}', headers=charset)
    assert (changed.status_code, changed.json()["plan"]) == (200, "tin")


@pytest.mark.parametrize("media_type", ["application/json-patch+json", "text/plain", ""])
async def test_a_patch_of_another_kind_is_refused(client: Client, media_type: str) -> None:
    headers = {"Content-Type": media_type}
    path = f"/tenants/{DEFAULT_TENANT}"
    refused = await client.http.patch(path, content=b'{"plan": "gold"}', headers=headers)
    assert refused.status_code == 415
    assert "application/merge-patch+json" in refused.json()["detail"]
    assert (await read(client, DEFAULT_TENANT))["plan"] == "basic"


async def test_a_merge_patch_creates_nothing(client: Client) -> None:
    body = b'{"id": 20002, "name": "Second", "slug": "second"}'
    refused = await client.http.post("/tenants", content=body, headers=MERGE_PATCH)
    assert refused.status_code == 415


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b"", "#"),
        (b"null", "#"),
        (b"[]", "#"),
        (b'{"status": "suspended"', "#"),
        (b'{"id": 7}', "#/id"),
        (b'{"created_at": null}', "#/created_at"),
        (b'{"name": null}', "#/name"),
        (b'{"slug": null}', "#/slug"),
        (b'{"plan": null}', "#/plan"),
        (b'{"wallet": null}', "#/wallet"),
        (b'{"status": null}', "#/status"),
        (b'{"status": "closed"}', "#/status"),
        (b'{"slug": "A"}', "#/slug"),
        (b'{"name": "a\\n"}', "#/name"),
        (b'{"plan": "a", "plan": "b"}', "#/plan"),
        (b'{"status": "suspended", "plan": ""}', "#/plan"),
    ],
)
async def test_a_change_that_cannot_be_is_refused_by_field_and_nothing_of_it_is_made(
    client: Client, body: bytes, pointer: str
) -> None:
    before = await read(client, DEFAULT_TENANT)
    path = f"/tenants/{DEFAULT_TENANT}"
    headers = {"Content-Type": "application/json"}
    refused = await client.http.patch(path, content=body, headers=headers)
    assert (refused.status_code, pointers(refused)) == (400, [pointer])
    assert await read(client, DEFAULT_TENANT) == before


async def test_a_change_of_more_than_64_kilobytes_is_refused(client: Client) -> None:
    headers = {"Content-Type": "application/json", "Connection": "close"}
    content = b" " * (MOST_BYTES + 1)
    refused = await client.http.patch("/tenants/10001", content=content, headers=headers)
    assert refused.status_code == 413


async def test_a_slug_of_another_tenant_is_refused_and_nothing_is_changed(client: Client) -> None:
    before = await read(client, EXTERNAL_TENANT)
    refused = await change(client, EXTERNAL_TENANT, name="Other", slug="default")
    assert (refused.status_code, pointers(refused)) == (409, ["#/slug"])
    assert refused.json()["error"] == "Tenant exists already"
    assert await read(client, EXTERNAL_TENANT) == before


async def test_an_unknown_tenant_is_not_found_and_not_made(
    client: Client, connection: "asyncpg.Connection[Any]"
) -> None:
    before = await rows(connection)
    path = f"/tenants/{2**63 - 1}"
    for answer in (await client.http.get(path), await change(client, 2**63 - 1, name="x")):
        assert answer.status_code == 404
        assert answer.json()["error"] == "Tenant not found"
    assert await rows(connection) == before


NO_IDS = ["0", "-1", "9223372036854775808", "x", "1_0", "%201", "+1", "1.5", "%D9%A1", "%00", "%ff"]


@pytest.mark.parametrize("segment", [*NO_IDS, "9" * 5000])
async def test_an_id_that_cannot_be_one_is_refused_by_name(client: Client, segment: str) -> None:
    for answer in (await client.http.get(f"/tenants/{segment}"), await change(client, segment)):
        assert (answer.status_code, pointers(answer)) == (400, ["tenant_id"])


async def test_the_totals_are_no_tenant(client: Client) -> None:
    assert (await client.get("/tenants/summary")).json()["bets_placed"] == 0
    assert (await client.http.get("/tenants/summary")).json()["error"] == (
        "Missing X-Tenant-Id header"
    )
    assert (await change(client, "summary", name="x")).status_code == 405


async def test_another_process_knows_of_a_new_tenant_and_of_a_change(
    client: Client, start_service: StartService
) -> None:
    async with start_service() as other:
        assert (await other.of(20002).place_bet()).status_code == 404
        await create(client)
        assert (await other.of(20002).place_bet()).status_code == 201
        await change(client, 20002, status="suspended")
        assert (await other.of(20002).place_bet()).status_code == 403
        assert (await read(other, 20002))["status"] == "suspended"
        await change(client, 20002, status="active")
        assert (await other.of(20002).place_bet()).status_code == 201
