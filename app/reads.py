"""Reads: compiled statements on the pool, each bound to a tenant that exists."""

from collections.abc import Sequence
from time import monotonic
from typing import Final, TypeVar

import asyncpg
from msgspec import Struct
from sqlalchemy import BigInteger, bindparam, select

from app import problems
from app.problems import problem
from app.query import Query
from projections import tenants

RowT = TypeVar("RowT", bound=Struct)

KNOWN_SECONDS: Final = 5.0
KNOWN_LIMIT: Final = 10_000

_EXISTS: Final = Query(
    select(tenants.c.id).where(tenants.c.id == bindparam("tenant_id", type_=BigInteger))
)


class Reads:
    """Answers reads from the tables that commits keep up to date."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._known: dict[int, float] = {}

    async def one(
        self, query: Query, row_type: type[RowT], tenant_id: int, **values: object
    ) -> RowT | None:
        """The row of the tenant that `query` finds. Raises `Problem` for an unknown tenant."""
        await self._must_exist(tenant_id)
        arguments = query.arguments(tenant_id=tenant_id, **values)
        record = await self._pool.fetchrow(query.text, *arguments)
        return None if record is None else row_type(**record)

    async def many(
        self, query: Query, tenant_id: int, **values: object
    ) -> Sequence[asyncpg.Record]:
        """The rows of the tenant that `query` finds. Raises `Problem` for an unknown tenant."""
        await self._must_exist(tenant_id)
        return await self._pool.fetch(query.text, *query.arguments(tenant_id=tenant_id, **values))

    async def _must_exist(self, tenant_id: int) -> None:
        """Check that there is such a tenant; one seen is taken as there for a few seconds."""
        now = monotonic()
        if self._known.get(tenant_id, 0.0) > now:
            return
        if await self._pool.fetchval(_EXISTS.text, tenant_id) is None:
            raise problem(problems.TENANT_NOT_FOUND, f"There is no tenant {tenant_id}.")
        if len(self._known) >= KNOWN_LIMIT:
            self._known.clear()
        self._known[tenant_id] = now + KNOWN_SECONDS
