"""Where a time lies in a tenant's log."""

from typing import Any

from sqlalchemy import BigInteger, ScalarSelect, Select, Table, bindparam, cast, func, select

from projections.events import EVENT_TABLES, last_position
from projections.tables import of_tenant
from projections.tenants import tenant_heads, tenants


def moment() -> Select[*tuple[Any, ...]]:
    """Where a time lies in the log of a tenant; parameters `tenant_id`, `time` (milliseconds).

    `position` is that of the last event that is not later than the time, `head` that of the
    last event of all, which was at `last_timestamp`; 0 each where there is none. `since` is
    when the tenant was created, or its first event where that was before, as it can be after
    an import.
    """
    time = bindparam("time", type_=BigInteger)
    found = func.greatest(0, *(last_position(table, time) for table in EVENT_TABLES.values()))
    created = cast(func.floor(func.extract("epoch", tenants.c.created_at) * 1000), BigInteger)
    first = (_first_timestamp(table) for table in EVENT_TABLES.values())
    return (
        select(
            func.coalesce(tenant_heads.c.position, 0).label("head"),
            func.coalesce(tenant_heads.c.last_timestamp, 0).label("last_timestamp"),
            func.least(created, *first).label("since"),
            found.label("position"),
        )
        .join_from(tenants, tenant_heads, tenants.c.id == tenant_heads.c.tenant_id, isouter=True)
        .where(of_tenant(tenants.c.id))
    )


def _first_timestamp(table: Table) -> ScalarSelect[int]:
    return (
        select(table.c.timestamp)
        .where(of_tenant(table.c.tenant_id), table.c.position == 1)
        .scalar_subquery()
    )
