"""Forgetting idempotency keys that are old enough; events are never touched."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Final

import asyncpg
import structlog
from sqlalchemy import select

from app.query import Query
from app.settings import Settings
from projections import tenants
from projections.idempotency_keys import prune as prune_statement

_log: Final = structlog.get_logger()

BATCH: Final = 5000
_PRUNE: Final = Query(prune_statement())
_TENANTS: Final = Query(select(tenants.c.id).order_by(tenants.c.id))


async def prune(pool: asyncpg.Pool, older_than: timedelta) -> int:
    """Forget the keys taken longer ago than `older_than`; return how many.

    Tenant by tenant and in batches, each a short transaction of its own, so that commands
    go on meanwhile. A late double of a placed bet or a payment is stopped by the view.
    """
    cutoff = datetime.now(UTC) - older_than
    forgotten = 0
    for record in await pool.fetch(_TENANTS.text):
        arguments = _PRUNE.arguments(tenant_id=record["id"], cutoff=cutoff, limit=BATCH)
        while deleted := int((await pool.execute(_PRUNE.text, *arguments)).rpartition(" ")[2]):
            forgotten += deleted
    return forgotten


async def prune_regularly(pool: asyncpg.Pool, settings: Settings) -> None:
    """Prune every `prune_interval_hours` for as long as the process runs."""
    while True:
        await asyncio.sleep(settings.prune_interval_hours * 3600)
        try:
            forgotten = await prune(pool, timedelta(hours=settings.key_hours))
            _log.info("keys pruned", keys=forgotten)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            _log.warning("keys not pruned", error=repr(error))
