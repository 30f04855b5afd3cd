"""The committer's two connections: one commits, the other reads while it does."""

from contextlib import suppress
from typing import TYPE_CHECKING, Final

import asyncpg

from app.database import CONNECT_TIMEOUT_SECONDS, open_pool
from app.settings import Settings

if TYPE_CHECKING:
    from app.unit_of_work import Connection

CONNECTIONS: Final = 2
_LIMITS_TRANSACTIONS: Final = (17, 0)

# What says nothing about the commands, only about the moment: the batch is run again. A
# commit whose answer was lost is among them; the re-run finds its keys taken by itself.
PASSING: Final = (
    asyncpg.TransactionRollbackError,  # 40: serialization failure, deadlock
    asyncpg.ReadOnlySQLTransactionError,  # 25006: this server has become a standby
    asyncpg.InsufficientResourcesError,  # 53
    asyncpg.AdminShutdownError,  # 57P01
    asyncpg.CrashShutdownError,  # 57P02
    asyncpg.CannotConnectNowError,  # 57P03
    asyncpg.QueryCanceledError,  # 57014: a lock outlasted the statement's time
    asyncpg.PostgresConnectionError,  # 08
    asyncpg.PostgresSystemError,  # 58: the server's disk failed it
    asyncpg.InterfaceError,  # the driver found the connection closed
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)


async def open_lines(url: str, settings: Settings) -> asyncpg.Pool:
    """A pool for `Lines`: the server itself ends a transaction that stands still.

    A network that delivers nothing any more tells neither end. Such a transaction would go on
    holding the heads of its tenants, and nobody could write to them.
    """
    longest = round(settings.statement_timeout_seconds * 1000)

    async def limit(connection: asyncpg.Connection) -> None:
        # A statement that is done, and whose Sync does not come, is neither running nor idle.
        if connection.get_server_version() >= _LIMITS_TRANSACTIONS:
            await connection.execute(f"SET transaction_timeout = {longest * 3 // 2}")

    idle = {"idle_in_transaction_session_timeout": str(longest)}
    return await open_pool(url, settings, CONNECTIONS, prepare=limit, **idle)


class Lines:
    """Connections that are made when they are needed, and let go together."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._writing: Connection | None = None
        self._reading: Connection | None = None

    async def writing(self) -> "Connection":
        """The connection that commits. Raises what asyncpg raises when there is none to be had."""
        if self._writing is None:
            self._writing = await self._pool.acquire(timeout=CONNECT_TIMEOUT_SECONDS)
        return self._writing

    async def reading(self) -> "Connection":
        """The connection that reads. Raises as `writing` does."""
        if self._reading is None:
            self._reading = await self._pool.acquire(timeout=CONNECT_TIMEOUT_SECONDS)
        return self._reading

    async def let_go(self) -> None:
        """Close both, whatever state they are in; the next user gets new ones."""
        held = (self._writing, self._reading)
        self._writing = self._reading = None
        for connection in held:
            if connection is not None:
                with suppress(*PASSING):
                    await connection.close(timeout=1)
                with suppress(*PASSING):
                    await self._pool.release(connection, timeout=1)
