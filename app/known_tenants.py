"""Which tenants there are, as a process knows it."""

import asyncio
from contextlib import suppress
from time import monotonic
from typing import Final

import asyncpg
from sqlalchemy import select

from app import problems
from app.lines import PASSING
from app.problems import problem
from app.query import Query
from projections import tenants
from projections.row_security import named
from projections.tables import of_tenant

KNOWN_SECONDS: Final = 5.0
KNOWN_LIMIT: Final = 10_000

_EXISTS: Final = Query(named(select(tenants.c.id).where(of_tenant(tenants.c.id))))


class KnownTenants:
    """Takes a tenant that was seen as there for a few seconds, and then looks again.

    Those who ask meanwhile wait for the one who looks. When each of them looked for himself,
    thousands stood in line for a connection, and the next thousands came before they were done
    (docs/performance.md).
    """

    def __init__(self, pool: asyncpg.Pool, wait_seconds: float) -> None:
        self._pool = pool
        self._wait_seconds = wait_seconds
        self._until: dict[int, float] = {}
        self._looking: dict[int, asyncio.Task[bool]] = {}

    async def must_exist(self, tenant_id: int) -> None:
        """Raise `Problem` for an unknown tenant, and what asyncpg raises if nobody can tell.

        `TimeoutError` says that the caller has waited for as long as he, or a statement, may.
        """
        if self._until.get(tenant_id, 0.0) > monotonic():
            return
        async with asyncio.timeout(self._wait_seconds):
            found = await self._found(tenant_id)
        if not found:
            raise problem(problems.TENANT_NOT_FOUND, f"There is no tenant {tenant_id}.")

    async def _found(self, tenant_id: int) -> bool:
        under_way = self._looking.get(tenant_id)
        if under_way is not None:
            # It may fail after a wait that this caller has not had, and what it began before the
            # question may miss a tenant created since: only a yes is an answer to all.
            with suppress(*PASSING):
                if await asyncio.shield(under_way):
                    return True
        return await asyncio.shield(self._begun(tenant_id))

    def _begun(self, tenant_id: int) -> "asyncio.Task[bool]":
        """The look that has begun since, or else one that begins."""
        if tenant_id not in self._looking:
            look = self._looking[tenant_id] = asyncio.create_task(self._look(tenant_id))
            look.add_done_callback(_heeded)  # also when nobody waits for it any more
        return self._looking[tenant_id]

    async def _look(self, tenant_id: int) -> bool:
        arguments = _EXISTS.arguments(tenant_id=tenant_id)
        try:
            async with self._pool.acquire(timeout=self._wait_seconds) as connection:
                found = await connection.fetchval(_EXISTS.text, *arguments) is not None
        finally:
            del self._looking[tenant_id]
        if found:
            if len(self._until) >= KNOWN_LIMIT:
                self._until.clear()
            self._until[tenant_id] = monotonic() + KNOWN_SECONDS
        return found


def _heeded(look: "asyncio.Task[bool]") -> None:
    if not look.cancelled():
        look.exception()
