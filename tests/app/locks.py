"""Locks by which a test holds a commit at the moment it is about, and waits for it to get there."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any, TypeAlias, TypeVar

import asyncpg

from tests.conftest import EXTERNAL_TENANT

T = TypeVar("T")
Connection: TypeAlias = "asyncpg.Connection[Any]"

LONGEST_SECONDS = 20


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Go on once `condition` holds; fail if that takes too long."""
    deadline = monotonic() + LONGEST_SECONDS
    while not await condition():
        assert monotonic() < deadline
        await asyncio.sleep(0.005)


@asynccontextmanager
async def held(connection: Connection, tenant: int = EXTERNAL_TENANT) -> AsyncGenerator[None, None]:
    """Hold the tenant's head, which was written before, so that every commit has to wait."""
    async with connection.transaction():
        query = "SELECT FROM tenant_heads WHERE tenant_id = $1 FOR UPDATE"
        assert await connection.fetch(query, tenant)
        yield


@asynccontextmanager
async def observer(url: str) -> AsyncGenerator[Connection, None]:
    """One more connection, to look on from while another is in a transaction."""
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


async def blocked(connection: Connection) -> int:
    """How many backends of this database wait for a lock."""
    return int(
        await connection.fetchval(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
    )


async def until_blocked(connection: Connection, backends: int = 1) -> None:
    """Go on once so many backends, or none, wait for a lock."""

    async def reached() -> bool:
        return await blocked(connection) == backends

    await until(reached)


@asynccontextmanager
async def waiting(
    connection: Connection, running: Coroutine[Any, Any, T]
) -> AsyncGenerator["asyncio.Task[T]", None]:
    """Start `running` and go on once its commit waits for a lock."""
    task = asyncio.ensure_future(running)
    await until_blocked(connection)
    yield task
