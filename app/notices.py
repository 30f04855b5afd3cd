"""What the processes on one database tell each other: which tenants have new events."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

import asyncpg
from sqlalchemy import ARRAY, Text, bindparam, func, literal_column, not_, select

from app.database import CONNECT_TIMEOUT_SECONDS, PLANNER, UNREACHABLE
from app.query import Query
from projections.row_security import SERVICE_ROLE, named, of_many
from projections.tenants import positions

if TYPE_CHECKING:
    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record]

FAULTS: Final = (*UNREACHABLE, asyncpg.InternalClientError)
STATEMENT_SECONDS: Final = 5
TENANTS_A_NOTICE: Final = 380  # of 20 characters: a notice has less than 8,000 bytes

_CHANNEL: Final = "stakebook_feed"
# Whoever listens shares this advisory lock; the database lets go of it when his session ends.
_LISTENING: Final = 0x7374616B65
_SHARE: Final = f"SELECT pg_advisory_lock_shared({_LISTENING})"


def _tell() -> Query:
    """Send each of `notices`, and return a row for it, unless no other session listens.

    The lock can be had, for the length of the statement, if no other session shares it.
    """
    given = func.unnest(bindparam("notices", type_=ARRAY(Text))).table_valued("notice")
    given = given.render_derived(name="given")
    nobody = func.pg_try_advisory_xact_lock(literal_column(str(_LISTENING)))
    sent = func.pg_notify(literal_column(f"'{_CHANNEL}'"), given.c.notice)
    return Query(select(sent).where(not_(nobody)))


_TELL: Final = _tell()
_POSITIONS: Final = Query(named(positions(), of_many("tenants")))


class Notices:
    """Tells and hears over one connection, made when it is needed and anew when it is lost.

    `heard` is called with the tenants that another process tells of. NOTIFY takes a lock of
    which there is one for all databases, until its transaction ends; so no commit of events
    sends one, and the transaction that does waits for no disk.
    """

    def __init__(self, url: str, heard: Callable[[Collection[int]], None]) -> None:
        self._url = url
        self._heard = heard
        self._turn = asyncio.Lock()
        self._listening = False
        self._deaf = True
        self._connection: Connection | None = None

    async def tell(self, tenant_ids: Collection[int]) -> bool:
        """Tell the other processes of these tenants; false if none of them listens.

        Raises what `FAULTS` lists, as does all that goes over the connection.
        """
        ids = [str(tenant_id) for tenant_id in tenant_ids]
        starts = range(0, len(ids), TENANTS_A_NOTICE)
        notices = [",".join(ids[start : start + TENANTS_A_NOTICE]) for start in starts]
        return bool(await self._fetch(_TELL, notices=notices))

    async def positions(self, tenant_ids: Iterable[int]) -> dict[int, int]:
        """The last positions of these tenants; from now on the process listens."""
        self._listening = True
        found = await self._fetch(_POSITIONS, tenants=list(tenant_ids))
        return {record["tenant_id"]: record["position"] for record in found}

    async def close(self) -> None:
        """Let the connection go, and listen no more."""
        self._listening = False
        async with self._turn:
            await self._let_go()

    async def _fetch(self, query: Query, **values: object) -> Sequence[asyncpg.Record]:
        async with self._turn:
            try:
                connection = await self._connected()
                return await connection.fetch(query.text, *query.arguments(**values))
            except FAULTS:
                await self._let_go()
                raise

    async def _connected(self) -> "Connection":
        if self._connection is None or self._connection.is_closed():
            self._connection = await asyncpg.connect(
                self._url,
                timeout=CONNECT_TIMEOUT_SECONDS,
                command_timeout=STATEMENT_SECONDS,
                server_settings={
                    "application_name": "stakebook",
                    "role": SERVICE_ROLE,
                    "synchronous_commit": "off",
                    **PLANNER,
                },
            )
            self._deaf = True
        if self._listening and self._deaf:
            await self._connection.execute(_SHARE)
            await self._connection.add_listener(_CHANNEL, self._hear)
            self._deaf = False
        return self._connection

    async def _let_go(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(*FAULTS):
                await connection.close(timeout=1)

    def _hear(self, connection: Any, pid: int, _: str, notice: object) -> None:
        if pid != connection.get_server_pid():  # it has woken its own followers before
            self._heard([int(tenant_id) for tenant_id in cast("str", notice).split(",")])
