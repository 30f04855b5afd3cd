"""Writing a tenant's log to an export file, with the memory of a few thousand events."""

import asyncio
from collections.abc import Callable, Sequence
from typing import IO, TYPE_CHECKING, Any, Final, TypeAlias

from sqlalchemy import select
from sqlalchemy.sql import func

from app import row_security
from app.complaint import Complaint
from app.event_log import logged
from app.export_file import ExportedTenant, ExportWriter, Heading
from app.query import Query
from domain.events import STREAM_EVENTS
from projections import events, tenant_heads, tenants
from projections.tables import of_tenant

if TYPE_CHECKING:
    import asyncpg

    Connection: TypeAlias = asyncpg.Connection[Any]

Progress: TypeAlias = Callable[[int], object]
"""Told how many events more are done."""

_AT_ONCE: Final = 5_000
_LOG: Final = Query(events.log(tuple(STREAM_EVENTS), period=False))
_TENANT: Final = Query(
    select(
        *(tenants.c[name] for name in ExportedTenant.__struct_fields__),
        func.coalesce(tenant_heads.c.position, 0).label("position"),
    )
    .join_from(tenants, tenant_heads, tenants.c.id == tenant_heads.c.tenant_id, isouter=True)
    .where(of_tenant(tenants.c.id))
)


class NothingToExport(Complaint):
    """There is no such tenant or there are no such events; the message says which."""


async def heading(connection: "Connection", tenant_id: int, after: int) -> Heading:
    """What an export after a position holds now. Raises `NothingToExport`."""
    await row_security.turn_to(connection, tenant_id)
    row = await connection.fetchrow(_TENANT.text, *_TENANT.arguments(tenant_id=tenant_id))
    if row is None:
        raise NothingToExport(f"There is no tenant {tenant_id}.")
    tenant = dict(row)
    to = tenant.pop("position")
    if after > to:
        raise NothingToExport(f"Tenant {tenant_id} has no event after position {to}.")
    return Heading(tenant=ExportedTenant(**tenant), after=after, to=to)


async def export(
    connection: "Connection", heading: Heading, file: IO[bytes], progress: Progress
) -> None:
    """Write the events that `heading` tells of, which was read in the same snapshot.

    The next rows are on their way while those before are written.
    """
    writer = ExportWriter(file, heading)
    values = _LOG.arguments(tenant_id=heading.tenant.id, after=heading.after, limit=None)
    cursor = await connection.cursor(_LOG.text, *values)
    rows = await cursor.fetch(_AT_ONCE)
    while rows:
        fetching = asyncio.create_task(cursor.fetch(_AT_ONCE))
        try:
            await asyncio.to_thread(_write, writer, rows)
        finally:
            await asyncio.wait([fetching])  # the connection is free again, whatever happened
        progress(len(rows))
        rows = fetching.result()


def _write(writer: ExportWriter, rows: Sequence["asyncpg.Record"]) -> None:
    writer.write([logged(row) for row in rows])
