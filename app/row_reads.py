"""Rows read by key: those who ask while one read is under way share the next."""

import asyncio
from typing import Any, Final, NamedTuple

import asyncpg
from msgspec import Struct

from app.query import Query
from projections.change import Projection
from projections.rows import by_keys

MOST_AT_ONCE: Final = 256


class _Asked(NamedTuple):
    tenant_id: int
    key: str
    answer: "asyncio.Future[Struct | None]"


class RowReads:
    """Reads the rows of one projection, one statement at a time.

    Nobody waits to fill a read, and nobody is handed what a read brought that had begun
    before he asked: every answer is at least as new as its question.
    """

    def __init__(
        self, projection: Projection[Any, Any], pool: asyncpg.Pool, wait_seconds: float
    ) -> None:
        self._query = Query(by_keys(projection))
        self._row_type = projection.row_type
        self._pool = pool
        self._wait_seconds = wait_seconds
        self._asked: list[_Asked] = []
        self._reading: asyncio.Task[None] | None = None

    async def row(self, tenant_id: int, key: str) -> Struct | None:
        """The row of the tenant with this key, if there is one. Raises what asyncpg raises."""
        answer: asyncio.Future[Struct | None] = asyncio.get_running_loop().create_future()
        self._asked.append(_Asked(tenant_id, key, answer))
        if self._reading is None:
            self._reading = asyncio.create_task(self._read_all())
        return await answer

    async def _read_all(self) -> None:
        while self._asked:
            asked = self._asked[:MOST_AT_ONCE]
            del self._asked[:MOST_AT_ONCE]
            try:
                rows = await self._read(asked)
            except Exception as error:  # noqa: BLE001 - it is for those who asked
                for one in asked:
                    if not one.answer.done():
                        one.answer.set_exception(error)
            else:
                for number, one in enumerate(asked, start=1):
                    if not one.answer.done():  # the caller may have gone away
                        one.answer.set_result(rows.get(number))
        self._reading = None

    async def _read(self, asked: list[_Asked]) -> dict[int, Struct]:
        tenants = [one.tenant_id for one in asked]
        arguments = self._query.arguments(
            tenants=tenants, keys=[one.key for one in asked], named=list(set(tenants))
        )
        async with self._pool.acquire(timeout=self._wait_seconds) as connection:
            records = await connection.fetch(self._query.text, *arguments)
        rows: dict[int, Struct] = {}
        for record in records:
            values = dict(record)
            number = values.pop("number")
            rows[number] = self._row_type(**values)
        return rows
