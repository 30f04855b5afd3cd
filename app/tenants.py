"""The tenants: creating one, and finding those that a command is about."""

from collections.abc import Collection
from typing import Final

import asyncpg
from sqlalchemy import func, insert, select

from app.complaint import Complaint
from app.query import Query
from domain.tenant import Wallet
from projections import tenant_heads, tenants


class TenantExists(Complaint):
    """A tenant has the id or the slug already; the message says which."""


class UnknownTenant(Complaint):
    """There is no such tenant; the message names it."""


_EVENTS: Final = Query(
    select(tenants.c.id, func.coalesce(tenant_heads.c.position, 0))
    .outerjoin_from(tenants, tenant_heads, tenants.c.id == tenant_heads.c.tenant_id)
    .order_by(tenants.c.id)
)


async def events_of(connection: asyncpg.Connection, wanted: Collection[int]) -> dict[int, int]:
    """How many events each of the tenants has, of all tenants if none is named.

    Raises `UnknownTenant`.
    """
    found = {row[0]: row[1] for row in await connection.fetch(_EVENTS.text, *_EVENTS.arguments())}
    for tenant_id in wanted:
        if tenant_id not in found:
            raise UnknownTenant(f"There is no tenant {tenant_id}.")
    return {tenant_id: found[tenant_id] for tenant_id in sorted(wanted or found)}


async def create(
    connection: asyncpg.Connection, tenant_id: int, name: str, slug: str, wallet: Wallet
) -> None:
    """Add an active tenant on the basic plan. Raises `TenantExists`."""
    values = {"id": tenant_id, "name": name, "slug": slug, "wallet": wallet}
    query = Query(insert(tenants).values(values))
    try:
        await connection.execute(query.text, *query.arguments())
    except asyncpg.UniqueViolationError as error:
        field = "slug" if error.constraint_name == "ux_tenants_slug" else "id"
        raise TenantExists(
            f"There is a tenant with the {field} {values[field]!r} already."
        ) from error
