"""The tenants: creating one, and finding those that a command is about."""

from collections.abc import Collection
from typing import TYPE_CHECKING, Final

import asyncpg
from sqlalchemy import insert, select

from app import row_security
from app.complaint import Complaint
from app.query import Query
from domain.tenant import Wallet
from projections import tenants
from projections.row_security import named, of_many
from projections.tenants import positions

if TYPE_CHECKING:
    from app.event_log import Connection


class TenantExists(Complaint):
    """A tenant has the id or the slug already; the message says which."""


class UnknownTenant(Complaint):
    """There is no such tenant; the message names it."""


_IDS: Final = Query(select(tenants.c.id).order_by(tenants.c.id))
_POSITIONS: Final = Query(named(positions(), of_many("tenants")))


async def events_of(connection: asyncpg.Connection, wanted: Collection[int]) -> dict[int, int]:
    """How many events each of the tenants has, of all tenants if none is named.

    Raises `UnknownTenant`.
    """
    known = await ids(connection)
    for tenant_id in wanted:
        if tenant_id not in known:
            raise UnknownTenant(f"There is no tenant {tenant_id}.")
    asked = sorted(wanted or known)
    found = await connection.fetch(_POSITIONS.text, *_POSITIONS.arguments(tenants=asked))
    return dict.fromkeys(asked, 0) | {row[0]: row[1] for row in found}


async def ids(connection: "Connection") -> list[int]:
    """The ids of all tenants, in order."""
    async with connection.transaction():
        await row_security.show_every_tenant(connection)
        return [tenant_id for (tenant_id,) in await connection.fetch(_IDS.text)]


async def create(
    connection: asyncpg.Connection, tenant_id: int, name: str, slug: str, wallet: Wallet
) -> None:
    """Add an active tenant on the basic plan. Raises `TenantExists`."""
    values = {"id": tenant_id, "name": name, "slug": slug, "wallet": wallet}
    query = Query(insert(tenants).values(values))
    try:
        async with row_security.naming(connection, tenant_id):
            await connection.execute(query.text, *query.arguments())
    except asyncpg.UniqueViolationError as error:
        field = "slug" if error.constraint_name == "ux_tenants_slug" else "id"
        raise TenantExists(
            f"There is a tenant with the {field} {values[field]!r} already."
        ) from error
