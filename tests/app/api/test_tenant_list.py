"""The list of tenants, walked page by page."""

from typing import Any

import asyncpg
import pytest

from tests.app.api.registry import create, pointers
from tests.conftest import DEFAULT_TENANT, EXTERNAL_TENANT, INTERNAL_TENANT, Client


@pytest.mark.parametrize("limit", [1, 2, 4, 5, 6])
async def test_walking_the_pages_yields_every_tenant_once_in_order(
    client: Client, limit: int
) -> None:
    for tenant_id in (30001, 3, 2**63 - 1):
        await create(client, id=tenant_id, slug=f"tenant-{tenant_id}")
    found: list[int] = []
    cursor = ""
    while True:
        page = (await client.http.get(f"/tenants?limit={limit}{cursor}")).json()
        assert page["total"] == 6
        assert len(page["tenants"]) <= limit
        found += [tenant["id"] for tenant in page["tenants"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    tests = [DEFAULT_TENANT, EXTERNAL_TENANT, INTERNAL_TENANT]
    assert found == [3, *tests, 30001, 2**63 - 1]


async def test_a_page_holds_fifty_tenants_by_default_and_two_hundred_at_most(
    client: Client, connection: "asyncpg.Connection[Any]"
) -> None:
    await connection.execute(
        "INSERT INTO tenants (id, name, slug)"
        " SELECT n, n::text, 'tenant-' || n FROM generate_series(1, 250) AS n"
    )
    page = (await client.http.get("/tenants")).json()
    assert (len(page["tenants"]), page["total"]) == (50, 253)
    assert len((await client.http.get("/tenants?limit=200")).json()["tenants"]) == 200
    for limit in ("0", "201", "-1", "x", "", "1_0"):
        refused = await client.http.get(f"/tenants?limit={limit}")
        assert (refused.status_code, pointers(refused)) == (400, ["limit"])


async def test_a_cursor_of_another_list_is_refused(client: Client) -> None:
    for _ in range(2):
        await client.place_bet()
    of_bets = (await client.get("/users/user-1/bets?limit=1")).json()["next_cursor"]
    own = (await client.http.get("/tenants?limit=1")).json()["next_cursor"]
    for cursor in ("", "x", "3", "%00", "%ff", own[:-1], of_bets):
        refused = await client.http.get(f"/tenants?cursor={cursor}")
        assert (refused.status_code, refused.json()["error"]) == (400, "Invalid cursor")
    assert (await client.get(f"/users/user-1/bets?cursor={own}")).status_code == 400


async def test_without_any_tenant_the_list_is_empty(
    client: Client, connection: "asyncpg.Connection[Any]"
) -> None:
    await connection.execute("DELETE FROM tenants")
    page = (await client.http.get("/tenants")).json()
    assert page == {"tenants": [], "total": 0, "next_cursor": None}
