"""Forgetting idempotency keys that are old enough; events are never touched."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import asyncpg
import structlog

from app import row_security, tenants
from app.query import Query
from app.settings import Settings
from projections.idempotency_keys import prune as prune_statement

if TYPE_CHECKING:
    from app.event_log import Connection

_log: Final = structlog.get_logger()

BATCH: Final = 5000
_PRUNE: Final = Query(prune_statement())


async def prune(pool: asyncpg.Pool, older_than: timedelta) -> int:
    """Forget the keys taken longer ago than `older_than`; return how many.

    Tenant by tenant and in batches, each a short transaction of its own, so that commands
    go on meanwhile. A late double of a placed bet or a payment is stopped by the view.
    """
    cutoff = datetime.now(UTC) - older_than
    forgotten = 0
    async with pool.acquire() as connection:
        for tenant_id in await tenants.ids(connection):
            forgotten += await prune_tenant(connection, tenant_id, cutoff)
    return forgotten


async def prune_tenant(connection: "Connection", tenant_id: int, cutoff: datetime) -> int:
    """Forget the tenant's keys taken before `cutoff`; return how many."""
    forgotten = 0
    while deleted := await _prune_some(connection, tenant_id, cutoff):
        forgotten += deleted
    return forgotten


async def _prune_some(connection: "Connection", tenant_id: int, cutoff: datetime) -> int:
    arguments = _PRUNE.arguments(tenant_id=tenant_id, cutoff=cutoff, limit=BATCH)
    async with row_security.naming(connection, tenant_id):
        status = await connection.execute(_PRUNE.text, *arguments)
    return int(status.rpartition(" ")[2])


async def prune_regularly(pool: asyncpg.Pool, settings: Settings) -> None:
    """Prune every `prune_interval_hours` for as long as the process runs."""
    while True:
        await asyncio.sleep(settings.prune_interval_hours * 3600)
        try:
            forgotten = await prune(pool, timedelta(hours=settings.key_hours))
            _log.info("keys pruned", keys=forgotten)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            _log.warning("keys not pruned", error=repr(error))
