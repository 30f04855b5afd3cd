"""Reads: compiled statements on the pool, each bound to a tenant that exists."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar, cast

import asyncpg
from msgspec import Struct

from app.as_of import AsOf, position_of
from app.known_tenants import KnownTenants
from app.past import Past
from app.query import Query
from app.row_reads import RowReads
from projections import PROJECTIONS
from projections.change import TENANT_KEY, Projection

RowT = TypeVar("RowT", bound=Struct)


class Reads:
    """Answers reads from the tables that commits keep up to date."""

    def __init__(self, pool: asyncpg.Pool, wait_seconds: float) -> None:
        self._pool = pool
        self._wait_seconds = wait_seconds
        self._tenants: Final = KnownTenants(pool, wait_seconds)
        self._rows: Final = {
            projection.table.name: RowReads(projection, pool, wait_seconds)
            for projection in PROJECTIONS
        }

    async def row(
        self,
        projection: Projection[RowT, Any],
        tenant_id: int,
        key: str = TENANT_KEY,
        as_of: AsOf | None = None,
    ) -> RowT | None:
        """The tenant's row with this key, now or as it was. Raises `Problem` as `past` does."""
        if as_of is not None:
            async with self.past(tenant_id, as_of) as past:
                return await past.row(projection, key)
        await self.must_exist(tenant_id)
        row = await self._rows[projection.table.name].row(tenant_id, key)
        return cast("RowT | None", row)

    @asynccontextmanager
    async def past(self, tenant_id: int, as_of: AsOf) -> AsyncGenerator[Past, None]:
        """The tenant as it was, all of one snapshot.

        Raises `Problem` for an unknown tenant and for a moment that is not in its log.
        """
        async with (
            self._pool.acquire(timeout=self._wait_seconds) as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            yield Past(connection, tenant_id, await position_of(as_of, connection, tenant_id))

    async def many(
        self, query: Query, tenant_id: int, **values: object
    ) -> Sequence[asyncpg.Record]:
        """The rows of the tenant that `query` finds. Raises `Problem` for an unknown tenant."""
        await self.must_exist(tenant_id)
        arguments = query.arguments(tenant_id=tenant_id, **values)
        async with self._pool.acquire(timeout=self._wait_seconds) as connection:
            return await connection.fetch(query.text, *arguments)

    async def must_exist(self, tenant_id: int) -> None:
        """Raise `Problem` for an unknown tenant; one seen is taken as there for a few seconds."""
        await self._tenants.must_exist(tenant_id)
