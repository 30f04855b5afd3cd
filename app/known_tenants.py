"""Which tenants there are, as a process knows it."""

import asyncio
from time import monotonic
from typing import Final

import asyncpg
from sqlalchemy import select

from app import problems
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
        """Raise `Problem` for an unknown tenant, and what asyncpg raises if nobody can tell."""
        if self._until.get(tenant_id, 0.0) > monotonic():
            return
        under_way = self._looking.get(tenant_id)
        if under_way is not None and await asyncio.shield(under_way):
            return
        # Who began to look before this was asked may have missed a tenant created since.
        if not await asyncio.shield(self._look(tenant_id)):
            raise problem(problems.TENANT_NOT_FOUND, f"There is no tenant {tenant_id}.")

    def _look(self, tenant_id: int) -> "asyncio.Task[bool]":
        """The look that is under way, or else one that begins."""
        if tenant_id not in self._looking:
            self._looking[tenant_id] = asyncio.create_task(self._found(tenant_id))
        return self._looking[tenant_id]

    async def _found(self, tenant_id: int) -> bool:
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
