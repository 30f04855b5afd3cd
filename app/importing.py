"""Bringing a tenant's log from an export file into a database, with all that is folded from it."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

import asyncpg
from msgspec import Struct, to_builtins
from msgspec.structs import astuple
from sqlalchemy import BigInteger, LargeBinary, bindparam, insert, select, update

from app import load, row_security
from app.audit import Audit
from app.chain import Sealed, sealed
from app.complaint import Complaint
from app.copying import copied
from app.event_log import Logged
from app.exact_json import ENCODER
from app.export_file import Heading
from app.exporting import Progress
from app.fault import FaultFound
from app.query import Query
from app.reading_ahead import ReadAhead
from app.row_window import MOST_ROWS, RowWindow
from domain.errors import DomainError
from domain.events import STREAM_OF, Stream
from domain.tenant import Wallet
from projections import EVENT_TABLES, tenant_heads, tenants
from projections.snapshots import Snapshot, snapshots, taken
from projections.tables import of_tenant

if TYPE_CHECKING:
    Connection: TypeAlias = asyncpg.Connection[Any]

Rows: TypeAlias = dict[Stream, list[tuple[object, ...]]]
"""The rows of the event tables, as COPY takes them."""

_TENANT: Final = Query(select(tenants.c.wallet).where(of_tenant(tenants.c.id)))
_COLUMNS: Final = Sealed.__struct_fields__
_DATA: Final = _COLUMNS.index("event_data")
_METADATA: Final = _COLUMNS.index("metadata")
_MOVE_HEAD: Final = Query(
    update(tenant_heads)
    .where(of_tenant(tenant_heads.c.tenant_id))
    .values(
        position=bindparam("position", type_=BigInteger),
        hash=bindparam("hash", type_=LargeBinary),
        last_timestamp=bindparam("last_timestamp", type_=BigInteger),
    )
)


class ImportRefused(Complaint):
    """The export does not fit into this database; the message says why. Nothing is changed."""


class _Chunk(Struct):
    """Events that follow on those before, with their rows by stream."""

    events: Sequence[Logged]
    rows: Rows


async def import_(
    connection: "Connection",
    source: ReadAhead,
    progress: Progress,
    *,
    most_rows: int = MOST_ROWS,
) -> None:
    """Bring in what `source` holds, all of it or nothing.

    The tenant is made if it is not there. The views are folded as the events come in, with at
    most so many rows of each in memory. Other writers of the tenant wait at its head until all
    is committed.

    Raises `ImportRefused`, and for the first fault in the file `FaultFound` or `Unreadable`.
    """
    try:
        async with row_security.naming(connection, source.heading.tenant.id):
            log = await _open(connection, source.heading)
            window = RowWindow(connection, source.heading.tenant.id, log.position, most_rows)
            await _Import(connection, window, log, source.chunks()).run(progress)
            await _move_head(connection, source.heading.tenant.id, log)
    except (asyncpg.IntegrityConstraintViolationError, asyncpg.DataError) as error:
        raise ImportRefused(f"The database refuses the events: {error}.") from error


async def _open(connection: "Connection", heading: Heading) -> Audit:
    """Where the tenant's log ends, with the head locked. Raises `ImportRefused`."""
    tenant = heading.tenant
    if await _wallet(connection, tenant.id) is None:
        await _create(connection, heading)
    opening, locking = load.open_heads(), load.lock_heads()
    await connection.execute(opening.text, *opening.arguments(tenants=[tenant.id]))
    head = await connection.fetchrow(locking.text, *locking.arguments(tenants=[tenant.id]))
    # Only now: it is changed by whoever holds the head.
    if (wallet := await _wallet(connection, tenant.id)) != tenant.wallet:
        raise ImportRefused(
            f"Tenant {tenant.id} has an {wallet} wallet here, and an {tenant.wallet} one there."
        )
    if head is None or head["position"] != heading.after:
        found = head["position"] if head else 0
        raise ImportRefused(
            f"Tenant {tenant.id} is at position {found}; the export goes on from {heading.after}."
        )
    return Audit(
        tenant.id,
        after=head["position"],
        previous=head["hash"],
        timestamp=head["last_timestamp"],
    )


async def _wallet(connection: "Connection", tenant_id: int) -> Wallet | None:
    found: Wallet | None = await connection.fetchval(
        _TENANT.text, *_TENANT.arguments(tenant_id=tenant_id)
    )
    return found


async def _create(connection: "Connection", heading: Heading) -> None:
    tenant = heading.tenant
    query = Query(insert(tenants).values(to_builtins(tenant)))
    try:
        await connection.execute(query.text, *query.arguments())
    except asyncpg.UniqueViolationError as error:
        raise ImportRefused(f"Another tenant has the slug {tenant.slug!r} already.") from error


async def _move_head(connection: "Connection", tenant_id: int, log: Audit) -> None:
    values = _MOVE_HEAD.arguments(
        tenant_id=tenant_id, position=log.position, hash=log.hash, last_timestamp=log.timestamp
    )
    await connection.execute(_MOVE_HEAD.text, *values)


class _Import:
    """One import under way: while events are copied in, those are folded, the next ones read."""

    def __init__(
        self,
        connection: "Connection",
        window: RowWindow,
        log: Audit,
        chunks: Iterator[list[Logged]],
    ) -> None:
        self._connection = connection
        self._window = window
        self._log = log
        self._chunks = chunks
        self._snapshots: list[Snapshot] = []

    async def run(self, progress: Progress) -> None:
        """Bring in all events, and their rows."""
        chunk = await asyncio.to_thread(self._next)
        while chunk:
            await self._window.open(chunk.events)
            following = await self._take(chunk)
            await self._copy_snapshots()
            await self._window.trim()
            progress(len(chunk.events))
            chunk = following
        await self._window.close()

    async def _take(self, chunk: _Chunk) -> _Chunk | None:
        """Copy the events of `chunk` in while they are folded; the chunk that follows.

        A fault in `chunk` goes first, and where the database finds it too, ours has its position.
        """
        copied, following = await asyncio.gather(
            self._copy(chunk), asyncio.to_thread(self._fold, chunk), return_exceptions=True
        )
        last = chunk.events[-1].recorded.position
        if isinstance(following, FaultFound) and (following.fault.position or 0) <= last:
            raise following
        for result in (copied, following):
            if isinstance(result, BaseException):
                raise result
        return cast("_Chunk | None", following)

    def _next(self) -> _Chunk | None:
        """Take the next events. Raises `FaultFound` and `Unreadable`.

        That they follow on one another is known; whether they follow on those here is not.
        """
        events = next(self._chunks, None)
        if events is None:
            return None
        self._log.take(events[0])
        self._log.go_on(events[-1])
        rows: Rows = {stream: [] for stream in EVENT_TABLES}
        for logged in events:
            rows[STREAM_OF[type(logged.recorded.event)]].append(_row(logged))
        return _Chunk(events, rows)

    def _fold(self, chunk: _Chunk) -> _Chunk | None:
        """Fold the events of `chunk`, and give the next one."""
        for logged in chunk.events:
            recorded = logged.recorded
            try:
                changed = self._window.replay.fold(recorded)
            except DomainError as error:
                raise self._log.fault(logged, "event_type", "what can follow", error) from error
            self._snapshots += taken(changed, self._window.replay.rows)
            self._log.take_version(logged, changed.before.version if changed.before else 0)
        return self._next()

    async def _copy(self, chunk: _Chunk) -> None:
        for stream, rows in chunk.rows.items():
            if rows:
                table, tenant_id = EVENT_TABLES[stream], self._log.tenant_id
                await copied(self._connection, tenant_id, table, _COLUMNS, rows)

    async def _copy_snapshots(self) -> None:
        written, self._snapshots = self._snapshots, []
        if written:
            columns = ("tenant_id", *Snapshot.__struct_fields__)
            rows = [(self._log.tenant_id, *_values(snapshot)) for snapshot in written]
            await copied(self._connection, self._log.tenant_id, snapshots, columns, rows)


def _values(snapshot: Snapshot) -> tuple[object, ...]:
    document = ENCODER.encode(snapshot.document).decode()
    return (snapshot.projection, snapshot.key, snapshot.position, document)


def _row(logged: Logged) -> tuple[object, ...]:
    row = sealed(logged.recorded, logged.hash)
    values: list[object] = list(astuple(row))
    values[_DATA] = bytes(row.event_data).decode()
    values[_METADATA] = ENCODER.encode(row.metadata).decode()
    return tuple(values)
