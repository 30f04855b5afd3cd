"""Creating tenants."""

import asyncpg
from sqlalchemy import insert

from app.complaint import Complaint
from app.query import Query
from domain.tenant import Wallet
from projections import tenants


class TenantExists(Complaint):
    """A tenant has the id or the slug already; the message says which."""


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
