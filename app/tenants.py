"""The tenants: who is registered, what is changed of them, and whom a command is about."""

from collections.abc import Collection
from typing import TYPE_CHECKING, Any, Final

import asyncpg
from sqlalchemy import BigInteger, Integer, bindparam, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.sql.elements import ColumnElement

from app import load, row_security
from app.complaint import Complaint
from app.query import Query
from domain.tenant import ChangeTenant, CreateTenant, RegisteredTenant, decide
from projections import tenants
from projections.row_security import named, of_many
from projections.tables import of_tenant, row_columns
from projections.tenants import positions
from projections.tenants_summary import tenants_summary_view

if TYPE_CHECKING:
    from app.event_log import Connection


class TenantExists(Complaint):
    """A tenant has the id or the slug already; the message says which, as does `field`."""

    def __init__(self, field: str, value: object) -> None:
        super().__init__(f"There is a tenant with the {field} {value!r} already.")
        self.field: Final = field


class UnknownTenant(Complaint):
    """There is no such tenant; the message names it."""

    def __init__(self, tenant_id: int) -> None:
        super().__init__(f"There is no tenant {tenant_id}.")


def _open_bets() -> ColumnElement[int]:
    bets = tenants_summary_view.c
    counted = select(bets.bets_placed + bets.bets_confirmed).where(of_tenant(bets.tenant_id))
    return func.coalesce(counted.scalar_subquery(), 0)


_COLUMNS: Final = row_columns(tenants, RegisteredTenant)
_ONE: Final = Query(select(*_COLUMNS).where(of_tenant(tenants.c.id)))
_WITH_OPEN_BETS: Final = Query(
    select(*_COLUMNS, _open_bets().label("open_bets")).where(of_tenant(tenants.c.id))
)
PAGE: Final = Query(
    select(*_COLUMNS, select(func.count()).select_from(tenants).scalar_subquery().label("total"))
    .where(tenants.c.id > bindparam("after", type_=BigInteger))
    .order_by(tenants.c.id)
    .limit(bindparam("limit", type_=Integer))
)
_IDS: Final = Query(select(tenants.c.id).order_by(tenants.c.id))
_POSITIONS: Final = Query(named(positions(), of_many("tenants")))


async def events_of(connection: asyncpg.Connection, wanted: Collection[int]) -> dict[int, int]:
    """How many events each of the tenants has, of all tenants if none is named.

    Raises `UnknownTenant`.
    """
    known = await ids(connection)
    for tenant_id in wanted:
        if tenant_id not in known:
            raise UnknownTenant(tenant_id)
    asked = sorted(wanted or known)
    found = await connection.fetch(_POSITIONS.text, *_POSITIONS.arguments(tenants=asked))
    return dict.fromkeys(asked, 0) | {row[0]: row[1] for row in found}


async def ids(connection: "Connection") -> list[int]:
    """The ids of all tenants, in order."""
    async with connection.transaction():
        await row_security.show_every_tenant(connection)
        return [tenant_id for (tenant_id,) in await connection.fetch(_IDS.text)]


async def page(
    connection: "Connection", after: int, limit: int
) -> tuple[list[RegisteredTenant], int]:
    """At most `limit` tenants with ids greater than `after`, in order, and the number of all.

    The number is 0 when no tenant is found.
    """
    async with connection.transaction():
        await row_security.show_every_tenant(connection)
        rows = await connection.fetch(PAGE.text, *PAGE.arguments(after=after, limit=limit))
    return [_registered(row) for row in rows], rows[0]["total"] if rows else 0


async def read(connection: "Connection", tenant_id: int) -> RegisteredTenant:
    """The tenant. Raises `UnknownTenant`."""
    async with row_security.naming(connection, tenant_id):
        return _registered(await _fetch(connection, _ONE, tenant_id))


async def create(connection: "Connection", command: CreateTenant) -> tuple[RegisteredTenant, bool]:
    """Register an active tenant; returns it, and whether it is new.

    The id is the caller's, so that a repeat is known by it: a tenant that is there and is what
    `command` would make is returned as it is. Raises `TenantExists` for any other.
    """
    values = {name: getattr(command, name) for name in command.__struct_fields__}
    query = Query(insert(tenants).values(values).on_conflict_do_nothing().returning(*_COLUMNS))
    async with row_security.naming(connection, command.id):
        row = await connection.fetchrow(query.text, *query.arguments())
        if row is not None:
            return _registered(row), True
        try:
            found = _registered(await _fetch(connection, _ONE, command.id))
        except UnknownTenant as error:
            raise TenantExists("slug", command.slug) from error
        if not command.describes(found):
            raise TenantExists("id", command.id)
        return found, False


async def change(
    connection: "Connection", tenant_id: int, command: ChangeTenant
) -> RegisteredTenant:
    """Change what is registered of the tenant, and return it.

    The head is held from before the tenant is read: no command commits between the look at its
    open bets and the change. One that was decided before it loses its swap, as the database
    moves the head's revision with a status or a wallet.

    Raises `UnknownTenant`, `TenantExists` for a slug that is taken, `WalletInUse`.
    """
    async with row_security.naming(connection, tenant_id):
        for query in (load.open_heads(), load.lock_heads()):
            await connection.execute(query.text, *query.arguments(tenants=[tenant_id]))
        row = await _fetch(connection, _WITH_OPEN_BETS, tenant_id)
        tenant = _registered(row)
        changed = decide(command, tenant, row["open_bets"])
        return await _update(connection, tenant_id, changed) if changed else tenant


async def _update(
    connection: "Connection", tenant_id: int, changed: dict[str, str]
) -> RegisteredTenant:
    # Only columns that change: the database tells by them whether decisions rest on it.
    query = Query(
        update(tenants).where(of_tenant(tenants.c.id)).values(changed).returning(*_COLUMNS)
    )
    try:
        return _registered(await _fetch(connection, query, tenant_id))
    except asyncpg.UniqueViolationError as error:
        raise TenantExists("slug", changed["slug"]) from error


async def _fetch(connection: "Connection", query: Query, tenant_id: int) -> asyncpg.Record:
    row = await connection.fetchrow(query.text, *query.arguments(tenant_id=tenant_id))
    if row is None:
        raise UnknownTenant(tenant_id)
    found: asyncpg.Record = row
    return found


def _registered(row: Any) -> RegisteredTenant:
    return RegisteredTenant(**{name: row[name] for name in RegisteredTenant.__struct_fields__})
