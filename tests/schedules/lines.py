"""Connections whose statements wait for their turn before they are sent."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from tests.schedules.footprint import NOTHING, TABLES, Footprint, of_statement
from tests.schedules.turns import Line, Send, Turns

if TYPE_CHECKING:
    from app.event_log import Connection

T = TypeVar("T")

# A transaction is given a number before it locks a row or writes one.
_HAS_LOCKED: Final = "SELECT pg_current_xact_id_if_assigned() IS NOT NULL"


class SteppedConnection:
    """What the service uses of a connection, on one that only sends when it has the turn.

    A statement whose footprint is empty needs no turn. Nor do those that follow in the snapshot
    of a repeatable read, which is for reading. A statement that writes by itself is sent as a
    transaction of two steps, as others can come between what it does and its end.
    """

    def __init__(self, line: Line, connection: "Connection", turns: Turns) -> None:
        self.connection: Final = connection
        self._line: Final = line
        self._turns: Final = turns
        self._isolated = self._has_snapshot = False
        self._locked = NOTHING

    async def fetch(self, query: str, *values: object) -> Any:
        """As of asyncpg."""
        return await self._send(query, partial(self.connection.fetch, query, *values))

    async def fetchrow(self, query: str, *values: object) -> Any:
        """As of asyncpg."""
        return await self._send(query, partial(self.connection.fetchrow, query, *values))

    async def fetchval(self, query: str, *values: object) -> Any:
        """As of asyncpg."""
        return await self._send(query, partial(self.connection.fetchval, query, *values))

    async def execute(self, query: str, *values: object) -> str:
        """As of asyncpg."""
        return await self._send(query, partial(self.connection.execute, query, *values))

    @asynccontextmanager
    async def transaction(self, *, isolation: str = "read_committed") -> AsyncGenerator[None]:
        """As of asyncpg, and never one within another."""
        begin = f"BEGIN ISOLATION LEVEL {isolation.replace('_', ' ')}"
        await self._turns.send_at_once(partial(self.connection.execute, begin))
        self._isolated = isolation == "repeatable_read"
        try:
            yield
        except BaseException:
            await self._end("ROLLBACK")
            raise
        else:
            await self._end("COMMIT")
        finally:
            self._isolated = self._has_snapshot = False
            self._locked = NOTHING

    async def close(self, *, timeout: float | None = None) -> None:  # noqa: ASYNC109 - asyncpg's
        """Leave the connection as if it were new, for the next one to use."""
        if self.connection.is_in_transaction():
            await self.connection.execute("ROLLBACK", timeout=timeout)

    async def _send(self, text: str, send: Send[T]) -> T:
        footprint = of_statement(text)
        if self._has_snapshot or footprint == Footprint():
            return await self._turns.send_at_once(send)
        if footprint.locks and not self.connection.is_in_transaction():
            async with self.transaction():
                return await self._send_alone(text, send)
        if self._isolated:
            self._has_snapshot, footprint = True, Footprint(reads=TABLES)
        self._locked |= footprint.locks
        return await self._turns.send(self._line, text, footprint, send)

    async def _send_alone(self, text: str, send: Send[T]) -> T:
        answer = await self._send(text, send)
        if not await self._turns.send_at_once(partial(self.connection.fetchval, _HAS_LOCKED)):
            self._locked = NOTHING  # nor has it written: nobody can tell when it ends
        return answer

    async def _end(self, text: str) -> None:
        end = partial(self.connection.execute, text)
        if self._locked:
            await self._turns.send(self._line, text, Footprint(publishes=self._locked), end)
        else:
            await self._turns.send_at_once(end)


class SteppedPool:
    """Hands out connections of one actor, as the service takes them from its pool.

    `spare` are open connections, which go back there.
    """

    def __init__(self, actor: str, spare: "list[Connection]", turns: Turns) -> None:
        self._actor: Final = actor
        self._spare: Final = spare
        self._turns: Final = turns
        self._out = 0

    async def acquire(self, *, timeout: float | None = None) -> SteppedConnection:  # noqa: ASYNC109 - asyncpg's
        """Take a spare connection."""
        del timeout
        connection = self._spare.pop()
        line = Line(self._actor, self._out, connection.get_server_pid())
        self._out += 1
        return SteppedConnection(line, connection, self._turns)

    async def release(self, taken: SteppedConnection, *, timeout: float | None = None) -> None:  # noqa: ASYNC109 - asyncpg's
        """Put a connection back."""
        del timeout
        self._out -= 1
        self._spare.append(taken.connection)
