"""Requests to the registry of tenants."""

from typing import Any, Final

import httpx

from tests.conftest import Client

NEW: Final[dict[str, object]] = {"id": 20002, "name": "Second", "slug": "second"}


async def create(client: Client, **fields: object) -> httpx.Response:
    """Ask for a new tenant, with `fields` replaced."""
    return await client.http.post("/tenants", json=NEW | fields)


async def change(client: Client, tenant_id: object, **fields: object) -> httpx.Response:
    """Ask for these fields of a tenant to be changed."""
    return await client.http.patch(f"/tenants/{tenant_id}", json=fields)


async def read(client: Client, tenant_id: int) -> dict[str, Any]:
    """What is registered of a tenant."""
    answer = await client.http.get(f"/tenants/{tenant_id}")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


def pointers(refused: httpx.Response) -> list[str]:
    """The members that the problem names."""
    return [error["pointer"] for error in refused.json()["errors"]]
